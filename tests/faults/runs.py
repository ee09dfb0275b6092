"""What is known of a run from outside: its folder, its store, its processes."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from mlflow.entities import Run, ViewType
from mlflow.tracking import MlflowClient

from remix.tracking.store import connect
from tests.faults.commands import RUN_FOLDER, Process

MACHINE = "time/"
"""Metrics that begin so tell how fast the machine was."""

Points = Counter[tuple[str, int, str]]
"""Name, environment steps and value in all its digits, and how often each is there."""


def record(home: Path) -> dict[str, Any]:
    """What ``run.json`` says; empty without one."""
    path = home / RUN_FOLDER / "run.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def points(home: Path) -> Points:
    """The metrics in the folder of the run, without those that depend on the machine."""
    found: Points = Counter()
    for line in (home / RUN_FOLDER / "metrics.jsonl").read_text().splitlines():
        entry = json.loads(line)
        for name, value in entry.get("values", {}).items():  # a mark between entries has none
            if not name.startswith(MACHINE):
                found[name, entry["step"], repr(float(value))] += 1
    return found


def differences(found: Points, expected: Points) -> str:
    """The first of them and their number, or nothing."""
    missing, more = expected - found, found - expected
    parts = [(missing, "are missing"), (more, "should not be there")]
    return "; ".join(f"{sum(part.values())} points {what}, as {min(part)}" for part, what in parts if part)


def empty_store(database: Path) -> str:
    """Put an MLflow database without runs there; returns its address."""
    database.parent.mkdir(parents=True, exist_ok=True)
    database.write_bytes(_migrated())
    return f"sqlite:///{database}"


def tracked(uri: str) -> list[Run]:
    """All runs of a store, the deleted ones excepted."""
    client = MlflowClient(uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return list(client.search_runs(experiments, run_view_type=ViewType.ACTIVE_ONLY))


def tracked_points(uri: str, run: Run) -> Points:
    """As :func:`points`, from the store."""
    client = MlflowClient(uri)
    found: Points = Counter()
    for name in run.data.metrics:
        if not name.startswith(MACHINE):
            history = client.get_metric_history(run.info.run_id, name)
            found.update((name, point.step, repr(float(point.value))) for point in history)
    return found


def alone(process: Process) -> None:
    """:raises AssertionError: what the process has started still runs some seconds after its end."""
    for _ in range(100):
        if not (left := process.descendants()):
            return
        time.sleep(0.1)
    raise AssertionError(f"{len(left)} processes are left: {left[0][:80]}")


@cache
def _migrated() -> bytes:
    """The tables take seconds to make."""
    folder = Path(tempfile.mkdtemp())
    try:
        connect(f"sqlite:///{folder}/mlflow.db")
        return (folder / "mlflow.db").read_bytes()
    finally:
        shutil.rmtree(folder)
