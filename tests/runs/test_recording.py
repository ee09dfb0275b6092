"""Recorded episodes, read with NumPy alone and played again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import remix
from remix.envs.predator_prey import PredatorPrey
from remix.learning.recorded import EpisodeFiles
from tests.command_line import SMALL, CommandLine
from tests.samples import make_episode, make_spec


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> remix.Run:
    folder = tmp_path_factory.mktemp("run") / "mine"
    return remix.train("algorithm=qmix", *SMALL, "logger=none", f"run_dir={folder}")


def read(folder: Path) -> tuple[dict[str, Any], list[dict[str, np.ndarray]]]:
    page = json.loads((folder / "episodes.json").read_text())
    return page, [dict(np.load(folder / file["name"], allow_pickle=False)) for file in page["files"]]


def test_episodes_are_whole_and_are_played_again_from_their_seeds(run: remix.Run, tmp_path: Path) -> None:
    output = tmp_path / "new/episodes"
    words = ("episodes=7", "exploration=0.5", "seed=3")
    assert remix.record(run, *words, "episodes_per_file=4", f"output={output}") == output
    page, files = read(output)
    assert [len(file["seed"]) for file in files] == [4, 3] == [file["episodes"] for file in page["files"]]
    assert page["mean_return"] == pytest.approx(remix.evaluate(run, *words)["return"])
    game = PredatorPrey(n_agents=2, n_stags=2, world_shape=(4, 4), episode_limit=12)
    for file in files:
        assert set(file) == set(page["arrays"])
        for e, (seed, length) in enumerate(zip(file["seed"], file["length"], strict=True)):
            points, steps = file["point_start"][e], file["step_start"][e]
            observation = game.reset(np.array([seed]))
            for t in range(length + 1):
                for name in ("obs", "state", "avail_actions"):
                    assert np.array_equal(getattr(observation, name)[0], file[name][points + t])
                if t < length:
                    step = game.step(file["actions"][None, steps + t])
                    assert step.reward[0] == file["reward"][steps + t]
                    observation = step.observation
            assert step.terminated[0] == file["terminated"][e]
            assert step.info["captures"][0] == file["metric_captures"][e]
    behaviour = np.concatenate([file["behaviour"] for file in files])
    assert 0.5 / game.spec.n_actions <= behaviour.min() < 0.5 < behaviour.max() < 1


def test_the_page_describes_every_array(run: remix.Run, tmp_path: Path) -> None:
    remix.record(run, "episodes=2", f"output={tmp_path / 'x'}", "+env.episode_limit=5")
    page, [file] = read(tmp_path / "x")
    rows = {"episodes": 2, "steps": file["length"].sum(), "points": file["length"].sum() + 2}
    for name, array in file.items():
        described = page["arrays"][name]
        assert str(array.dtype) == described["type"]
        assert array.shape == (rows[described["axes"][0]], *described["sizes"][1:])
        assert len(described["axes"]) == array.ndim
    assert page["game"]["episode_limit"] == page["environment"]["episode_limit"] == 5
    assert page["environment"]["action_names"][-1] == "catch"
    assert len(page["environment"]["obs_names"]) == page["environment"]["obs_size"]
    assert (
        page["files"][0]["sha256"]
        == hashlib.sha256((tmp_path / "x/episodes-00000.npz").read_bytes()).hexdigest()
    )
    assert np.all(file["behaviour"] == 1)


def test_individual_rewards_are_recorded_where_a_game_has_them(tmp_path: Path) -> None:
    files = EpisodeFiles(tmp_path, spec := make_spec(individual_rewards=True))
    episodes = [make_episode(spec, n, n) for n in (3, 5)]
    files.add(np.arange(2), episodes)
    files.describe({})
    page, [file] = read(tmp_path)
    expected = np.concatenate([episode.individual_rewards for episode in episodes])
    assert np.array_equal(file["individual_rewards"], expected)
    assert page["arrays"]["individual_rewards"]["axes"] == ["steps", "agents"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "record nix output=x",
            "checkpoint=nix: must be a checkpoint file, a run directory or an MLflow run id",
        ),
        ("record . output=x", "checkpoint=.: is a directory without checkpoints/best.ckpt"),
        ("record {run}", "output=???: must be given"),
        ("record {run} output=.", "output=.: is there already; choose another folder"),
        ("record {run} output=x episodes=0", "episodes=0: must be a whole number of at least 1"),
        ("record {run} output=x episodes_per_file=no", "episodes_per_file=no: must be a whole number of at"),
        ("record {run} output=x exploration=2", "exploration=2: must be a number between 0 and 1"),
    ],
)
def test_mistakes(
    run: remix.Run,
    words: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    outcome = CommandLine(monkeypatch, capsys, tmp_path)(*words.format(run=run.directory).split())
    assert outcome.code == 2
    assert outcome.err.startswith(f"remix: {message}")
    assert outcome.err.count("\n") == 1
    assert not list(tmp_path.iterdir())
