"""Mappings of raw weights to scores, standing in for the theorem's unknown normaliser Z*.

Each takes the logarithms of K raw weights, minus infinity for a raw weight of zero, and returns scores
``[K]`` with 0 for those; scores of the positive ones lie in [0, 1] unless the class says otherwise. All are
unchanged when every raw weight is multiplied by the same factor. At least one raw weight is positive; if none
is, the scores mean nothing. No mapping reads a value of a tensor, so that a GPU never has to be waited for.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from remix.settings import checks


class Mapping(ABC):
    """From log raw weights ``[K]`` to scores ``[K]``."""

    highest: float = 1.0
    """Which no score exceeds."""

    @abstractmethod
    def __call__(self, log_raw: Tensor) -> Tensor:
        """Scores of the K raw weights."""


class CappedLinear(Mapping):
    """Proportional to the raw weight up to ``kappa`` times the mean positive one, then 1."""

    def __init__(self, kappa: float = 2.0) -> None:
        self.kappa = checks.number("kappa", kappa, above=0)

    def __call__(self, log_raw: Tensor) -> Tensor:
        raw = _relative(log_raw)
        mean = raw.sum() / torch.isfinite(log_raw).sum()
        capped = raw.clamp(max=self.kappa * mean)
        return capped / capped.max()


class MinMax(Mapping):
    """Proportional to the raw weight; one outlier sets the scale."""

    def __call__(self, log_raw: Tensor) -> Tensor:
        return _relative(log_raw)


class LogMinMax(Mapping):
    """Linear in the logarithm, from a low quantile of the positive raw weights (score 0) to their maximum.

    :param floor_quantile: that quantile; raw weights near 0 would otherwise set the scale.
    """

    def __init__(self, floor_quantile: float = 0.05) -> None:
        self.floor_quantile = checks.number("floor_quantile", floor_quantile, minimum=0, below=1)

    def __call__(self, log_raw: Tensor) -> Tensor:
        positive = _Positive(log_raw)
        low = positive.at((self.floor_quantile * (positive.count - 1).double()).long())
        high = positive.at(positive.count - 1)
        # Halves, whose differences stay finite whatever the scale.
        linear = ((log_raw / 2 - low / 2) / (high / 2 - low / 2)).clamp(min=0.0)
        return torch.where(low == high, (log_raw >= low).to(log_raw.dtype), linear)


class MedianSaturating(Mapping):
    """``raw / (raw + median)``: smooth, without parameters, 0.5 for the median positive raw weight."""

    def __call__(self, log_raw: Tensor) -> Tensor:
        positive = _Positive(log_raw)
        n = positive.count
        # Of an even number, the mean of the middle two: of the raw weights, not of their logarithms.
        log_median = torch.logaddexp(positive.at((n - 1) // 2), positive.at(n // 2)) - math.log(2.0)
        return torch.sigmoid(log_raw - log_median)


class Rank(Mapping):
    """Rank among the positive raw weights over their number, ties sharing the mean; keeps no magnitudes."""

    def __call__(self, log_raw: Tensor) -> Tensor:
        positive = _Positive(log_raw)
        smaller = torch.searchsorted(positive.ordered, log_raw, right=False) - positive.first
        not_larger = torch.searchsorted(positive.ordered, log_raw, right=True) - positive.first
        mean_rank = (smaller + 1 + not_larger).to(log_raw.dtype) / 2.0
        return (mean_rank / positive.count).masked_fill(torch.isinf(log_raw), 0.0)


class SelfNormalised(Mapping):
    """Raw weight over the mean of all K, cut at ``kappa``.

    Scores average about 1 and reach ``kappa``: with ``weight_range`` 0 to 1 the weights keep the theorem's
    constraint E[w] = 1 (up to the cut) instead of a range.
    """

    def __init__(self, kappa: float = 10.0) -> None:
        self.kappa = self.highest = checks.number("kappa", kappa, above=0)

    def __call__(self, log_raw: Tensor) -> Tensor:
        raw = _relative(log_raw)
        return (raw / raw.mean()).clamp(max=self.kappa)


class _Positive:
    """The positive raw weights in order: they follow the zeros, ``first`` of them, in ``ordered``."""

    def __init__(self, log_raw: Tensor) -> None:
        self.ordered = log_raw.sort().values
        self.count = torch.isfinite(log_raw).sum()
        self.first = len(log_raw) - self.count

    def at(self, rank: Tensor) -> Tensor:
        """Logarithm of the one with this rank, from 0; a scalar."""
        place = (self.first + rank).clamp(0, len(self.ordered) - 1)
        return self.ordered.gather(0, place.unsqueeze(0)).squeeze(0)


def _relative(log_raw: Tensor) -> Tensor:
    """Raw weights divided by their maximum: in [0, 1] for any scale of values."""
    return (log_raw - log_raw.max()).exp()
