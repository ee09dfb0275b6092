"""What a run can do without does not end it, and does not hide what did."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from remix.callbacks.checkpointing import LastCheckpoint
from remix.callbacks.episode_video import EpisodeVideo
from remix.callbacks.side_matters import told_safely
from remix.callbacks.weight_heatmap import WeightHeatMap
from remix.envs.games import BranchChain
from remix.weighting.optimistic import Optimistic
from tests.callbacks.runs import Run


class NoDisplay(BranchChain):
    def render(self, index: int = 0) -> Any:
        raise OSError("cannot open a display")


class NothingToSee(BranchChain):
    def render(self, index: int = 0) -> Any:
        return None


@pytest.mark.parametrize("environment", [NoDisplay, NothingToSee])
def test_a_film_that_fails_is_a_warning(
    environment: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(tmp_path, [EpisodeVideo(), LastCheckpoint(tmp_path)], environment=environment).fit()
    assert run.module.env_steps >= 160
    [warning] = capsys.readouterr().err.splitlines()
    assert warning.startswith("warning: no film of branch_chain: ")


def test_a_heat_map_that_fails_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("remix.callbacks.weight_heatmap.weight_map", lambda *arguments: 1 / 0)
    Run(tmp_path, [WeightHeatMap(), LastCheckpoint(tmp_path)], weighting=Optimistic(0.1, 1.0)).fit()
    assert capsys.readouterr().err == (
        "warning: no heat map of the weights: ZeroDivisionError: division by zero\n"
    )


class Bad(Callback):
    def on_exception(self, trainer: pl.Trainer, pl_module: Any, exception: BaseException) -> None:
        raise AttributeError("no such thing")


class FailsAtOnce(Callback):
    def setup(self, trainer: pl.Trainer, pl_module: Any, stage: str) -> None:
        raise RuntimeError("the first error")


def test_what_ended_a_run_is_not_hidden(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(tmp_path, [told_safely(Bad()), FailsAtOnce(), WeightHeatMap()], weighting=Optimistic(0.1, 1.0))
    with pytest.raises(RuntimeError, match="the first error"):
        run.trainer.validate(run.module, run.data)
    assert capsys.readouterr().err == "warning: Bad.on_exception failed: AttributeError: no such thing\n"


def test_nobody_needs_to_read_what_is_printed() -> None:
    program = (
        "import sys, time\nfrom remix.settings.redaction import shield\nshield()\nsys.stdin.read()\n"
        "for _ in range(3):\n    print('x' * 10_000, flush=True)\nprint('done', file=sys.stderr)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, errors = process.communicate("", timeout=120)
    assert (process.returncode, errors) == (0, "done\n")
