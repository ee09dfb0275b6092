"""What the machine does beside the metrics of a run, on wish."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from remix.settings.errors import SettingError
from remix.tracking.system_metrics import SystemMetrics
from tests.tracking.training import Training, runs

CPU, MEMORY = "system/cpu_utilization_percentage", "system/system_memory_usage_percentage"


@pytest.fixture
def training(tmp_path: Path, mlflow_uri: str) -> Training:
    pytest.importorskip("psutil")
    return Training(tmp_path / "run", mlflow_uri)


def test_samples_are_in_the_journal_and_in_mlflow_at_the_steps_of_the_run(training: Training) -> None:
    logger = training.begin(system_metrics=1e-6)
    for step in (10, 20):
        training.log(step)
        logger.log_metrics({"test/return": 1.0}, step)
    training.end(logger)
    samples = [entry for entry in training.journal.entries() if CPU in entry.values]
    assert [entry.step for entry in samples] == [10, 20]
    assert all(0 <= entry.values[name] <= 100 for entry in samples for name in (CPU, MEMORY))
    [run] = runs(training.uri)
    points = MlflowClient(training.uri).get_metric_history(run.info.run_id, MEMORY)
    assert [point.step for point in points] == [10, 20]


def test_there_are_none_unless_they_are_asked_for(training: Training) -> None:
    logger = training.begin()
    logger.log_metrics({"test/return": 1.0}, 10)
    training.end(logger)
    assert not list(training.journal.entries())


def test_samples_keep_their_distance() -> None:
    pytest.importorskip("psutil")
    metrics = SystemMetrics(1000)
    assert metrics.sample() == {}
    metrics._last -= 1001
    assert CPU in metrics.sample()
    assert metrics.sample() == {}


@pytest.mark.parametrize("seconds", [0, -1, "ten", True])
def test_seconds_must_be_some(seconds: object) -> None:
    with pytest.raises(SettingError, match=rf"^system_metrics={seconds}: must be "):
        SystemMetrics(seconds)


def test_a_missing_package_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    for name in [name for name in sys.modules if name.startswith("mlflow.system_metrics")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(SettingError, match=r"^system_metrics=10: needs the package: pip install psutil$"):
        SystemMetrics(10)
