"""Onset: what is logged, and that it survives a resume."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from remix.callbacks.checkpointing import LastCheckpoint
from remix.callbacks.onset import Onset
from remix.envs.predator_prey import PredatorPrey
from remix.settings.errors import SettingError
from tests.callbacks.runs import Run

HUNT = partial(PredatorPrey, n_agents=2, n_stags=2, world_shape=(3, 3), episode_limit=10, punishment=-1.0)


def evaluations(run: Run) -> list[tuple[int | None, float]]:
    return [(step, row["test/return"]) for step, row in run.metrics() if "test/return" in row]


def onset(run: Run) -> list[float]:
    return [row["summary/onset"] for _, row in run.metrics() if "summary/onset" in row]


def trained(folder: Path, threshold: float | None) -> Run:
    run = Run(folder, [Onset(threshold=threshold)], environment=HUNT, max_env_steps=400)
    run.trainer.validate(run.module, run.data, verbose=False)
    run.fit()
    run.trainer.test(run.module, run.data, verbose=False)
    return run


def test_it_is_the_first_evaluation_above_the_threshold(tmp_path: Path) -> None:
    curve = evaluations(trained(tmp_path / "first", None))
    highest = max(value for _, value in curve)
    lower = max(value for _, value in curve if value < highest)
    (step, _), *_ = [point for point in curve if point[1] == highest]
    assert onset(trained(tmp_path / "second", lower)) == [step]
    assert onset(trained(tmp_path / "third", lower - 1000.0)) == [0.0]


def test_a_run_that_never_began_and_one_that_is_not_asked_log_nothing(tmp_path: Path) -> None:
    run = trained(tmp_path / "first", None)
    highest = max(value for _, value in evaluations(run))
    assert onset(run) == [] == onset(trained(tmp_path / "second", highest))


def test_a_resumed_run_remembers_it(tmp_path: Path) -> None:
    before = Run(tmp_path, [Onset(threshold=-1e9), LastCheckpoint(tmp_path)], max_epochs=2).fit()
    after = Run(tmp_path, [Onset(threshold=-1e9), LastCheckpoint(tmp_path)]).fit(tmp_path / "last.ckpt")
    after.trainer.test(after.module, after.data, verbose=False)
    assert onset(after) == [evaluations(before)[0][0]]


def test_a_threshold_is_a_number() -> None:
    high: Any = "high"
    with pytest.raises(SettingError, match="threshold=high"):
        Onset(threshold=high)
