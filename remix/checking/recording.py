"""Everything that a run logs, kept in memory."""

from __future__ import annotations

from typing import Any

from pytorch_lightning.loggers import Logger

Row = tuple[int, dict[str, float]]
"""Metrics at an environment step."""


class Recorder(Logger):
    """Keeps what it is given: (environment step, metrics)."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        assert step is not None
        self.rows.append((step, dict(metrics)))

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Not of interest."""

    @property
    def name(self) -> str:
        return "recorder"

    @property
    def version(self) -> str:
        return "0"

    def history(self, name: str) -> list[tuple[int, float]]:
        """(environment step, value) of one metric."""
        return [(step, metrics[name]) for step, metrics in self.rows if name in metrics]
