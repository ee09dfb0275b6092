"""Small training runs to hang callbacks on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import Logger

from remix.algorithms.base import MultiAgentModule
from remix.algorithms.value_factorization import ValueFactorization
from remix.callbacks.checkpointing import AtomicCheckpointIO
from remix.checking.recording import Recorder
from remix.envs.games import BranchChain
from remix.envs.spec import Environment
from remix.learning.datamodule import ReplayDataModule
from remix.learning.schedules import Schedule
from remix.runs.building import quiet
from remix.weighting.base import Weighting

SHORT_CHAIN = partial(BranchChain, stages=3)


class Run:
    """A trainer, a module and data that belong together.

    :param loggers: besides the recorder.
    :param options: changes of the data module's arguments.
    """

    def __init__(
        self,
        directory: Path,
        callbacks: Sequence[Callback],
        weighting: Weighting | None = None,
        max_epochs: int = -1,
        environment: Callable[[], Environment] = SHORT_CHAIN,
        loggers: Sequence[Logger] = (),
        **options: Any,
    ) -> None:
        quiet()
        pl.seed_everything(3, verbose=False)
        settings: dict[str, Any] = {
            "capacity": 20,
            "batch_size": 8,
            "episodes_per_round": 4,
            "steps_per_epoch": 40,
            "max_env_steps": 160,
            "validation_episodes": 2,
        }
        self.data = ReplayDataModule(environment, **(settings | options))
        self.module: MultiAgentModule = ValueFactorization(
            self.data.spec,
            weighting=weighting,
            epsilon=Schedule(1.0, 0.05, 200),
            target_update_episodes=16,
        )
        self.recorder = Recorder()
        self.trainer = pl.Trainer(
            accelerator="cpu",
            max_epochs=max_epochs,
            default_root_dir=directory,
            logger=[self.recorder, *loggers],
            callbacks=list(callbacks),
            plugins=[AtomicCheckpointIO()],
            num_sanity_val_steps=0,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=True,
            gradient_clip_val=10.0,
            log_every_n_steps=3,
        )

    def fit(self, checkpoint: Path | None = None) -> Run:
        """Train, from the checkpoint if there is one; returns itself."""
        self.trainer.fit(self.module, self.data, ckpt_path=checkpoint, weights_only=True)
        return self

    def metrics(self, *left_out: str) -> list[tuple[int | None, dict[str, float]]]:
        """What was logged, without the metrics whose names start with one of ``left_out``."""
        rows = [
            (step, {name: value for name, value in row.items() if not name.startswith(left_out)})
            for step, row in self.recorder.rows
        ]
        return [(step, row) for step, row in rows if row]
