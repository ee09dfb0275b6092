"""Lightning's Trainer as configured: one process, whose end and restart are ours."""

from __future__ import annotations

import inspect
from typing import Any

import pytorch_lightning as pl
from hydra.utils import get_class
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from omegaconf import DictConfig
from pytorch_lightning.callbacks import Timer

from remix.algorithms.base import MultiAgentModule
from remix.callbacks.checkpointing import AtomicCheckpointIO
from remix.callbacks.side_matters import told_safely
from remix.runs.building import make, make_all, named_settings
from remix.runs.config import plain
from remix.settings.errors import SettingError


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
    fixed = _defaults(config.trainer) | {
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


def _defaults(node: DictConfig) -> dict[str, Any]:
    """Defaults of the arguments that are not configured. Lightning would take them from ``PL_TRAINER_*``."""
    parameters = inspect.signature(get_class(node._target_)).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty and p.name not in node}


def _never() -> bool:
    return False
