"""Summary of the learning curve: what is logged, and that it survives a resume."""

from itertools import chain, repeat
from pathlib import Path

import pytest

from remix.callbacks.checkpointing import LastCheckpoint
from remix.callbacks.summary import CurveSummary
from remix.settings.errors import SettingError
from remix.tracking.curves import curve_summary
from tests.callbacks.runs import Run


def curve(run: Run) -> tuple[list[int], list[float]]:
    """Environment steps and returns of the evaluations, the first one included."""
    rows = [(step, row["test/return"]) for step, row in run.metrics() if "test/return" in row]
    return [step or 0 for step, _ in rows], [value for _, value in rows]


def summary(run: Run) -> dict[str, float]:
    [row] = [row for _, row in run.metrics() if any(name.startswith("summary/") for name in row)]
    return {name.removeprefix("summary/"): value for name, value in row.items()}


def test_logs_what_the_evaluations_come_to(tmp_path: Path) -> None:
    run = Run(tmp_path, [CurveSummary()])
    run.trainer.validate(run.module, run.data, verbose=False)
    run.fit()
    run.trainer.test(run.module, run.data, verbose=False)
    steps, returns = curve(run)
    assert len(steps) > 3 and steps[0] == 0
    assert summary(run) == curve_summary(steps, returns)


def test_a_metric_that_no_evaluation_has_is_refused_at_the_first_one(tmp_path: Path) -> None:
    run = Run(tmp_path, [CurveSummary(metric="test/retrun")])
    with pytest.raises(SettingError, match=r"metric=test/retrun: must be one of test/return,"):
        run.trainer.validate(run.module, run.data, verbose=False)


def test_ninety_percent_are_reached_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In single precision 0.9 lies below 90 % of 1."""
    run = Run(tmp_path, [CurveSummary()])
    returns = chain([0.0, 0.9], repeat(1.0))
    monkeypatch.setattr(run.module.evaluated, "compute", lambda: {"return": next(returns)})
    run.trainer.validate(run.module, run.data, verbose=False)
    run.fit()
    run.trainer.test(run.module, run.data, verbose=False)
    steps, found = curve(run)
    assert found[:3] == [0.0, 0.9, 1.0]
    assert summary(run)["steps_to_90_percent"] == steps[1]


def test_a_resumed_run_remembers_its_curve(tmp_path: Path) -> None:
    before = Run(tmp_path, [CurveSummary(), LastCheckpoint(tmp_path)], max_epochs=2).fit()
    remembering = CurveSummary()
    after = Run(tmp_path, [remembering, LastCheckpoint(tmp_path)]).fit(tmp_path / "last.ckpt")
    after.trainer.test(after.module, after.data, verbose=False)
    (steps, returns), (more_steps, more_returns) = curve(before), curve(after)
    assert remembering.state_dict() == {"env_steps": steps + more_steps, "returns": returns + more_returns}
    assert summary(after) == curve_summary(steps + more_steps, returns + more_returns)
