"""Environment steps per second of wall clock. The time of evaluations counts."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from remix.algorithms.base import MultiAgentModule


class Throughput(Callback):
    """Logs ``time/env_steps_per_second`` since the last epoch, and ``time/elapsed_seconds`` of training.

    The elapsed time continues after a resume. The time between the two processes does not count.
    """

    changes_training = False

    def __init__(self) -> None:
        self._elapsed = 0.0
        self._last_time = 0.0
        self._last_steps = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, MultiAgentModule)
        self._last_time, self._last_steps = time.monotonic(), pl_module.env_steps

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, MultiAgentModule)
        now, steps = time.monotonic(), pl_module.env_steps
        seconds = max(now - self._last_time, 1e-9)
        self._elapsed += seconds
        pl_module.log_metrics(
            {
                "time/env_steps_per_second": (steps - self._last_steps) / seconds,
                "time/elapsed_seconds": self._elapsed,
            }
        )
        self._last_time, self._last_steps = now, steps

    def state_dict(self) -> dict[str, Any]:
        return {"elapsed": self._elapsed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._elapsed = state_dict["elapsed"]
