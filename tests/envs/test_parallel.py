"""Environments as PettingZoo games: PettingZoo's own test, and there and back again."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("pettingzoo", reason="the extra 'pettingzoo' is not installed")

from gymnasium import spaces
from pettingzoo.test import parallel_api_test, parallel_seed_test

from remix.envs.games import BranchChain, GeneralSumGame, MatrixGame, PenaltyGame, TwoStepGame
from remix.envs.parallel import ParallelEnvironment
from remix.envs.pettingzoo import PettingZoo
from remix.envs.predator_prey import PredatorPrey
from remix.envs.spec import Environment, EnvSpec, Observation, Step


class Counter(Environment):
    """Two agents; the second is out of play after the first step. Ends at time 3 or by both saying 1."""

    def __init__(self) -> None:
        self.spec = EnvSpec(
            name="counter",
            n_agents=2,
            n_actions=3,
            obs_size=2,
            state_size=1,
            episode_limit=3,
            state_dtype="uint8",
            metrics=("ones",),
        )
        self.closed = 0

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        self.obs = np.zeros((len(seeds), 2, 2), np.float32)
        self.obs[:, 0, 1] = seeds % 1000
        self.time = np.zeros((len(seeds), 1), np.uint8)
        self.view = Observation(self.obs, self.time, np.ones((len(seeds), 2, 3), np.bool_))
        self.ones = np.zeros(len(seeds), np.float32)
        return self.view

    def step(self, actions: NDArray[np.integer]) -> Step:
        self.obs[:, :, 0] += 1
        self.time += 1
        self.view.avail_actions[:, 1, 1:] = False
        self.ones += (actions == 1).sum(1)
        terminated = (actions == 1).all(1)
        truncated = (self.time[:, 0] == 3) & ~terminated
        return Step(self.view, self.ones.copy(), terminated, truncated, {"ones": self.ones})

    def render(self, index: int = 0) -> NDArray[np.uint8]:
        return np.full((4, 5, 3), self.time[index], np.uint8)

    def close(self) -> None:
        self.closed += 1


def small_hunt() -> PredatorPrey:
    """Catches are likely, so that agents leave the game before its end."""
    return PredatorPrey(n_agents=3, n_stags=1, n_hares=2, world_shape=(3, 3), episode_limit=15)


ENVIRONMENTS: list[Callable[[], Environment]] = [
    Counter,
    small_hunt,
    PenaltyGame,
    TwoStepGame,
    BranchChain,
    lambda: MatrixGame([[1, 2, 3], [4, 5, 6]]),
    lambda: GeneralSumGame([[[0, -1], [2, 1]], [[5, 1], [-2, -1]]], stages=2),
]
NAMES = ["counter", "predator_prey", "penalty", "two_step", "branch_chain", "unequal_actions", "general_sum"]
every_environment = pytest.mark.parametrize("make", ENVIRONMENTS, ids=NAMES)


@every_environment
def test_pettingzoo_accepts_it(make: Callable[[], Environment]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(ParallelEnvironment(make()), num_cycles=50)


@every_environment
def test_the_same_seed_gives_the_same_episode(make: Callable[[], Environment]) -> None:
    parallel_seed_test(lambda: ParallelEnvironment(make()), num_cycles=20)


@every_environment
def test_views_and_state_lie_in_their_spaces(make: Callable[[], Environment]) -> None:
    game = ParallelEnvironment(make())
    views, _ = game.reset(seed=1)
    while game.agents:
        for agent, view in views.items():
            assert game.observation_space(agent).contains(view)
        assert game.state_space.contains(game.state())
        views, *_ = game.step({agent: choose(game, agent, views) for agent in game.agents})


def choose(game: ParallelEnvironment, agent: str, views: dict[str, Any]) -> int:
    return int(game.action_space(agent).sample(mask=views[agent]["action_mask"]))


@every_environment
def test_there_and_back_again(make: Callable[[], Environment], monkeypatch: pytest.MonkeyPatch) -> None:
    plain = make()
    monkeypatch.setitem(globals(), "wrapped", lambda: ParallelEnvironment(make()))
    back = PettingZoo(f"{__name__}:wrapped", episode_limit=plain.spec.episode_limit)
    assert back.spec.obs_dtype == plain.spec.obs_dtype
    assert (back.spec.n_agents, back.spec.n_actions) == (plain.spec.n_agents, plain.spec.n_actions)

    seeds, stream = np.array([4, 5, 6, 7]), np.random.default_rng(0)
    expected, seen = plain.reset(seeds), back.reset(seeds)
    running = np.ones(4, bool)
    while running.any():
        np.testing.assert_array_equal(seen.obs[running], expected.obs[running])
        np.testing.assert_array_equal(seen.state[running], expected.state[running])
        np.testing.assert_array_equal(seen.avail_actions[running], expected.avail_actions[running])
        actions = (stream.random(expected.avail_actions.shape) * expected.avail_actions).argmax(-1)
        one, two = plain.step(actions), back.step(actions)
        expected, seen = one.observation, two.observation
        np.testing.assert_allclose(two.reward[running], one.reward[running], rtol=1e-6)
        paid = one.individual_rewards
        own = one.reward[:, None].repeat(plain.spec.n_agents, axis=1) if paid is None else paid
        assert two.individual_rewards is not None
        np.testing.assert_array_equal(two.individual_rewards[running], own[running])
        np.testing.assert_array_equal(two.terminated[running], one.terminated[running])
        np.testing.assert_array_equal(two.truncated[running], one.truncated[running])
        running &= ~(one.terminated | one.truncated)


def test_spaces() -> None:
    game = ParallelEnvironment(Counter())
    assert game.possible_agents == ["agent_0", "agent_1"]
    view = game.observation_space("agent_1")
    assert view["observation"] == spaces.Box(-np.inf, np.inf, (2,), np.float32)
    assert view["action_mask"] == spaces.MultiBinary(3)
    assert game.action_space("agent_0") == spaces.Discrete(3)
    assert game.state_space == spaces.Box(0, 255, (1,), np.uint8)
    assert game.action_space("agent_0") is not game.action_space("agent_1")
    binary = ParallelEnvironment(small_hunt()).observation_space("agent_0")
    assert binary["observation"] == spaces.MultiBinary(75)


def test_everybody_plays_to_the_end_and_shares_the_reward() -> None:
    game = ParallelEnvironment(Counter())
    game.reset(seed=0)
    both = game.possible_agents
    views, rewards, terminated, truncated, infos = game.step({"agent_0": 1, "agent_1": 0})
    assert game.agents == both
    assert rewards == dict.fromkeys(both, 1.0) and infos == {agent: {"ones": 1.0} for agent in both}
    np.testing.assert_array_equal(views["agent_1"]["action_mask"], [1, 0, 0])
    assert not any(terminated.values()) and not any(truncated.values())

    _, rewards, terminated, truncated, _ = game.step({"agent_0": 1, "agent_1": 1})
    assert rewards == dict.fromkeys(both, 3.0) and all(terminated.values()) and not any(truncated.values())
    assert game.agents == []
    with pytest.raises(RuntimeError, match="reset"):
        game.step({"agent_0": 0, "agent_1": 0})


def test_the_episode_limit_truncates_everybody() -> None:
    game = ParallelEnvironment(Counter())
    game.reset()
    for _ in range(3):
        *_, terminated, truncated, _ = game.step({"agent_0": 0, "agent_1": 0})
    assert all(truncated.values()) and not any(terminated.values()) and game.agents == []


def test_views_are_kept_when_the_environment_goes_on() -> None:
    game = ParallelEnvironment(Counter())
    views, _ = game.reset(seed=3)
    state = game.state()
    game.step({"agent_0": 0, "agent_1": 0})
    np.testing.assert_array_equal(views["agent_0"]["observation"], [0, 3])
    assert state[0] == 0 and game.state()[0] == 1


def test_resets_without_a_seed_go_on_from_the_last_one() -> None:
    def episodes(game: ParallelEnvironment) -> list[float]:
        seeds = [8, None, None]
        return [float(game.reset(seed=seed)[0]["agent_0"]["observation"][1]) for seed in seeds]

    first, second = episodes(ParallelEnvironment(Counter())), episodes(ParallelEnvironment(Counter()))
    assert first == second and len(set(first)) == 3


def test_unavailable_actions_are_left_to_the_environment() -> None:
    game = ParallelEnvironment(small_hunt())
    stream = np.random.default_rng(0)
    game.reset(seed=0)
    while game.agents:
        game.step({agent: int(stream.integers(6)) for agent in game.agents})


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        ({"agent_0": 0}, "one for each of ['agent_0', 'agent_1'], not {'agent_0': 0}"),
        ({"agent_0": 0, "agent_1": 0, "agent_2": 0}, "actions must be one for each of"),
        ([0, 0], "actions must be one for each of"),
        (
            {"agent_0": 0, "agent_1": None},
            "action of agent_1 must be a whole number between 0 and 2, not None",
        ),
        ({"agent_0": 3, "agent_1": 0}, "action of agent_0 must be a whole number between 0 and 2, not 3"),
        ({"agent_0": 0, "agent_1": -1}, "between 0 and 2, not -1"),
        ({"agent_0": 0, "agent_1": 1.0}, "between 0 and 2, not 1.0"),
        ({"agent_0": 0, "agent_1": 2**70}, "between 0 and 2, not 1180591620717411303424"),
        ({"agent_0": 0, "agent_1": np.array([1, 2])}, "between 0 and 2, not array([1, 2])"),
    ],
)
def test_wrong_actions_are_one_clear_error(actions: Any, words: str) -> None:
    game = ParallelEnvironment(Counter())
    game.reset(seed=0)
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        game.step(actions)
    assert "\n" not in str(caught.value)
    right: Any = {"agent_0": np.int64(0), "agent_1": np.array(1)}
    game.step(right)


def test_pictures_and_closing() -> None:
    environment = Counter()
    game = ParallelEnvironment(environment)
    game.reset()
    game.step({"agent_0": 0, "agent_1": 0})
    assert game.render_mode == "rgb_array" and game.metadata["render_modes"] == ["rgb_array"]
    np.testing.assert_array_equal(game.render(), np.ones((4, 5, 3), np.uint8))
    game.close()
    assert environment.closed == 1
