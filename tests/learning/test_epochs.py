"""What is taken for granted of the inner workings of Lightning's Trainer."""

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from remix.learning import epochs
from remix.learning.rounds import Round
from tests.training import make_trainer


def ending(epoch: bool, run: bool) -> Round:
    return Round(None, None, [], 0, 0, 0.0, ends_epoch=epoch, ends_run=run)


class Plain(pl.LightningModule):
    """Nothing of ours but the hooks; notes what happens."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.events: list[str] = []

    def training_step(self, batch, batch_idx):
        self.events.append("update")
        return self.layer(batch).sum()

    def validation_step(self, batch, batch_idx):
        self.events.append("validation")

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def on_train_start(self):
        assert self.trainer.val_check_batch == 3, "Lightning has made up its mind by now"
        epochs.validate_after_epochs(self.trainer)

    def on_train_batch_end(self, outputs, batch, batch_idx):
        last = self.current_epoch == 1
        epochs.end_where_due(self.trainer, ending(epoch=last or batch_idx == 1, run=last))


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*isinstance.treespec")
def test_lightning_still_obeys():
    """An epoch ends and is validated where it is said to, and so does the run; the loader has more."""
    module, trainer = Plain(), make_trainer(limit_train_batches=3, max_epochs=5)
    trainer.fit(module, DataLoader(torch.zeros(9, 1)), DataLoader(torch.zeros(1, 1)))  # type: ignore[arg-type]
    first, last = ["update", "update", "validation"], ["update", "validation"]
    assert module.events == first + last and trainer.current_epoch == 2


def test_lightning_still_has_the_limit_that_is_set():
    trainer = make_trainer(limit_train_batches=3)
    assert trainer.limit_train_batches == 3
    epochs.fetch_no_batch_ahead(trainer)
    assert trainer.limit_train_batches > 10**6


def test_only_half_precision_scales_gradients():
    assert not epochs.scales_gradients(make_trainer())
    assert not epochs.scales_gradients(make_trainer(precision="bf16-mixed"))
    plugin = pl.plugins.MixedPrecision("16-mixed", "cpu", scaler=torch.amp.GradScaler("cpu"))
    assert epochs.scales_gradients(make_trainer(plugins=[plugin]))
