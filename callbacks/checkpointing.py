"""Checkpoints from which a run continues exactly. They are written so that no crash can damage them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint, ModelCheckpoint
from pytorch_lightning.plugins import TorchCheckpointIO

from remix.learning import archive
from remix.settings import checks
from remix.settings.errors import SettingError
from remix.settings.files import LAST_CHECKPOINTS
from remix.tracking.loggers import JournalLogger

FREE_SECONDS = 1.0
"""What saving may take without being weighed, so that short runs save after every epoch."""


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints so that a file always holds a complete one, the new or the former.

    Checkpoints hold tensors and plain containers only. Loading executes no code of theirs, and refuses a
    damaged one (:mod:`remix.learning.archive`).
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        if storage_options is not None:
            raise TypeError("AtomicCheckpointIO writes local files and takes no storage options")
        archive.write(checkpoint, Path(path))

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Callable[..., Any] | None = None,
        weights_only: bool | None = True,
    ) -> dict[str, Any]:
        return archive.read(path, "ckpt_path")


class LastCheckpoint(Checkpoint):
    """Keeps ``last.ckpt`` with everything that a run needs to continue as if it had never stopped.

    The checkpoint before it stays as ``previous.ckpt``. So there is one even if a file is damaged. It saves
    after the evaluation at the end of an epoch, and at the end of training.

    :param dirpath: folder of the files.
    :param every_n_epochs: epochs between saves.
    :param replay: whether the checkpoint keeps the stored episodes. Without them a resumed run first fills
        its replay again.
    :param time_share: the share of the time of training that saving may take, above 0 and at most 1. Saves
        that took one second together are free; beyond it a save waits until those before it
        are within this share. The save at the end of training never waits.
    """

    changes_training = False

    def __init__(
        self, dirpath: str | Path, every_n_epochs: int = 1, replay: bool = True, time_share: float = 0.03
    ) -> None:
        self.path, self.previous = (Path(dirpath) / name for name in LAST_CHECKPOINTS)
        self.every_n_epochs = checks.whole("every_n_epochs", every_n_epochs, minimum=1)
        self.time_share = checks.number("time_share", time_share, above=0, maximum=1)
        self.replay = replay
        self._saving = False
        self._saved_steps = -1
        self._began = self._spent = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._began, self._spent = time.monotonic(), 0.0

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if (trainer.current_epoch + 1) % self.every_n_epochs == 0 and self._affordable():
            self._save(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._saved_steps != trainer.datamodule.env_steps:  # type: ignore[attr-defined]
            self._save(trainer)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        if self._saving and self.replay:
            checkpoint["replay"] = trainer.datamodule.replay.state_dict()  # type: ignore[attr-defined]

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        states = checkpoint.get("callbacks") or {}
        if Path(str(trainer.ckpt_path)).absolute().parent == self.path.absolute().parent:
            _bring_home(states, trainer)
        if "replay" not in checkpoint:
            return
        try:
            trainer.datamodule.replay.load_state_dict(checkpoint["replay"])  # type: ignore[attr-defined]
        except KeyError as error:
            reason = "holds a replay of another version of ReMIX; go on with the version that began the run"
            raise SettingError("ckpt_path", trainer.ckpt_path, reason) from error
        except ValueError as error:
            raise SettingError("ckpt_path", trainer.ckpt_path, f"holds a replay whose {error}") from error

    def _save(self, trainer: pl.Trainer) -> None:
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        for logger in trainer.loggers:
            logger.save()  # what was logged so far must not be missing in a run that continues from here
        self._saving = True
        start = time.monotonic()
        try:
            new = self.path.with_name("next.ckpt")
            trainer.save_checkpoint(new, weights_only=False)
            if self.path.is_file():
                os.replace(self.path, self.previous)
            os.replace(new, self.path)
            for logger in trainer.loggers:
                if isinstance(logger, JournalLogger):
                    logger.journal.keep()
        finally:
            self._saving = False
        self._spent += time.monotonic() - start
        self._saved_steps = trainer.datamodule.env_steps  # type: ignore[attr-defined]

    def _affordable(self) -> bool:
        """Whether the saves so far have stayed within ``time_share``."""
        return self._spent <= FREE_SECONDS + self.time_share * (time.monotonic() - self._began)


def _bring_home(states: dict[str, Any], trainer: pl.Trainer) -> None:
    """Replace the paths of checkpoints in the states of callbacks, in case the run's folder was moved."""
    for callback in trainer.checkpoint_callbacks:
        state = states.get(callback.state_key)
        if not isinstance(callback, ModelCheckpoint) or not state or not callback.dirpath:
            continue
        before, now = str(state.get("dirpath")), Path(callback.dirpath)

        def moved(value: Any, before: str = before, now: Path = now) -> Any:
            inside = isinstance(value, str) and Path(value).is_relative_to(before)
            return str(now / Path(value).relative_to(before)) if inside else value

        state.update({key: moved(value) for key, value in state.items()})
        state["best_k_models"] = {moved(path): best for path, best in state.get("best_k_models", {}).items()}
