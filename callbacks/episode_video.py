"""One greedy episode of the policy as a film."""

from __future__ import annotations

import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from envs.errors import SettingError
from envs.films import film_writer, save_film
from envs.spec import Environment
from remix.algorithms.base import MultiAgentModule
from remix.episodes import Episode
from remix.policy import Policy
from remix.workers.rollout import rollout

FILE_NAME = "episode.gif"


def record_episode(
    environment: Environment, policy: Policy, seed: int, path: str | Path, fps: float = 8
) -> Episode:
    """Play one greedy episode and save it as a film, its first picture being the start.

    The environment is left open. The policy is not changed and may be on any device.

    :param seed: of the episode.
    :param path: of the film; it ends in .gif or .mp4.
    :param fps: pictures per second.
    :raises SettingError: another ending, or the package for it is missing.
    """
    film_writer(Path(path))
    seeds = np.array([seed], dtype=np.int64)
    environment.reset(seeds)
    frames = [environment.render().copy()]
    [episode] = rollout(
        environment,
        deepcopy(policy).cpu().eval(),
        seeds,
        exploration=None,
        on_step=lambda: frames.append(environment.render().copy()),
    )
    save_film(frames, path, fps)
    return episode


class EpisodeVideo(Callback):
    """Saves ``episode.gif`` in the run directory at the end of training, and on the way if wanted.

    :param every_n_epochs: epochs between films, each replacing the one before; None for the last one only.
    :param fps: pictures per second.
    :param seed: of the episode, the same in every film.
    """

    def __init__(self, every_n_epochs: int | None = None, fps: float = 8, seed: int = 1) -> None:
        if every_n_epochs is not None and every_n_epochs < 1:
            raise SettingError("every_n_epochs", every_n_epochs, "must be at least 1, or null")
        if not 0 < fps <= 50:
            raise SettingError("fps", fps, "must be above 0 and at most 50 pictures per second")
        self.every_n_epochs, self.fps, self.seed = every_n_epochs, fps, seed

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.every_n_epochs is not None and (trainer.current_epoch + 1) % self.every_n_epochs == 0:
            self._record(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._record(trainer, pl_module)

    def _record(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, MultiAgentModule)
        environment: Environment = trainer.datamodule.environment()  # type: ignore[attr-defined]
        path = Path(trainer.default_root_dir) / FILE_NAME
        try:
            record_episode(environment, pl_module.policy, self.seed, path, self.fps)
        except (NotImplementedError, SettingError) as error:
            print(f"warning: no film of {environment.spec.name}: {error}", file=sys.stderr)
        finally:
            environment.close()
