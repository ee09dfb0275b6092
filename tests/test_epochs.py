"""What is taken for granted of the inner workings of Lightning's Trainer."""

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from remix import epochs
from remix.rounds import Round
from tests.training import make_trainer


def ending(epoch: bool, run: bool) -> Round:
    return Round(None, None, [], 0, 0, 0.0, ends_epoch=epoch, ends_run=run)


class Plain(pl.LightningModule):
    """Nothing of ours, but for the hooks that ask Lightning for its names."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.seen: list[bool] = []

    def training_step(self, batch, batch_idx):
        return self.layer(batch).sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def on_train_start(self):
        assert self.trainer.val_check_batch == 3, "Lightning has made up its mind by now"
        assert self.trainer.limit_train_batches == 3, "and knows this limit"

    def on_train_batch_end(self, outputs, batch, batch_idx):
        progress = self.trainer.fit_loop.epoch_loop.batch_progress
        self.seen.append(progress.is_last_batch)
        epochs.end_where_due(self.trainer, ending(epoch=False, run=batch_idx == 1))
        assert progress.is_last_batch == self.seen[-1]
        epochs.end_where_due(self.trainer, ending(epoch=batch_idx == 1, run=False))


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_lightning_still_has_the_names_that_are_set():
    module, trainer = Plain(), make_trainer(limit_train_batches=3, max_epochs=5)
    trainer.fit(module, DataLoader(torch.zeros(9, 1)))  # type: ignore[arg-type]
    assert module.seen == [False, False], "the second batch was made the last one, of the run too"
    assert trainer.current_epoch == 1 and trainer.should_stop


def test_only_half_precision_scales_gradients():
    assert not epochs.scales_gradients(make_trainer())
    assert not epochs.scales_gradients(make_trainer(precision="bf16-mixed"))
    plugin = pl.plugins.MixedPrecision("16-mixed", "cpu", scaler=torch.amp.GradScaler("cpu"))
    assert epochs.scales_gradients(make_trainer(plugins=[plugin]))
