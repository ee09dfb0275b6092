"""Films of greedy episodes."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from remix.envs.endings import Ending
from remix.envs.games import BranchChain, MatrixGame
from remix.envs.predator_prey import PredatorPrey
from remix.envs.spec import Observation
from remix.learning import films
from remix.learning.films import film, record_episode
from remix.learning.policy import Policy
from remix.learning.workers.rollout import rollout


def test_film_shows_the_greedy_episode_from_its_start(tmp_path: Path) -> None:
    environment = PredatorPrey(n_agents=2, n_stags=1, world_shape=(4, 4), episode_limit=6)
    policy = Policy(environment.spec)
    episode = record_episode(environment, policy, 5, tmp_path / "films/episode.gif", fps=4)
    [expected] = rollout(environment, policy, np.array([5], dtype=np.int64), exploration=0.0)
    assert np.array_equal(episode.actions, expected.actions)
    assert episode.score == expected.score
    with Image.open(tmp_path / "films/episode.gif") as film:
        start = np.asarray(film.convert("RGB"), dtype=int)
        assert film.info["duration"] == 250
        film.seek(getattr(film, "n_frames", 1) - 1)
        assert film.info["duration"] >= 1000, "the result is held"
        assert (np.asarray(film.convert("RGB"), dtype=int) != start).any()
    environment.reset(np.array([5], dtype=np.int64))
    assert np.abs(start - environment.render()).mean() < 5.0  # a GIF has few colours


def test_recording_leaves_the_policy_alone(tmp_path: Path) -> None:
    environment = BranchChain(stages=3)
    policy = Policy(environment.spec).double()
    record_episode(environment, policy, 1, tmp_path / "episode.gif")
    assert policy.training
    assert all(p.dtype == torch.float64 for p in policy.parameters())


class MayHang(BranchChain):
    """A game that is not to be played in this process; ``file`` gets the number of the one it is."""

    def __init__(self, file: Path) -> None:
        self.file = file
        super().__init__(stages=3)
        self.spec = replace(self.spec, may_hang=True)

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        self.file.write_text(str(os.getpid()))
        return super().reset(seeds)


def test_a_game_that_may_hang_is_played_in_a_process_of_its_own(tmp_path: Path) -> None:
    game, policy = partial(MayHang, tmp_path / "process"), Policy(BranchChain(stages=3).spec)
    episode = film(game, policy, 1, tmp_path / "episode.gif")
    expected = film(partial(BranchChain, stages=3), policy, 1, tmp_path / "expected.gif")
    assert np.array_equal(episode.actions, expected.actions)
    assert (tmp_path / "episode.gif").read_bytes() == (tmp_path / "expected.gif").read_bytes()
    assert int((tmp_path / "process").read_text()) != os.getpid()


def test_a_game_that_is_played_to_its_end_is_no_time_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles: list[str] = []

    def card(picture: NDArray[np.generic], said: Ending) -> NDArray[np.generic]:
        titles.append(said.title)
        return picture

    monkeypatch.setattr(films, "end_card", card)
    idle = PredatorPrey(n_agents=2, n_stags=1, world_shape=(4, 4), episode_limit=1)
    for game in (MatrixGame([[1, 0], [0, 1]], stages=2), idle):
        record_episode(game, Policy(game.spec), 5, tmp_path / "episode.gif")
    assert titles == ["The end", "Time is up"]
