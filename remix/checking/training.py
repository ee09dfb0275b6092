"""Tiny trainings of an algorithm: whole, broken off, gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf, open_dict
from torch import Tensor

from remix.algorithms.base import MultiAgentModule
from remix.checking.generators import seed_everybody
from remix.checking.recording import Recorder
from remix.learning.datamodule import ReplayDataModule
from remix.runs.building import build, quiet
from remix.runs.checkpoints import restoring
from remix.runs.config import check, check_arguments, plain, register_resolvers
from remix.runs.trainer import make_trainer
from remix.studies.search.composition import composed, settled

GAME = (
    "env=predator_prey",
    "env.n_agents=2",
    "env.n_stags=2",
    "env.world_shape=[4,4]",
    "env.episode_limit=12",
    "workers=inline",
)
"""On which every algorithm trains here, in about a second."""

_PACE = {
    "max_env_steps": 192,
    "steps_per_epoch": 48,  # two rounds
    "warmup_steps": 96,
    "validation_episodes": 2,
    "test_episodes": 2,
    "resume": "never",
    "ckpt_path": None,
    "init_from": None,
    "study": None,
    "logger": {},
    "env_name": "predator_prey",
}
_REPLAY = {"batch_size": 4, "latest_size": 2, "episodes_per_round": 2, "updates_per_round": 1}
HALF = 2
"""Epochs, of four."""


def composition(algorithm: Any) -> DictConfig:
    """What Hydra composes for the trainings of an algorithm, which takes longer than all that follows.

    :param algorithm: see :func:`configuration`.
    """
    register_resolvers()
    return composed("train", [*GAME, f"algorithm={algorithm}"] if isinstance(algorithm, str) else list(GAME))


def configuration(name: str, algorithm: Any, folder: Path, base: DictConfig | None = None) -> DictConfig:
    """A tiny training of an algorithm, resolved.

    :param algorithm: what the composed configuration of a run has below ``algorithm``, such a configuration,
        or the name of a choice.
    :param folder: for checkpoints.
    :param base: its :func:`composition`, if that is there already.
    """
    config = composition(algorithm) if base is None else deepcopy(base)
    game, workers, hydra = config.env, config.workers, config.hydra
    with open_dict(config):
        if isinstance(algorithm, Mapping) and "_target_" not in algorithm:
            config = OmegaConf.create({"hydra": hydra, **algorithm})
        elif not isinstance(algorithm, str):
            config.algorithm = algorithm
    checkpoints = {"_target_": "remix.callbacks.checkpointing.LastCheckpoint", "dirpath": str(folder)}
    with open_dict(config):
        config.env, config.workers, config.callbacks = game, workers, {"last": checkpoints}
        config.replay.update(_REPLAY)
        config.trainer.update({"log_every_n_steps": 1, "max_time": None, "default_root_dir": str(folder)})
    return settled(config, _PACE | {"run_dir": str(folder), "algorithm_name": name})


@dataclass(frozen=True)
class Run:
    """What came of a training.

    :ivar before: the weights before the first update.
    """

    module: MultiAgentModule
    before: dict[str, Tensor]
    recorder: Recorder


class Training:
    """An algorithm to be checked.

    :param name: for messages.
    :param algorithm: see :func:`configuration`.
    :param folder: empty; for checkpoints.
    """

    def __init__(self, name: str, algorithm: Any, folder: Path) -> None:
        quiet()
        self.name, self.algorithm, self.folder = name, algorithm, folder

    @cached_property
    def config(self) -> DictConfig:
        """The configuration of all trainings; only the folder differs."""
        return self.configured("whole")

    @cached_property
    def whole(self) -> Run:
        """A training from beginning to end, as ``remix train`` makes it."""
        return self.run(self.config)

    def configured(self, folder: str, **trainer: Any) -> DictConfig:
        """The configuration with other settings of the trainer."""
        config = configuration(self.name, self.algorithm, self.folder / folder, self._composed)
        config.trainer.update(trainer)
        return config

    @cached_property
    def _composed(self) -> DictConfig:
        return composition(self.algorithm)

    def build(self, config: DictConfig) -> tuple[MultiAgentModule, ReplayDataModule]:
        """:raises SettingError: something of the configuration cannot work."""
        check(config)
        check_arguments(plain(config))
        module, data = build(config)
        if not module.automatic_optimization:
            config.trainer.gradient_clip_val = None  # such algorithms clip by themselves
        return module, data

    def run(self, config: DictConfig, checkpoint: Path | None = None, global_seed: int | None = None) -> Run:
        """A training as configured.

        :param checkpoint: from which it goes on.
        :param global_seed: what the global generators are seeded with once everything is built, if that is
            not what ``remix train`` does.
        """
        pl.seed_everything(config.seed, verbose=False)
        module, data = self.build(config)
        before = {name: value.clone() for name, value in module.state_dict().items()}
        if global_seed is not None:
            seed_everybody(global_seed)
        trainer, recorder = make_trainer(config, module), Recorder()
        trainer.loggers = [recorder]
        path = None if checkpoint is None else str(checkpoint)
        with restoring(trainer, path):
            trainer.fit(module, data, ckpt_path=path, weights_only=True)
        return Run(module, before, recorder)
