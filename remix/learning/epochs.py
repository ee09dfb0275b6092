"""Epochs of environment steps in Lightning's training loop, which counts batches.

All that depends on the inner workings of Lightning's Trainer stands here.
"""

from __future__ import annotations

import pytorch_lightning as pl

from remix.learning.rounds import Round

_NO_LIMIT = 1_000_000_000


def fetch_no_batch_ahead(trainer: pl.Trainer) -> None:
    """Make every batch after the update before it, with the policy that came of it. Called in the setup.

    From a loader without length or limit Lightning would fetch one batch ahead.
    """
    trainer.limit_train_batches = _NO_LIMIT


def validate_after_epochs(trainer: pl.Trainer) -> None:
    """Validate at the end of an epoch, not after a number of batches. Called when training starts."""
    trainer.val_check_batch = float("inf")


def end_where_due(trainer: pl.Trainer, data: Round) -> None:
    """End the epoch or the run if a batch was its last. Called at the end of every batch.

    How many environment steps a batch brings is not known before.
    """
    if data.ends_epoch:
        trainer.fit_loop.epoch_loop.batch_progress.is_last_batch = True
    if data.ends_run:
        end_run(trainer)


def end_run(trainer: pl.Trainer) -> None:
    """The run ends after this epoch."""
    trainer.should_stop = True


def gradient_scale(trainer: pl.Trainer) -> float:
    """What Lightning has multiplied the gradients with before a step that an algorithm makes itself."""
    scaler = getattr(trainer.precision_plugin, "scaler", None)
    return 1.0 if scaler is None else float(scaler.get_scale())


def scales_gradients(trainer: pl.Trainer) -> bool:
    """Whether Lightning scales the gradients, as it does in half precision.

    It then leaves out the steps whose gradients overflow.
    """
    return getattr(trainer.precision_plugin, "scaler", None) is not None
