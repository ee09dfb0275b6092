"""Epochs of environment steps in Lightning's training loop, which counts batches.

All that depends on the inner workings of Lightning's Trainer stands here.
"""

from __future__ import annotations

import pytorch_lightning as pl

from remix.learning.rounds import Round

_NO_LIMIT = 1_000_000_000


def fetch_no_batch_ahead(trainer: pl.Trainer) -> None:
    """For the setup: a batch is made when the update before it is done, with the policy after it.

    Lightning fetches one batch ahead from loaders without a length or limit.
    """
    trainer.limit_train_batches = _NO_LIMIT


def validate_after_epochs(trainer: pl.Trainer) -> None:
    """For the start of training: validate at the end of an epoch, not after a number of batches."""
    trainer.val_check_batch = float("inf")


def end_where_due(trainer: pl.Trainer, data: Round) -> None:
    """For the end of a batch: only now is it known whether it was the last of its epoch, or of the run."""
    if data.ends_epoch:
        trainer.fit_loop.epoch_loop.batch_progress.is_last_batch = True
    if data.ends_run:
        end_run(trainer)


def end_run(trainer: pl.Trainer) -> None:
    """The run ends after this epoch."""
    trainer.should_stop = True


def scales_gradients(trainer: pl.Trainer) -> bool:
    """Whether gradients are scaled, and steps whose gradients overflow left out, as in half precision."""
    return getattr(trainer.precision_plugin, "scaler", None) is not None
