"""What callbacks log, as Lightning teaches it, stands beside all else: by environment steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from remix.tracking.journal import Journal
from tests.command_line import TINY, CommandLine
from tests.projects import forgotten, write

COUNTS = """
from pytorch_lightning import Callback

class Counts(Callback):
    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        pl_module.log("mine/in_training", float(pl_module.env_steps))
    def on_validation_end(self, trainer, pl_module):
        metrics = {"mine/in_evaluation": float(pl_module.env_steps)}
        trainer.logger.log_metrics(metrics, step=trainer.global_step)
"""


def test_what_a_callback_logs_stands_at_environment_steps(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write(tmp_path, {"counting.py": COUNTS})
    with forgotten(tmp_path):
        remix = CommandLine(monkeypatch, capsys, tmp_path)
        mine = ("+callbacks.mine={_target_: counting.Counts}", "trainer.log_every_n_steps=2")
        outcome = remix("train", *TINY, *mine, "run_dir=runs/x")
    assert outcome.code == 0, outcome.err
    entries = list(Journal(tmp_path / "runs/x").entries())
    for name in ("mine/in_training", "mine/in_evaluation"):
        found = [(entry.values[name], entry.step) for entry in entries if name in entry.values]
        assert len(found) > 1 and all(value == step for value, step in found)
