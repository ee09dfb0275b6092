"""Whole runs: what they leave, how they go on after being killed, what can be done with them afterwards."""

from __future__ import annotations

import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from remix.records.directory import RunDirectory
from remix.tracking.journal import Journal
from tests.command_line import NO_PICTURES, SMALL, SMALL_REMIX, CommandLine
from tests.programs import HALTING


def runs(home: Path) -> list[Path]:
    return sorted(file.parent for file in home.glob("runs/**/run.json"))


def metrics(run: Path) -> dict[tuple[int, str], float]:
    """Every logged value by (environment step, name), wall-clock figures left out."""
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {
        (int(row["step"]), name): float(value)
        for row in rows
        for name, value in row.items()
        if value and name != "step" and not name.startswith("time/")
    }


def test_a_run_from_start_to_film(remix: CommandLine):
    words = [word for word in SMALL_REMIX if word not in NO_PICTURES]
    trained = remix("train", *words, "logger=csv")
    assert trained.code == 0
    (run,) = runs(remix.home)
    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "finished"
    assert record["seconds"] > 0 and record["machine"]["device"] == "cpu"
    assert {"processor", "cores", "threads"} <= record["machine"].keys()
    for name in (
        "config.yaml",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "episode.gif",
        "learning_curve.png",
        "weight_heatmap.png",
    ):
        assert (run / name).stat().st_size > 0, name
    best = (run / "checkpoints/best.ckpt").relative_to(remix.home)
    assert f"remix watch {best.parents[1]}\n" in trained.out
    assert "epsilon" in trained.out + trained.err

    values = metrics(run)
    names = {name for _, name in values}
    assert {"test/return", "train/return", "train/epsilon", "train/td_error_abs", "weighting/mean"} <= names
    evaluations = sorted(step for step, name in values if name == "test/return")
    assert evaluations[0] == 0
    assert len(evaluations) == 5
    assert evaluations[-1] >= 400

    checkpoint = torch.load(best, weights_only=True)
    assert checkpoint["hyper_parameters"]["config"]["env"]["n_agents"] == 2
    assert "replay" not in checkpoint
    assert "replay" in torch.load(run / "checkpoints/last.ckpt", weights_only=True)

    evaluated = remix("evaluate", str(best), "episodes=4")
    assert evaluated.code == 0
    assert "return" in evaluated.out
    assert remix("evaluate", str(best.parents[1]), "episodes=4").out == evaluated.out
    explored = remix("evaluate", str(best), "episodes=4", "exploration=1").out.splitlines()
    assert explored[0].startswith("4 episodes with epsilon 1 of ")
    assert explored[2:-1] != evaluated.out.splitlines()[2:-1]
    changed = remix("evaluate", str(best), "episodes=4", "+env.episode_limit=5")
    assert float(changed.out.split("length")[1].split()[0]) <= 5

    watched = remix("watch", str(run), "seed=3", "output=film.gif")
    assert watched.code == 0
    with Image.open(remix.home / "film.gif") as film:
        film.seek(1)  # raises if there is no second picture
        assert film.tell() == 1

    other_networks = remix("train", *SMALL, "algorithm=qmix", "logger=none", f"ckpt_path={best}")
    assert other_networks.code == 2
    assert "holds other networks than configured" in other_networks.err


def test_a_run_whose_last_checkpoint_is_damaged_goes_on_from_the_one_before(remix: CommandLine):
    line = ("train", *SMALL, "algorithm=vdn", "logger=none", "run_dir=runs/x")
    whole = remix(*line)
    checkpoints, record = remix.home / "runs/x/checkpoints", remix.home / "runs/x/run.json"

    def interrupted_and_damaged(name: str) -> None:
        record.write_text(record.read_text().replace('"finished"', '"interrupted"'))
        (checkpoints / name).write_bytes((checkpoints / name).read_bytes()[:-1])

    interrupted_and_damaged("last.ckpt")
    resumed = remix(*line, "resume=auto")
    assert resumed.code == 0
    assert (
        "last.ckpt is damaged: its end is missing; going on from runs/x/checkpoints/previous" in resumed.out
    )
    assert "resumed from runs/x/checkpoints/previous.ckpt" in resumed.out
    assert resumed.out.splitlines()[-1] == whole.out.splitlines()[-1]
    interrupted_and_damaged("last.ckpt")
    (checkpoints / "previous.ckpt").write_bytes(b"")
    refused = remix(*line, "resume=auto")
    assert refused.code == 2
    assert refused.err.startswith("remix: resume=auto: runs/x/checkpoints/last.ckpt is damaged")
    assert refused.err.endswith("/previous.ckpt is empty; resume=never with another run_dir starts anew\n")


def test_a_full_disk_is_one_line_and_keeps_the_last_checkpoint(
    remix: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved, save = [], torch.save

    def full(checkpoint: Any, file: Any) -> None:
        saved.append(checkpoint)
        if len(saved) > 4:
            file.write(b"the beginning")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(checkpoint, file)

    monkeypatch.setattr(torch, "save", full)
    ended = remix("train", *SMALL, "algorithm=vdn", "logger=none", "run_dir=runs/x")
    assert ended.code == 1
    assert [line for line in ended.err.splitlines() if "disk" in line] == [ended.err.strip()]
    assert ended.err.startswith("remix: the disk is full")
    assert RunDirectory(remix.home / "runs/x").record.error == "[Errno 28] No space left on device"
    names = {path.name for path in (remix.home / "runs/x/checkpoints").iterdir()}
    assert "last.ckpt" in names and not any(name.endswith(".tmp") for name in names)


def test_multirun_trains_every_combination(remix: CommandLine):
    tiny = ("max_env_steps=60", "steps_per_epoch=60", "logger=none", "callbacks=none")
    outcome = remix("train", "-m", *SMALL, *tiny, "algorithm=vdn,iql", "seed=0,1")
    assert outcome.code == 0
    assert len(runs(remix.home)) == 4


def test_workers_in_processes_give_the_same_run(remix: CommandLine):
    for workers in ("inline", "process"):
        words = ("max_env_steps=200", "logger=csv", f"workers={workers}")
        assert remix("train", *SMALL_REMIX, *words).code == 0
    first, second = runs(remix.home)
    assert metrics(first) == metrics(second)


def start(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    environment.pop("HYDRA_FULL_ERROR", None)
    return subprocess.Popen(
        [sys.executable, "-c", HALTING, "train", *arguments],
        cwd=home,
        env=environment,
        stdout=subprocess.DEVNULL,
    )


def wait_for(condition: Any, process: subprocess.Popen[bytes], seconds: float = 600.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_a_killed_run_goes_on_as_if_it_had_not_been(remix: CommandLine, monkeypatch: pytest.MonkeyPatch):
    settings = (*SMALL_REMIX, "threads=1", "logger=csv", "max_env_steps=1200", "steps_per_epoch=100")
    whole, killed = remix.home / "whole", remix.home / "killed"
    whole.mkdir()
    killed.mkdir()
    process = start(killed, *settings)

    def has_saved() -> bool:
        return any(killed.glob("runs/**/last.ckpt"))

    wait_for(has_saved, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (run,) = runs(killed)
    assert json.loads((run / "run.json").read_text())["status"] == "running"

    monkeypatch.chdir(killed)
    assert remix("train", *settings, "resume=auto").code == 0
    monkeypatch.chdir(whole)
    assert remix("train", *settings).code == 0
    assert runs(killed) == [run]
    expected, resumed = metrics(runs(whole)[0]), metrics(run)
    assert resumed == expected
    assert len({step for step, _ in expected}) > 12
    evaluations = list(Journal(runs(whole)[0]).evaluations())
    assert list(Journal(run).evaluations()) == evaluations
    counts = Counter(evaluation.name for evaluation in evaluations)
    assert counts.keys() == {"test", "final", "absolute_best", "absolute_last"} and counts["test"] > 12

    before = (run / "metrics.csv").read_bytes()
    monkeypatch.chdir(killed)
    assert remix("train", *settings, "resume=auto").code == 0
    assert (run / "metrics.csv").read_bytes() == before


@pytest.mark.slow
def test_a_short_training_learns_to_hunt(remix: CommandLine):
    outcome = remix(
        "train",
        "experiment=quickstart",
        "replay.batch_size=32",
        "replay.episodes_per_round=4",
        "algorithm.epsilon.steps=8000",
        "algorithm.target_update_episodes=100",
        "algorithm.weighting.warmup_steps=3000",
        "max_env_steps=25000",
        "steps_per_epoch=2500",
        "logger=csv",
        *NO_PICTURES,
    )
    assert outcome.code == 0
    (run,) = runs(remix.home)
    values = metrics(run)
    curve = [value for (_, name), value in sorted(values.items()) if name == "test/return"]
    assert curve[0] < 2.0
    # Of 20; a random policy is far below 0, one that leaves stags alone at 0. Four seeds had 7.5 to 10.8.
    assert sum(curve[-3:]) / 3 > 4.0
