"""What a run leaves in its folder, and what a store has of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from omegaconf import OmegaConf

from remix.records.directory import RunDirectory
from remix.records.record import RunRecord
from remix.tracking.journal import Journal
from remix.tracking.loggers import MLflowLogger

CONFIG = {"seed": 3, "algorithm_name": "qmix", "env_name": "game", "algorithm": {"gamma": 0.99}}


class Training:
    """What a run leaves in its folder."""

    def __init__(self, directory: Path, uri: str) -> None:
        self.directory, self.uri = directory, uri
        directory.mkdir(exist_ok=True)
        self.journal = Journal(directory)
        self.record = RunRecord(
            identity="ab",
            started="2026-01-01T10:00:00",
            status="running",
            machine={"processor": "Abacus"},
            seconds=1.5,
        )

    def begin(self, config: dict[str, Any] = CONFIG, **arguments: Any) -> MLflowLogger:
        """The run begins, or goes on."""
        self.record = replace(self.record, status="running")
        OmegaConf.save(OmegaConf.create(config), self.directory / "config.yaml")
        RunDirectory(self.directory).write(self.record)
        about = {"experiment_name": "games", "run_name": "mine", "tags": {"seed": 3}}
        logger = MLflowLogger(self.directory, tracking_uri=self.uri, **(about | arguments))
        logger.begin(self.record, self.journal)
        return logger

    def log(self, *steps: int, name: str = "test/return") -> None:
        for step in steps:
            self.journal.append({name: step / 2}, step)

    def end(self, logger: MLflowLogger, status: str = "finished") -> None:
        self.record = replace(self.record, status=status)
        RunDirectory(self.directory).write(self.record)
        logger.end(self.record)


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def runs(uri: str) -> list[Run]:
    client = MlflowClient(uri)
    return [run for e in client.search_experiments() for run in client.search_runs([e.experiment_id])]


def history(uri: str, run_id: str, name: str = "test/return") -> list[tuple[int, float]]:
    return [(p.step, p.value) for p in MlflowClient(uri).get_metric_history(run_id, name)]
