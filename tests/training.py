"""Short trainings through Lightning, with everything that was logged."""

from hashlib import sha256
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from remix.algorithms.base import MultiAgentModule
from remix.checking.recording import Recorder
from remix.learning.datamodule import ReplayDataModule


class Digest(Callback):
    """Prints one of all weights at the end of a fit."""

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        weights = b"".join(value.numpy().tobytes() for value in pl_module.state_dict().values())
        print("digest", sha256(weights).hexdigest())


def make_trainer(**options: Any) -> pl.Trainer:
    """A quiet trainer that logs after every update."""
    defaults: dict[str, Any] = {
        "accelerator": "cpu",
        "max_epochs": -1,
        "num_sanity_val_steps": 0,
        "gradient_clip_val": 10.0,
        "log_every_n_steps": 1,
        "logger": Recorder(),
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return pl.Trainer(**(defaults | options))


def fit(module: MultiAgentModule, data: ReplayDataModule, **options: Any) -> Recorder:
    """Train to the end of the budget; returns what was logged."""
    trainer = make_trainer(**options)
    trainer.fit(module, data)
    recorder = trainer.logger
    assert isinstance(recorder, Recorder)
    return recorder
