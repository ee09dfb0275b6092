"""The connection of a run's journal with its checkpoints, so that a resumed run logs no point twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from remix.algorithms.base import MultiAgentModule
from remix.callbacks.checkpointing import LastCheckpoint
from remix.learning.episodes import Episode
from remix.learning.metrics import by_episode
from remix.tracking.journal import FINAL, TEST, Journal


class JournalKeeper(Callback):
    """Writes the length of the journal into every checkpoint, and cuts the journal to it on loading.

    It also writes every episode of an evaluation into the journal. Every run has this callback.

    :param journal: journal of the run.
    :param begin: called once, when everything is set up and training or the first evaluation starts.
    :param look: called after every epoch.
    """

    changes_training = False

    def __init__(self, journal: Journal, begin: Callable[[], None], look: Callable[[], None]) -> None:
        self._journal, self._begin, self._look = journal, begin, look
        self._begun = False

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._begin_once()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._begin_once()

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, *place: int
    ) -> None:
        self._keep_episodes(TEST, batch, pl_module)

    def on_test_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, *place: int
    ) -> None:
        self._keep_episodes(FINAL, batch, pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for logger in trainer.loggers:
            logger.save()
        if not any(isinstance(callback, LastCheckpoint) for callback in trainer.checkpoint_callbacks):
            self._journal.keep()  # this run has nothing from which it could continue
        self._look()

    def state_dict(self) -> dict[str, Any]:
        return {"length": self._journal.sync()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._journal.cut(state_dict["length"])

    def _keep_episodes(self, name: str, batch: list[Episode], module: pl.LightningModule) -> None:
        assert isinstance(module, MultiAgentModule)
        if not module.trainer.sanity_checking:
            episodes = by_episode(batch, module.spec.metrics)
            self._journal.append_evaluation(name, episodes, module.env_steps)

    def _begin_once(self) -> None:
        if not self._begun:
            self._begun = True
            self._begin()
