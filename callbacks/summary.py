"""Final return, best return and area of a learning curve, as metrics of its run."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from remix.algorithms.base import MultiAgentModule
from remix.settings import checks
from remix.tracking.curves import curve_summary


class CurveSummary(Callback):
    """Logs a summary of the learning curve when a finished run is tested.

    The metrics are ``summary/final_return``, ``best_return``, ``area_under_curve`` and
    ``steps_to_90_percent``, see :func:`remix.tracking.curves.curve_summary`.

    :param metric: the metric of evaluations that makes the curve.
    """

    changes_training = False

    def __init__(self, metric: str = "test/return") -> None:
        self.metric = metric
        self._env_steps: list[float] = []
        self._returns: list[float] = []

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, MultiAgentModule)
        if trainer.sanity_checking:
            return
        # Which metrics there are is known from the first evaluation on, which is before training.
        evaluated = trainer.callback_metrics
        checks.choice("callbacks.summary.metric", self.metric, sorted(evaluated))
        self._env_steps.append(float(pl_module.env_steps))
        self._returns.append(float(evaluated[self.metric]))

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, MultiAgentModule)
        summary = curve_summary(self._env_steps, self._returns)
        pl_module.log_metrics({f"summary/{name}": value for name, value in summary.items()})

    def state_dict(self) -> dict[str, Any]:
        return {"env_steps": list(self._env_steps), "returns": list(self._returns)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._env_steps, self._returns = list(state_dict["env_steps"]), list(state_dict["returns"])
