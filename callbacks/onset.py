"""When a run begins to learn, as a metric of it."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from remix.algorithms.base import MultiAgentModule
from remix.settings import checks


class Onset(Callback):
    """Logs ``summary/onset`` when a finished run is tested, as ``remix report`` understands it.

    These are the environment steps of the first evaluation above the threshold. A run that never had one logs
    nothing.

    :param metric: of evaluations.
    :param threshold: None if a study does not ask.
    """

    changes_training = False

    def __init__(self, metric: str = "test/return", threshold: float | None = None) -> None:
        self.metric = metric
        self.threshold = None if threshold is None else checks.number("threshold", threshold)
        self._env_steps: int | None = None

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, MultiAgentModule)
        if self.threshold is None or self._env_steps is not None or trainer.sanity_checking:
            return
        value = trainer.callback_metrics.get(self.metric)
        if value is not None and float(value) > self.threshold:
            self._env_steps = pl_module.env_steps

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, MultiAgentModule)
        if self._env_steps is not None:
            pl_module.log_metrics({"summary/onset": float(self._env_steps)})

    def state_dict(self) -> dict[str, Any]:
        return {"env_steps": self._env_steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._env_steps = state_dict["env_steps"]
