"""A heat map of the projection weights over training (the paper's Figure 3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from remix.callbacks.side_matters import side_matter
from remix.learning.metrics import WeightHistogram
from remix.learning.rounds import Round
from remix.records.directory import HEAT_MAP, WEIGHTS
from remix.report.results import HeatMap
from remix.report.weight_map import weight_map, write_weights
from remix.settings import checks
from remix.weighting.base import Weighting


class WeightHeatMap(Callback):
    """Counts the weights ``[K]`` of batches of K transitions, and draws how often each occurred, and when.

    It writes ``weight_heatmap.csv`` and ``weight_heatmap.png`` into the run directory at every end of
    training, also after an error. An algorithm that gives all transitions the same weight has no heat map.

    :param bins: number of bins of the weight range. Weights outside the range count in the outermost bins.
    :param rows: number of periods of equal length into which the budget of environment steps is divided.
    :param every_n_updates: one of so many updates is counted.
    :param title: title of the picture.
    """

    changes_training = False

    def __init__(self, bins: int = 50, rows: int = 50, every_n_updates: int = 1, title: str = "") -> None:
        for name, value in (("bins", bins), ("rows", rows), ("every_n_updates", every_n_updates)):
            checks.whole(name, value, minimum=1)
        self.bins, self.rows, self.every_n_updates, self.title = bins, rows, every_n_updates, title
        self.active = False
        self._warmup_steps, self._warmup_weights = 0, ""
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
            self._warmup_steps = weighting.warmup_steps
            self._warmup_weights = type(weighting.warmup).__name__.lower()
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
        """Move the counts of the present row from the device into the table, which grows if necessary."""
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
        steps = torch.arange(len(self._counts) + 1, dtype=torch.float64) * self._steps_per_row
        table = self._counts.numpy(), steps.numpy(), self._edges.double().numpy()
        heat = HeatMap("", "", 1, *table, warmup_steps=self._warmup_steps)
        write_weights(heat, directory / WEIGHTS)
        figure = weight_map(heat, self.title, self._warmup_weights)
        figure.savefig(directory / HEAT_MAP)
