"""Several seeds in one process: each is the run that it would be alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from remix.algorithms.base import MultiAgentModule
from remix.records.directory import RunDirectory
from remix.tracking.journal import Journal
from tests.command_line import SMALL, SMALL_REMIX, TINY, CommandLine

SEEDS = (1, 2, 5)
SHORT = ("threads=1", "logger=none", "max_env_steps=240", "steps_per_epoch=80")
REMIX = "from remix.cli.command import main; main()"
HALTING = """
import time
from remix.algorithms.base import MultiAgentModule
step = MultiAgentModule.training_step
def halting(self, batch, batch_idx):
    if batch.env_steps > 100:
        time.sleep(1000)
    return step(self, batch, batch_idx)
MultiAgentModule.training_step = halting
"""
"""Every run stands still after some checkpoints, to be killed."""


def start(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    environment.pop("HYDRA_FULL_ERROR", None)
    command = [sys.executable, "-c", HALTING + REMIX, "train", *arguments]
    return subprocess.Popen(command, cwd=home, env=environment, stdout=subprocess.DEVNULL)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 600
    while not condition():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)


def metrics(run: Path) -> list[tuple[int, dict[str, float]]]:
    """All that was logged, wall-clock figures left out."""
    entries = ((entry.step, dict(entry.values)) for entry in Journal(run).entries())
    return [
        (step, {name: value for name, value in values.items() if not name.startswith("time/")})
        for step, values in entries
    ]


def learned(run: Path) -> dict[str, Any]:
    """Networks, optimizers, sampling stream and stored episodes at the end."""
    checkpoint = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    names = ("state_dict", "optimizer_states", "ReplayDataModule", "replay", "env_steps", "updates")
    return {name: checkpoint[name] for name in names if name in checkpoint}


def assert_equal(one: Path, other: Path) -> None:
    assert metrics(one) == metrics(other)
    torch.testing.assert_close(learned(one), learned(other), rtol=0, atol=0)


def states(home: Path) -> dict[str, str]:
    return {run.parent.name: RunDirectory(run.parent).state for run in home.glob("runs/**/run.json")}


@pytest.mark.parametrize("algorithm", ["remix", "mappo"])
def test_every_seed_is_the_run_that_it_would_be_alone(remix: CommandLine, algorithm: str) -> None:
    words = (*(SMALL_REMIX if algorithm == "remix" else SMALL), *SHORT, f"algorithm={algorithm}")
    together = remix("train", *words, f"seeds={list(SEEDS)}", "run_dir=runs/together")
    assert together.code == 0, together.err
    assert "3 seeds: 3 finished" in together.out
    for seed in SEEDS[::2]:
        alone = Path(f"runs/alone/seed{seed}")
        assert remix("train", *words, f"seed={seed}", f"run_dir={alone}").code == 0
        assert_equal(Path(f"runs/together/seed{seed}"), alone)
        one, other = RunDirectory(Path(f"runs/together/seed{seed}")).record, RunDirectory(alone).record
        assert (one.identity, one.seed, one.status) == (other.identity, other.seed, "finished")


def test_runs_that_are_killed_go_on_as_if_they_had_not_been(
    remix: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, killed = remix.home / "whole", remix.home / "killed"
    whole.mkdir()
    killed.mkdir()
    words = (*TINY, "max_env_steps=160")
    process = start(killed, *words, "seeds=[1,2]", "run_dir=runs/x")
    wait_for(lambda: len(list(killed.glob("runs/x/*/checkpoints/last.ckpt"))) == 2, process)
    process.kill()
    process.wait()
    assert set(states(killed).values()) == {"interrupted"}
    # Found wherever they were begun; seed 3 is new.
    monkeypatch.chdir(killed)
    resumed = remix("train", *words, "seeds=[1,2,3]", "resume=auto")
    assert resumed.code == 0, resumed.err
    assert "resumed from runs/x/seed" in resumed.out and "3 seeds: 3 finished" in resumed.out
    monkeypatch.chdir(whole)
    assert remix("train", *words, "seeds=[1,2]", "run_dir=runs/x").code == 0
    for seed in (1, 2):
        assert_equal(whole / f"runs/x/seed{seed}", killed / f"runs/x/seed{seed}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_runs_in_good_order(
    remix: CommandLine, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    step, told = MultiAgentModule.training_step, list[int]()

    def telling(self: MultiAgentModule, *arguments: Any) -> Any:
        if not told and len(list(Path("runs/x").glob("*/checkpoints/last.ckpt"))) == 2:
            told.append(number)
            os.kill(os.getpid(), number)
        return step(self, *arguments)

    monkeypatch.setattr(MultiAgentModule, "training_step", telling)
    ended = remix("train", *TINY, "max_env_steps=6_400", "seeds=[1,2]", "run_dir=runs/x")
    assert ended.code == 128 + number
    for seed in (1, 2):
        goes_on = f"goes on from runs/x/seed{seed}/checkpoints/last.ckpt"
        assert f"[seed {seed}] interrupted; the same command with resume=auto {goes_on}" in ended.out
        assert RunDirectory(Path(f"runs/x/seed{seed}")).record.status == "interrupted"


def test_a_run_that_fails_does_not_end_the_others(
    remix: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = MultiAgentModule.training_step

    def fails(self: MultiAgentModule, *arguments: Any) -> Any:
        if self.trainer.datamodule.seed == 2 and self.env_steps >= 24:  # type: ignore[attr-defined]
            raise RuntimeError("the game is over")
        return step(self, *arguments)

    monkeypatch.setattr(MultiAgentModule, "training_step", fails)
    line = ("train", *TINY, "seeds=[1,2,3]", "run_dir=runs/x")
    ended = remix(*line)
    assert ended.code == 1
    assert "3 seeds: 2 finished, 1 failed" in ended.out
    assert "seed 2: failed: RuntimeError: the game is over; runs/x/seed2\n" in ended.out
    assert "[seed 2] failed: RuntimeError: the game is over\n" in ended.err
    assert "fails" in Path("runs/x/seed2/error.txt").read_text()
    assert states(remix.home) == {"seed1": "finished", "seed2": "failed", "seed3": "finished"}
    monkeypatch.setattr(MultiAgentModule, "training_step", step)
    mended = remix(*line, "resume=auto")
    assert mended.code == 0
    assert "[seed 1] already finished: runs/x/seed1" in mended.out
    assert set(states(remix.home).values()) == {"finished"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seeds=[]"], "seeds=[]: must be a list of seeds, as in seeds=[1,2,3]"),
        (["seeds=3"], "seeds=3: must be a list of seeds, as in seeds=[1,2,3]"),
        (["seeds=[1,2,1]"], "seeds=[1, 2, 1]: must be different ones"),
        (["seeds=[1,-2]"], "seeds=-2: must be a whole number between 0 and 4294967295"),
        (["seeds=[1,two]"], "seeds=two: must be a whole number between 0 and 4294967295"),
        (["seeds=[1,2]", "seed=1"], "seed=1: cannot go with seeds, which are those of all runs"),
        (["seeds=[1,2]", "++seed=1"], "seed=1: cannot go with seeds, which are those of all runs"),
        (["seeds=1,2"], "seeds=1,2: several values need -m, a list needs brackets: seeds=[1,2]"),
        (["seeds=[1,2]", "replay.batch_size=0"], "replay.batch_size=0: must be a whole number of at least 1"),
        (["seeds=[1,2]", "algorithm.gamma=7"], "algorithm.gamma=7: must be a number between 0 and 1"),
        (["seeds=[1,2]", "env.payoff=[]"], "env.payoff="),
        (
            ["seeds=[1,2]", "study=custom", "study.name=x"],
            "seeds=[1, 2]: is for 'remix train' alone",
        ),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(remix: CommandLine, words: list[str], message: str) -> None:
    refused = remix("train", *TINY, *words)
    assert refused.code == 2
    [line] = refused.err.splitlines()
    assert line.startswith(f"remix: {message}")
    assert not list(remix.home.glob("runs/**/seed*"))


def test_nothing_begins_where_one_of_the_runs_is_there(remix: CommandLine) -> None:
    assert remix("train", *TINY, "seed=2", "run_dir=runs/x/seed2").code == 0
    refused = remix("train", *TINY, "seeds=[1,2]", "run_dir=runs/x")
    assert refused.code == 2
    assert "run_dir=runs/x/seed2: holds this run already" in refused.err
    assert set(states(remix.home)) == {"seed2"} and not Path("runs/x/seed1").exists()


def test_a_place_that_is_none_is_refused_or_chosen(remix: CommandLine) -> None:
    refused = remix("train", *TINY, "seeds=[1,2]", "run_dir=5")
    assert (refused.code, refused.err) == (2, "remix: run_dir=5: must be text\n")
    assert remix("train", *TINY, "seeds=[1,2]", "run_dir=null").code == 0
    assert sorted(states(remix.home)) == ["seed1", "seed2"]
