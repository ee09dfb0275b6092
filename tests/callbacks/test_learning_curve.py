"""When the picture of the learning curve is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from remix.callbacks.learning_curve import LearningCurve
from remix.records.directory import LEARNING_CURVE
from remix.tracking.journal import Journal
from tests.callbacks.runs import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with a metric in its folder."""
    Journal(tmp_path).append({"test/return": 1.0}, 0)
    return Run(tmp_path, [LearningCurve()])


def test_it_is_drawn_when_all_is_over(run: Run, tmp_path: Path):
    run.trainer.validate(run.module, run.data, verbose=False)
    assert not (tmp_path / LEARNING_CURVE).exists()
    run.trainer.test(run.module, run.data, verbose=False)
    assert (tmp_path / LEARNING_CURVE).stat().st_size > 0


def test_it_is_drawn_after_an_error(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def failing(*_: object) -> None:
        raise ArithmeticError("broken")

    monkeypatch.setattr(run.module, "training_step", failing)
    with pytest.raises(ArithmeticError):
        run.fit()
    assert (tmp_path / LEARNING_CURVE).exists()
