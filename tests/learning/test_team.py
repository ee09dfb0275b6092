"""A policy in a loop of one's own does what it does in the workers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("pettingzoo", reason="the extra 'pettingzoo' is not installed")

from remix.envs.parallel import ParallelEnvironment
from remix.envs.predator_prey import PredatorPrey
from remix.envs.spec import Environment
from remix.learning.policy import Policy, StochasticPolicy
from remix.learning.team import Team, slots_of
from remix.learning.workers.rollout import rollout
from remix.settings.errors import InvalidOutput, SettingError
from tests.envs.test_pettingzoo import Scripted, scripted


def hunt() -> Environment:
    return PredatorPrey(n_agents=3, n_stags=2, world_shape=(4, 4), episode_limit=15)


def own_loop(game: Any, team: Team, seed: int) -> list[dict[Any, Any]]:
    observations, infos = game.reset(seed=seed)
    team.reset(seed)
    played = []
    while game.agents:
        seen = {agent: observations[agent] for agent in game.agents}
        played.append(team.act(seen, infos))
        observations, _, _, _, infos = game.step(played[-1])
    return played


@pytest.mark.parametrize("exploration", [None, 0.3])
@pytest.mark.parametrize("kind", [Policy, StochasticPolicy])
def test_it_plays_as_workers_do(kind: type[Policy], exploration: float | None):
    torch.manual_seed(3)
    policy = kind(hunt().spec)
    [episode] = rollout(hunt(), policy, np.array([5]), exploration)
    team = Team(policy, hunt().spec, lambda: slots_of(hunt()), exploration)
    played = own_loop(ParallelEnvironment(hunt()), team, 5)
    assert [list(actions.values()) for actions in played] == episode.actions.tolist()
    team.reset(5)
    for t, actions in enumerate(episode.actions):
        assert team.act(episode.obs[t], episode.avail_actions[t]).tolist() == actions.tolist()


def test_it_plays_a_game_of_pettingzoo_as_workers_do():
    """Actions start elsewhere than at 0, masks stand here and there, the flyer leaves first."""
    policy = Policy(scripted().spec)
    [episode] = rollout(scripted(), policy, np.array([5]), exploration=None)
    game = Scripted()
    own_loop(game, Team(policy, scripted().spec, lambda: slots_of(scripted())), 5)
    assert [list(actions) for actions in game.received] == [
        ["walker", "flyer", "diver"], ["walker", "flyer", "diver"], ["walker", "diver"], ["walker", "diver"]
    ]  # fmt: skip
    slots = slots_of(scripted())
    for actions, expected in zip(game.received, episode.actions, strict=True):
        for slot, action in zip(slots, expected, strict=True):
            assert actions.get(slot.agent, slot.action(action)) == slot.action(action)


@pytest.mark.parametrize(
    ("observations", "infos", "problem"),
    [
        ({"agent_9": {}}, None, "observations has 'agent_9'; must be one of agent_"),
        ({"agent_0": {"observation": [0.0], "action_mask": [1] * 6}}, None, "observation"),
        (np.zeros((2, 3)), None, r"observations has shape \[2, 3\], must be \[3, "),
        (np.zeros((3, hunt().spec.obs_size)), np.ones((3, 2)), r"infos has shape \[3, 2\], must be \[3, 6\]"),
        (np.full((3, hunt().spec.obs_size), 0.5), None, "observations has 0.5, must be of the type bool"),
        ([["north"] * hunt().spec.obs_size] * 3, None, "observations must be an array of numbers, not "),
        (np.zeros((3, hunt().spec.obs_size)), [[0, -np.inf] * 3] * 3, "infos has -inf, must be of the type"),
        (np.zeros((3, hunt().spec.obs_size)), [[0] * 6] * 3, "infos leaves an agent without any action"),
    ],
)
def test_what_does_not_fit_is_said_in_a_line(observations: Any, infos: Any, problem: str):
    team = Team(Policy(hunt().spec), hunt().spec, lambda: slots_of(hunt()))
    with pytest.raises(InvalidOutput, match=problem) as caught:
        team.act(observations, infos)
    assert "\n" not in str(caught.value)


def test_numbers_that_single_precision_cannot_hold_are_refused():
    game = scripted()
    team, shape = Team(Policy(game.spec), game.spec, lambda: slots_of(game)), (3, game.spec.obs_size)
    assert game.spec.obs_dtype == "float32"
    for number in (np.nan, 1e300):
        with pytest.raises(InvalidOutput, match=re.escape(f"observations has {number}, must be finite")):
            team.act(np.full(shape, number))
    assert team.act(np.full(shape, 0.1)).shape == (3,)


@pytest.mark.parametrize("exploration", [-0.1, 1.5, float("nan")])
def test_an_exploration_that_is_no_share_is_refused(exploration: float):
    with pytest.raises(SettingError, match=r"exploration=.*: must be a number between 0 and 1"):
        Team(Policy(hunt().spec), hunt().spec, lambda: slots_of(hunt()), exploration)
