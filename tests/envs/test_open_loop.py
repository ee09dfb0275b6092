"""Agents that see the time step alone: what they see, and that all else is the game's."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from remix.envs.battles import Battles
from remix.envs.games import MatrixGame
from remix.envs.open_loop import OpenLoop, OpenLoopBattles, OpenLoopDrawnBattles
from remix.envs.smacv2 import DrawnBattles
from remix.envs.spec import Environment
from remix.settings.signatures import parameters_of

SEEDS = np.arange(4)
PAIRS = [(OpenLoopBattles, Battles, "3m"), (OpenLoopDrawnBattles, DrawnBattles, "zerg_5_vs_5")]


def last_allowed(avail_actions: np.ndarray) -> np.ndarray:
    """For every agent the last of its available actions, an attack where it can."""
    n_actions = avail_actions.shape[-1]
    return n_actions - 1 - np.argmax(avail_actions[..., ::-1], axis=-1)


@pytest.mark.parametrize(("blind", "seeing", "map_name"), PAIRS, ids=["smac", "smacv2"])
def test_only_what_agents_see_differs_from_the_game(blind, seeing, map_name):
    ours, theirs = blind(map_name=map_name), seeing(map_name=map_name)
    limit, ended = ours.spec.episode_limit, np.zeros(len(SEEDS), bool)
    shown, true = ours.reset(SEEDS), theirs.reset(SEEDS)
    time = np.zeros(len(SEEDS))
    while not ended.all():
        np.testing.assert_array_equal(shown.state, true.state)
        np.testing.assert_array_equal(shown.avail_actions, true.avail_actions)
        expected = np.broadcast_to((time / limit)[:, None, None], (len(SEEDS), ours.spec.n_agents, 1))
        np.testing.assert_allclose(shown.obs, expected, rtol=1e-6)
        actions = last_allowed(true.avail_actions)
        ours_next, theirs_next = ours.step(actions), theirs.step(actions)
        for name in ("reward", "terminated", "truncated"):
            np.testing.assert_array_equal(getattr(ours_next, name), getattr(theirs_next, name))
        for name in theirs.spec.metrics:
            np.testing.assert_array_equal(ours_next.info[name], theirs_next.info[name])
        time += ~ended
        ended |= ours_next.terminated | ours_next.truncated
        shown, true = ours_next.observation, theirs_next.observation


@pytest.mark.parametrize(("blind", "seeing", "map_name"), PAIRS, ids=["smac", "smacv2"])
def test_settings_are_those_of_the_game(blind, seeing, map_name):
    assert list(parameters_of(blind)) == list(inspect.signature(seeing).parameters)
    spec = blind(map_name=map_name).spec
    assert (spec.name, spec.obs_size) == (f"open_loop/skirmish/{map_name}", 1)


def test_the_time_of_an_episode_stops_when_it_ends():
    """Battles of one batch end at different times, and each keeps the time of its own end."""
    game = OpenLoopDrawnBattles(map_name="zerg_5_vs_5")
    seen, length, ended = game.reset(SEEDS), np.zeros(len(SEEDS)), np.zeros(len(SEEDS), bool)
    for _ in range(game.spec.episode_limit):
        step = game.step(last_allowed(seen.avail_actions))
        length += ~ended
        ended |= step.terminated | step.truncated
        seen = step.observation
    assert len(set(length)) > 1
    assert seen.obs[:, 0, 0].tolist() == pytest.approx((length / game.spec.episode_limit).tolist())


def test_any_game_can_be_played_so():
    game: Environment = OpenLoop(MatrixGame(payoff=[[1, 0], [0, 2]], stages=2))
    assert game.reset(SEEDS[:2]).obs.tolist() == [[[0.0], [0.0]]] * 2
    assert game.step(np.ones((2, 2), np.int64)).observation.obs.tolist() == [[[0.5], [0.5]]] * 2


def test_the_mask_alone_can_win_battles():
    """By a rule that sees nothing else: aim at the last enemy in reach, else walk east."""
    game = OpenLoopBattles(map_name="8m")
    rank = np.arange(game.spec.n_actions, dtype=float)
    rank[game.spec.action_names.index("east")] = 5.5  # below the attacks only, which begin at 6
    seen = game.reset(SEEDS)
    for _ in range(game.spec.episode_limit):
        step = game.step(np.where(seen.avail_actions, rank, -1).argmax(-1))
        seen = step.observation
    assert step.info["battle_won"].all()
