"""A film of one greedy episode of the policy."""

from __future__ import annotations

from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from remix.algorithms.base import MultiAgentModule
from remix.callbacks.side_matters import side_matter
from remix.envs.films import frames_per_second
from remix.learning.films import film
from remix.learning.workers.base import EnvironmentFactory
from remix.records.directory import FILM
from remix.settings import checks


class EpisodeVideo(Callback):
    """Saves ``episode.gif`` in the run directory at the end of training, and during training if wanted.

    :param every_n_epochs: epochs between films, each of which replaces the former; None for the last only.
    :param fps: pictures per second.
    :param seed: seed of the episode, the same for every film.
    """

    changes_training = False

    def __init__(self, every_n_epochs: int | None = None, fps: float = 8, seed: int = 1) -> None:
        if every_n_epochs is not None:
            checks.whole("every_n_epochs", every_n_epochs, minimum=1)
        self.every_n_epochs, self.fps = every_n_epochs, frames_per_second(fps)
        self.seed = checks.seed("seed", seed)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.every_n_epochs is not None and (trainer.current_epoch + 1) % self.every_n_epochs == 0:
            self._record(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._record(trainer, pl_module)

    def _record(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, MultiAgentModule)
        environment: EnvironmentFactory = trainer.datamodule.environment  # type: ignore[attr-defined]
        path = Path(trainer.default_root_dir) / FILM
        with side_matter(f"no film of {pl_module.spec.name}"):
            film(environment, pl_module.policy, self.seed, path, self.fps)
