"""How a command ends that is told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
from mlflow.tracking import MlflowClient
from numpy.typing import NDArray

from remix.algorithms.base import MultiAgentModule
from remix.algorithms.value_factorization import ValueFactorization
from remix.envs.games import BranchChain
from remix.envs.spec import Step
from remix.learning.datamodule import ReplayDataModule
from remix.learning.episodes import Episode
from remix.learning.workers.base import WorkerError
from remix.learning.workers.process import ProcessWorkers
from remix.records.directory import RunDirectory
from remix.settings.signals import ENDING, Stopped, stoppable
from tests.command_line import SMALL, CommandLine
from tests.training import make_trainer

LINE = ("train", *SMALL, "algorithm=vdn", "threads=1", "run_dir=runs/x")


def signalled(monkeypatch: pytest.MonkeyPatch, hook: str, number: int, calls: int = 1) -> None:
    """The process gets the signal in the given call of a hook of the module."""
    owner = next(kind for kind in ValueFactorization.__mro__ if hook in vars(kind))
    original, left = getattr(owner, hook), [calls]

    def calling(self: MultiAgentModule, *arguments: object) -> object:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), number)
        return original(self, *arguments)

    monkeypatch.setattr(owner, hook, calling)


@pytest.mark.parametrize(
    ("hook", "name", "calls"),
    [
        ("validation_step", "SIGINT", 1),
        ("training_step", "SIGHUP", 6),
        ("training_step", "SIGUSR1", 6),
        ("test_step", "SIGTERM", 1),
    ],
)
def test_a_run_that_is_told_to_end_can_go_on(
    hook: str, name: str, calls: int, remix: CommandLine, tmp_path: Path, mlflow_uri: str
) -> None:
    number = getattr(signal, name)
    with pytest.MonkeyPatch.context() as patch:
        signalled(patch, hook, number, calls)
        ended = remix(*LINE)
    assert ended.code == 128 + number
    assert ended.err.splitlines()[-1] == f"remix: stopped by {name}"
    saved = (tmp_path / "runs/x/checkpoints/last.ckpt").is_file()
    assert saved == (hook != "validation_step")
    advice = "goes on from runs/x/checkpoints/last.ckpt" if saved else "begins anew"
    assert f"interrupted; the same command with resume=auto {advice}" in ended.out
    record = RunDirectory(tmp_path / "runs/x").record
    assert record.status == "interrupted"
    assert MlflowClient(mlflow_uri).get_run(str(record.mlflow_run_id)).info.status == "KILLED"
    resumed = remix(*LINE, "resume=auto")
    assert resumed.code == 0
    assert ("resumed from" in resumed.out) == saved


def test_a_command_that_is_told_to_end_before_a_run_begins_leaves_no_run(
    remix: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    signalled(monkeypatch, "configure_optimizers", signal.SIGTERM)
    ended = remix(*LINE, "logger=none")
    assert ended.code == 143
    assert ended.err == "remix: stopped by SIGTERM\n"
    assert not (remix.home / "runs/x").exists()


def test_a_sweep_ends_as_a_whole(remix: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    signalled(monkeypatch, "training_step", signal.SIGTERM, calls=3)
    ended = remix("train", "-m", *LINE[1:-1], "logger=none", "seed=1,2", "hydra.sweep.dir=runs/sweep")
    assert ended.code == 143
    assert "#1" not in ended.out


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    program = (
        "import os, signal, time\nfrom remix.settings.signals import stoppable\nwith stoppable():\n"
        "    try:\n        os.kill(os.getpid(), signal.SIGTERM)\n"
        "    finally:\n        os.kill(os.getpid(), signal.SIGINT)\n        time.sleep(1000)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=120).returncode == 130


def test_signals_that_are_ignored_or_handled_stay_so() -> None:
    before = {name: signal.getsignal(getattr(signal, name)) for name in ENDING}
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            os.kill(os.getpid(), signal.SIGHUP)
            with pytest.raises(Stopped, match="SIGTERM") as stop:
                os.kill(os.getpid(), signal.SIGTERM)
        assert stop.value.code == 143
    finally:
        signal.signal(signal.SIGHUP, before["SIGHUP"])
    assert before == {name: signal.getsignal(getattr(signal, name)) for name in ENDING}


class Hanging(BranchChain):
    """From its 10th step on."""

    def __init__(self) -> None:
        super().__init__(stages=3)
        self._left = 10

    def step(self, actions: NDArray[np.integer[Any]]) -> Step:
        self._left -= 1
        if self._left < 0:
            time.sleep(1000)
        return super().step(actions)


@pytest.mark.slow
def test_nobody_waits_for_a_round_that_is_played_ahead() -> None:
    workers = partial(ProcessWorkers, n_workers=1, overlap=True, timeout=30.0)
    data = ReplayDataModule(
        Hanging, workers, batch_size=4, capacity=20, episodes_per_round=2, steps_per_epoch=10_000
    )
    module = ValueFactorization(data.spec)
    rounds: list[Future[list[Episode]]] = []

    class Stop(pl.Callback):
        def on_train_batch_end(self, *arguments: object) -> None:
            if (
                data.collector._ahead is not None
                and not wait([data.collector._ahead.episodes], timeout=5.0).done
            ):
                rounds.append(data.collector._ahead.episodes)  # the worker hangs
                raise Stopped(signal.SIGTERM)

    trainer = make_trainer(callbacks=[Stop()])
    with pytest.raises(Stopped):
        trainer.fit(module, data)
    assert data.collector.pool is None
    assert isinstance(rounds[0].exception(), WorkerError)
