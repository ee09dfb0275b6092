"""Heat map of the projection weights over training (the paper's Figure 3)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from callbacks.side_matters import side_matter
from envs.errors import SettingError
from remix.metrics import WeightHistogram
from remix.rounds import Round
from remix.weighting.base import Weighting

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure

LOWEST_LOG_PROBABILITY = -10.0  # of the colour scale, as in the paper


class Warmup(NamedTuple):
    """The environment steps before a weighting's own weights, and what the weights in them are called."""

    steps: int = 0
    weights: str = ""


NO_WARMUP = Warmup()


class WeightHeatMap(Callback):
    """Counts the weights of the transitions in every batch and draws how often each occurred, and when.

    Writes ``weight_heatmap.csv`` and ``weight_heatmap.png`` into the run directory when training ends, in
    whatever way. Algorithms that weigh all transitions alike have no heat map.

    :param bins: of the weight range; weights outside it count in the outermost bins.
    :param rows: periods of equal length into which the budget of environment steps is divided.
    :param every_n_updates: updates between two that are counted.
    :param title: above the picture.
    """

    changes_training = False

    def __init__(self, bins: int = 50, rows: int = 50, every_n_updates: int = 1, title: str = "") -> None:
        for name, value in (("bins", bins), ("rows", rows), ("every_n_updates", every_n_updates)):
            if value < 1:
                raise SettingError(name, value, "must be at least 1")
        self.bins, self.rows, self.every_n_updates, self.title = bins, rows, every_n_updates, title
        self.active = False
        self._warmup = NO_WARMUP
        self._updates = 0
        self._steps_per_row = 1
        self._budget = 1
        self._counts = torch.zeros(0, bins, dtype=torch.int64)
        self._histogram, self._edges = WeightHistogram(0.0, 1.0, bins), torch.linspace(0.0, 1.0, bins + 1)
        self._row = 0

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        weighting = getattr(pl_module, "weighting", None)
        if stage != "fit" or not isinstance(weighting, Weighting):
            return
        self.active = weighting.min_weight < weighting.max_weight
        if weighting.warmup is not None:
            self._warmup = Warmup(weighting.warmup_steps, type(weighting.warmup).__name__.lower())
        self._histogram = WeightHistogram(weighting.min_weight, weighting.max_weight, self.bins)
        self._edges = torch.linspace(weighting.min_weight, weighting.max_weight, self.bins + 1)
        budget = trainer.datamodule.max_env_steps  # type: ignore[attr-defined]
        self._budget, self._steps_per_row = budget, max(1, budget // self.rows)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.active:
            self._histogram.to(pl_module.device)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Round, batch_idx: int
    ) -> None:
        if not self.active or batch.batch is None:
            return
        self._updates += 1
        if self._updates % self.every_n_updates:
            return
        row = (min(batch.env_steps, self._budget) - 1) // self._steps_per_row
        if row != self._row:
            self._flush()
            self._row = row
        weights: Tensor = pl_module.last_weights  # type: ignore[assignment]
        self._histogram.update(weights)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._write(trainer)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        self._write(trainer)

    def state_dict(self) -> dict[str, Any]:
        if not self.active:
            return {}
        self._flush()
        return {
            "counts": self._counts.clone(),
            "steps_per_row": self._steps_per_row,
            "updates": self._updates,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        if self.active and state_dict and state_dict["counts"].shape[1] == self.bins:
            self._counts, self._updates = state_dict["counts"], state_dict["updates"]
            self._steps_per_row = state_dict["steps_per_row"]

    def _flush(self) -> None:
        """Move the counts of the current row from the device into the table, which grows as needed."""
        counts = self._histogram.counts.cpu()
        if counts.any():
            missing = self._row + 1 - len(self._counts)
            if missing > 0:
                self._counts = torch.cat((self._counts, self._counts.new_zeros(missing, self.bins)))
            self._counts[self._row] += counts
        self._histogram.reset()

    def _write(self, trainer: pl.Trainer) -> None:
        if not self.active:
            return
        self._flush()
        if self._counts.any():
            with side_matter("no heat map of the weights"):
                self._draw(trainer)

    def _draw(self, trainer: pl.Trainer) -> None:
        directory = Path(trainer.default_root_dir)
        directory.mkdir(parents=True, exist_ok=True)
        steps = torch.arange(len(self._counts) + 1) * self._steps_per_row
        write_csv(directory / "weight_heatmap.csv", self._counts, steps, self._edges)
        figure = heat_map(self._counts, steps, self._edges, self.title, self._warmup)
        figure.savefig(directory / "weight_heatmap.png")


def write_csv(path: Path, counts: Tensor, steps: Tensor, edges: Tensor) -> None:
    """One line per period and bin.

    :param counts: ``[R, bins]``.
    :param steps: environment steps at the borders of the R periods, ``[R+1]``.
    :param edges: weights at the borders of the bins, ``[bins+1]``.
    """
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["env_steps_from", "env_steps_to", "weight_from", "weight_to", "count"])
        for row, start, end in zip(counts.tolist(), steps[:-1].tolist(), steps[1:].tolist(), strict=True):
            for i, count in enumerate(row):
                writer.writerow([start, end, f"{edges[i]:.6g}", f"{edges[i + 1]:.6g}", count])


def heat_map(
    counts: Tensor, steps: Tensor, edges: Tensor, title: str = "", warmup: Warmup = NO_WARMUP
) -> Figure:
    """What :func:`draw_heat_map` draws, with its colour scale and the end of the warm-up.

    :param counts: and the next two as for :func:`write_csv`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 4.5), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    mesh = draw_heat_map(axes, counts, steps, edges)
    axes.set_xlabel("normalised weight")
    axes.set_ylabel("environment steps")
    if warmup.steps > 0:
        title += f"\n{warmup.weights} weights for the first {warmup.steps:,} steps"
        if warmup.steps < steps[-1]:
            axes.axhline(warmup.steps, color="white", linestyle="--", linewidth=1.0)
            axes.text(
                1.0, warmup.steps, "warm-up ends ", transform=axes.get_yaxis_transform(),
                color="white", ha="right", va="bottom", fontsize="small",
            )  # fmt: skip
    axes.set_title(title, parse_math=False)
    figure.colorbar(mesh, ax=axes, label="log probability")
    return figure


def draw_heat_map(axes: Axes, counts: Tensor, steps: Tensor, edges: Tensor) -> QuadMesh:
    """Natural logarithm of the share of each weight bin in its period; periods without counts stay grey.

    Training goes downwards, as in the paper's figure.

    :param axes: to draw on.
    :param counts: and the others as for :func:`write_csv`.
    :returns: what a colour bar belongs to.
    """
    from matplotlib.ticker import EngFormatter

    totals = counts.sum(1, keepdim=True)
    log_probability = (counts / totals).log().clamp(min=LOWEST_LOG_PROBABILITY)  # 0 / 0 stays NaN
    axes.set_facecolor("0.85")
    mesh = axes.pcolormesh(
        edges.numpy(),
        steps.numpy(),
        log_probability.masked_fill(totals == 0, torch.nan).numpy(),
        cmap="inferno",
        vmin=LOWEST_LOG_PROBABILITY,
        vmax=0.0,
        rasterized=True,  # thousands of rectangles would make a vector graphic slow
    )
    axes.invert_yaxis()
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    return mesh
