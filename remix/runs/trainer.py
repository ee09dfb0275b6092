"""Lightning's Trainer as configured: one process, whose end and restart are ours."""

from __future__ import annotations

import inspect
from collections.abc import Container
from typing import Any

import pytorch_lightning as pl
from hydra.utils import get_class
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig
from pytorch_lightning.callbacks import Timer

from remix.algorithms.base import MultiAgentModule
from remix.callbacks.checkpointing import AtomicCheckpointIO
from remix.callbacks.side_matters import told_safely
from remix.runs.building import make, make_all, named_settings
from remix.runs.config import plain
from remix.settings.errors import SettingError, first_line


class OneProcess(LightningEnvironment):
    """The environment of a training in this process alone, whatever started it.

    Lightning would take its rank, and under Slurm its checkpoints and its restart, from the variables of
    launchers and schedulers. Under such a rank nothing would be logged or saved.
    """

    creates_processes_externally = False

    def __init__(self) -> None:
        super().__init__()
        self.set_global_rank(0)
        # Lightning asks this whatever the plugins are; it would load hpc_ckpt_*.ckpt over the trained policy.
        SLURMEnvironment.detect = staticmethod(_never)  # type: ignore[method-assign]

    def local_rank(self) -> int:
        return 0

    def node_rank(self) -> int:
        return 0


class TimeLimit(Timer):
    """``trainer.max_time`` for this process. Lightning's Timer would count the time of earlier ones too."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore nothing: the time of an earlier process does not count."""


def make_trainer(config: DictConfig, module: MultiAgentModule) -> pl.Trainer:
    """The Trainer for a module, with its callbacks and without loggers."""
    if not module.automatic_optimization and (clip := config.trainer.gradient_clip_val) is not None:
        expected = "must be null: algorithm.gradient_clip counts here"
        raise SettingError("trainer.gradient_clip_val", clip, expected)
    callbacks = [told_safely(made) for made in make_all(config.callbacks, "callbacks", pl.Callback)]
    if (limit := plain(config.trainer).get("max_time")) is not None:
        with named_settings("trainer.max_time"):
            callbacks.append(TimeLimit(limit))
    fixed = _defaults(get_class(config.trainer._target_), config.trainer) | {
        "logger": False,
        "callbacks": callbacks,
        "plugins": [AtomicCheckpointIO(), OneProcess()],
    }
    try:
        trainer: pl.Trainer = make(config.trainer, "trainer", pl.Trainer, **fixed)
    except SettingError as error:
        chosen = ", ".join(f"{key}={config.trainer[key]}" for key in ("accelerator", "devices", "precision"))
        raise SettingError("trainer", chosen, error.expected) from error
    return trainer


def testing_trainer(accelerator: str) -> pl.Trainer:
    """A Trainer that plays test episodes and leaves nothing behind.

    :raises SettingError: the accelerator is not there.
    """
    fixed: dict[str, Any] = {
        "accelerator": accelerator,
        "devices": 1,
        "logger": False,
        "enable_progress_bar": False,
        "enable_checkpointing": False,
        "enable_model_summary": False,
        "plugins": [OneProcess()],
    }
    try:
        return pl.Trainer(**_defaults(pl.Trainer, fixed), **fixed)
    except MisconfigurationException as error:
        raise SettingError("accelerator", accelerator, f"cannot be used: {first_line(error)}") from error


def _defaults(kind: type[pl.Trainer], given: Container[str]) -> dict[str, Any]:
    """Defaults of the arguments that are not given. Lightning would take them from ``PL_TRAINER_*``."""
    parameters = inspect.signature(kind).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty and p.name not in given}


def _never() -> bool:
    return False
