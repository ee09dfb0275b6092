"""The learning curve as a picture in the run's folder."""

from __future__ import annotations

from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from remix.algorithms.base import MultiAgentModule
from remix.callbacks.side_matters import side_matter
from remix.report.run_curve import draw_run


class LearningCurve(Callback):
    """Draws ``learning_curve.png`` when a run is over, also after an error.

    :param title: of the picture.
    """

    changes_training = False

    def __init__(self, title: str = "") -> None:
        self.title = title

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if stage == "test":
            self._draw(trainer, pl_module)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        self._draw(trainer, pl_module)

    def _draw(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, MultiAgentModule)
        directory = Path(trainer.default_root_dir)
        with side_matter("no picture of the learning curve"):
            draw_run(directory, directory, self.title, pl_module.spec.best_return)
