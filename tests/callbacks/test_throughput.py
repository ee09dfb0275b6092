"""Steps per second and elapsed time."""

from pathlib import Path

import pytest

from remix.callbacks import throughput
from remix.callbacks.checkpointing import LastCheckpoint
from remix.callbacks.throughput import Throughput
from tests.callbacks.runs import Run


class Clock:
    """Every reading is two seconds after the last."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        self.now += 2.0
        return self.now


def times(run: Run) -> list[tuple[int | None, dict[str, float]]]:
    return [(step, row) for step, row in run.metrics() if "time/elapsed_seconds" in row]


def test_rate_and_elapsed_time_of_every_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "time", Clock())
    run = Run(tmp_path, [Throughput(), LastCheckpoint(tmp_path)], max_epochs=2).fit()
    (first, row), (second, next_row) = times(run)
    assert first is not None and second is not None
    assert row == {"time/env_steps_per_second": first / 2.0, "time/elapsed_seconds": 2.0}
    assert next_row == {"time/env_steps_per_second": (second - first) / 2.0, "time/elapsed_seconds": 4.0}


def test_elapsed_time_goes_on_after_a_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "time", Clock())
    before = Run(tmp_path, [Throughput(), LastCheckpoint(tmp_path)], max_epochs=1).fit()
    after = Run(tmp_path, [Throughput(), LastCheckpoint(tmp_path)], max_epochs=2).fit(tmp_path / "last.ckpt")
    [(step, row)] = times(after)
    assert step is not None
    assert row["time/elapsed_seconds"] == 4.0
    assert row["time/env_steps_per_second"] == (step - before.data.env_steps) / 2.0
