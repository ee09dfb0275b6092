"""Why training ended before its budget was used, in the names that the user knows."""

from __future__ import annotations

import pytorch_lightning as pl
from pytorch_lightning.callbacks import EarlyStopping, Timer


def stopped_by(trainer: pl.Trainer) -> str:
    """The setting or callback that ended a fit."""
    if 0 <= trainer.max_steps <= trainer.global_step:
        return f"trainer.max_steps={trainer.max_steps}"
    if trainer.max_epochs is not None and 0 <= trainer.max_epochs <= trainer.current_epoch:
        return f"trainer.max_epochs={trainer.max_epochs}"
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, Timer) and (left := callback.time_remaining()) is not None and left <= 0:
            return "the time limit (trainer.max_time)"
        if isinstance(callback, EarlyStopping) and (
            callback.stopped_epoch or callback.wait_count >= callback.patience
        ):
            return f"{type(callback).__name__} of {callback.monitor}"
    return "a callback"
