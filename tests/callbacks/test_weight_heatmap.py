"""The heat map of projection weights: what is counted, where it is written, how it is coloured."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pytorch_lightning.callbacks import Callback

from remix.callbacks.checkpointing import LastCheckpoint
from remix.callbacks.weight_heatmap import WeightHeatMap
from remix.settings.errors import SettingError
from remix.weighting.optimistic import Optimistic
from tests.callbacks.runs import Run


class Weights(Callback):
    """Counts low and high weights in each quarter of the budget on its own."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[int, bool]] = Counter()

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if batch.batch is not None:
            quarter = min(batch.env_steps - 1, 159) // 40
            self.counts.update((quarter, weight > 0.5) for weight in pl_module.last_weights.tolist())


def table(directory: Path) -> list[dict[str, float]]:
    with (directory / "weight_heatmap.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def test_every_weight_is_counted_in_its_period_and_bin(tmp_path: Path) -> None:
    weights = Weights()
    callbacks = [WeightHeatMap(bins=9, rows=4), weights, LastCheckpoint(tmp_path)]
    Run(tmp_path, callbacks, weighting=Optimistic(0.1, 1.0)).fit()
    rows = table(tmp_path)
    counted = {
        (int(row["env_steps_from"] / 40), row["weight_from"] > 0.5): int(row["count"])
        for row in rows
        if row["count"]
    }
    assert counted == dict(weights.counts)
    assert len(counted) > 4
    assert [row["weight_from"] for row in rows[:9]] == pytest.approx(np.arange(1, 10) / 10)
    assert rows[8]["weight_to"] == 1.0
    assert rows[-1]["env_steps_to"] == 160  # with what the last round collected beyond the budget
    assert Image.open(tmp_path / "weight_heatmap.png").width > 400


def test_counts_survive_an_interruption(tmp_path: Path) -> None:
    class Crash(Callback):
        def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
            if trainer.current_epoch == 2:
                raise RuntimeError("power cut")

    callbacks = [WeightHeatMap(bins=2, rows=4), Crash(), LastCheckpoint(tmp_path)]
    with pytest.raises(RuntimeError, match="power cut"):
        Run(tmp_path, callbacks, weighting=Optimistic(0.1, 1.0)).fit()
    assert sum(row["count"] for row in table(tmp_path)) > 0


@pytest.mark.parametrize("weighting", [None, Optimistic(0.5, 0.5)])
def test_weights_that_cannot_differ_have_no_heat_map(tmp_path: Path, weighting: Optimistic | None) -> None:
    Run(tmp_path, [WeightHeatMap(), LastCheckpoint(tmp_path / "checkpoints")], weighting=weighting).fit()
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoints"]


def test_only_every_nth_update_is_counted(tmp_path: Path) -> None:
    totals = []
    for every in (1, 4):
        callbacks = [WeightHeatMap(every_n_updates=every), LastCheckpoint(tmp_path)]
        Run(tmp_path, callbacks, weighting=Optimistic(0.1, 1.0)).fit()
        totals.append(sum(row["count"] for row in table(tmp_path)))
    assert 0.1 < totals[1] / totals[0] < 0.4


@pytest.mark.parametrize("setting", ["bins", "rows", "every_n_updates"])
def test_sizes_must_be_positive(setting: str) -> None:
    wrong: dict[str, Any] = {setting: 0}
    with pytest.raises(SettingError, match=setting):
        WeightHeatMap(**wrong)


def test_the_warm_up_is_that_of_the_weighting(tmp_path: Path) -> None:
    weighting = Optimistic(0.1, 1.0)
    weighting.warmup, weighting.warmup_steps = Optimistic(0.1, 1.0), 80
    Run(tmp_path, [WeightHeatMap()], weighting=weighting).fit()
    assert {row["warmup_steps"] for row in table(tmp_path)} == {80.0}


def test_a_failure_before_training_is_not_replaced_by_another(tmp_path: Path) -> None:
    class Broken(Callback):
        def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
            raise RuntimeError("power cut")

    run = Run(tmp_path, [WeightHeatMap(), Broken()], weighting=Optimistic(0.1, 1.0))
    with pytest.raises(RuntimeError, match="power cut"):
        run.trainer.validate(run.module, run.data, verbose=False)
