"""Metrics of episodes and weights as torchmetrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, isnan
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from remix.learning.episodes import Episode


def by_episode(episodes: Sequence[Episode], names: Sequence[str]) -> dict[str, list[float]]:
    """Return, length and every environment statistic of each of E episodes, ``[E]`` by name.

    :param names: the environment's own episode statistics (``EnvSpec.metrics``).
    """
    scores = {"return": [e.score for e in episodes], "length": [float(e.length) for e in episodes]}
    return scores | {name: [float(e.metrics[name]) for e in episodes] for name in names}


class EpisodeStatistics(Metric):
    """Mean return, its spread, mean length and mean of every environment statistic over episodes.

    ``totals [2 + len(names) + n_paid]`` are sums of return, length, statistics and the agents' own returns;
    the other sums are scalars.

    :param names: the environment's own episode statistics (``EnvSpec.metrics``).
    :param n_paid: agents whose own returns count too: N, or 0 for none.
    """

    full_state_update = False
    totals: Tensor
    squared_return: Tensor
    count: Tensor

    def __init__(self, names: Sequence[str], n_paid: int = 0) -> None:
        super().__init__()
        self._own, self._n_paid = tuple(names), n_paid
        self.names = ("return", "length", *names, *(f"return_agent_{n}" for n in range(n_paid)))
        self.add_state("totals", torch.zeros(len(self.names), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("squared_return", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, episodes: Sequence[Episode]) -> None:
        rows = [
            [e.score, e.length, *(e.metrics[name] for name in self._own)]
            + (e.individual_scores if self._n_paid else [])
            for e in episodes
        ]
        values = torch.tensor(rows, dtype=torch.float64, device=self.totals.device)
        self.totals = self.totals + values.sum(0)
        self.squared_return = self.squared_return + values[:, 0].square().sum()
        self.count = self.count + len(episodes)

    def _apply(self, fn: Callable[..., Any], exclude_state: Sequence[str] = ()) -> EpisodeStatistics:
        """Episodes are played on the CPU, and so their statistics stay there."""
        return self

    def gathered(self) -> dict[str, Tensor]:
        """The sums so far, for a checkpoint."""
        return {"totals": self.totals, "squared_return": self.squared_return, "count": self.count}

    def restore(self, gathered: dict[str, Tensor]) -> None:
        """Continue from the sums of :meth:`gathered`.

        :raises ValueError: they belong to other statistics.
        """
        if gathered["totals"].shape != self.totals.shape:
            raise ValueError("the statistics of episodes are other ones")
        self.totals, self.squared_return = gathered["totals"], gathered["squared_return"]
        self.count = gathered["count"]
        self._update_count = 1  # else torchmetrics warns that nothing was gathered

    def compute(self) -> dict[str, float]:
        """Means by name and ``return_std``; empty if there were no episodes."""
        if self.count == 0:
            return {}
        means = (self.totals / self.count).tolist()
        variance = (self.squared_return / self.count).item() - means[0] ** 2
        return dict(zip(self.names, means, strict=True)) | {"return_std": max(variance, 0.0) ** 0.5}


class Means:
    """Running means of named scalar tensors, some of which may be missing at times.

    :param may_lack: beginning of the names whose NaN means that a batch had no such number. Such a NaN does
        not count; a NaN of any other name makes the mean NaN.
    """

    def __init__(self, may_lack: str | None = None) -> None:
        self._may_lack = may_lack
        self._totals: dict[str, Tensor] = {}
        self._counts: dict[str, Tensor] = {}

    def update(self, values: dict[str, Tensor]) -> None:
        """Add one value of each name; stays on the device."""
        for name, value in values.items():
            total, count = value, torch.ones_like(value, dtype=torch.float32)
            if self._lacks(name):
                total, count = value.nan_to_num(nan=0.0, posinf=inf, neginf=-inf), (~value.isnan()).float()
            if name in self._totals:  # from a checkpoint perhaps, and so on the CPU
                total = self._totals[name].to(total.device) + total
                count = self._counts[name].to(count.device) + count
            self._totals[name], self._counts[name] = total, count

    def take(self) -> dict[str, float]:
        """The means since the last call; only here do values leave the device."""
        if not self._totals:
            return {}
        totals = torch.stack([total.float() for total in self._totals.values()])
        means = (totals / torch.stack(list(self._counts.values()))).tolist()
        named = dict(zip(self._totals, means, strict=True))
        self._totals, self._counts = {}, {}
        return {name: mean for name, mean in named.items() if not (isnan(mean) and self._lacks(name))}

    def gathered(self) -> dict[str, dict[str, Tensor]]:
        """The sums so far, for a checkpoint."""
        return {"totals": dict(self._totals), "counts": dict(self._counts)}

    def restore(self, gathered: dict[str, dict[str, Tensor]]) -> None:
        """Continue from the sums of :meth:`gathered`."""
        self._totals, self._counts = dict(gathered["totals"]), dict(gathered["counts"])

    def _lacks(self, name: str) -> bool:
        return self._may_lack is not None and name.startswith(self._may_lack)


class WeightHistogram(Metric):
    """How often projection weights ``[K]`` occurred: counts ``[bins]`` over a range.

    :param low: lower end of the first bin.
    :param high: upper end of the last bin.
    """

    full_state_update = False
    counts: Tensor

    def __init__(self, low: float, high: float, bins: int = 50) -> None:
        super().__init__()
        self.low, self.high = low, high
        self.add_state("counts", torch.zeros(bins, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, weights: Tensor) -> None:
        position = (weights - self.low) / max(self.high - self.low, torch.finfo(weights.dtype).tiny)
        bins = (position * len(self.counts)).long().clamp(0, len(self.counts) - 1)
        # Unlike bincount, this does not look at the values first.
        self.counts = self.counts.scatter_add(0, bins.flatten(), torch.ones_like(bins.flatten()))

    def compute(self) -> Tensor:
        return self.counts
