"""PettingZoo games behind the batched protocol: a scripted game for the rules, real ones for the truth."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pettingzoo", reason="the extra 'pettingzoo' is not installed")

from gymnasium import spaces
from hydra.utils import instantiate
from pettingzoo import ParallelEnv

import remix
from remix.envs.pettingzoo import PettingZoo
from remix.envs.seeds import fold
from remix.envs.spec import Environment
from remix.settings.errors import SettingError

HERE = __name__
REWARDS = {"walker": 1.0, "flyer": 2.0, "diver": 6.0}


class Scripted(ParallelEnv[str, Any, Any]):
    """Three unlike agents; the flyer dies in step 2, the others leave in step 4 as ``ending`` says."""

    def __init__(self, ending: str = "terminated", max_cycles: int | None = 10, tidy: bool = True) -> None:
        self.metadata = {"name": "scripted_v0"}
        self.possible_agents = list(REWARDS)
        self.ending, self.tidy = ending, tidy
        self.received: list[dict[str, int]] = []
        if max_cycles is not None:
            self.max_cycles = max_cycles

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        masked = {"observation": spaces.Box(-9, 9, (2, 2)), "action_mask": spaces.MultiBinary(4)}
        views = {"walker": spaces.Box(-9, 9, (3,)), "flyer": spaces.Dict(masked), "diver": spaces.Discrete(3)}
        return views[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        n, start = {"walker": (2, 0), "flyer": (4, 0), "diver": (3, 5)}[agent]
        return spaces.Discrete(n, start=start)

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        self.time, self.seed = 0, seed
        self.agents = list(self.possible_agents)
        return self.views(self.agents)

    def step(self, actions: dict[str, int]) -> tuple[Any, ...]:
        self.time += 1
        self.received.append(actions)
        players = list(actions)
        over = self.time == 4
        by_end = {"terminated": (over, False), "truncated": (False, over), "both": (over, over)}
        flags = {a: by_end.get(self.ending, (False, False)) for a in players}
        if over and self.ending == "mixed":
            flags |= {"walker": (True, False), "diver": (False, True)}
        if self.time == 2:
            flags["flyer"] = (True, False)
        if self.tidy:
            self.agents = [a for a in players if not any(flags[a])]
        observations, infos = self.views(players)
        rewards = {a: REWARDS[a] for a in players}
        terminated, truncated = ({a: flags[a][k] for a in players} for k in (0, 1))
        return observations, rewards, terminated, truncated, infos

    def views(self, agents: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        flyer_mask = np.array([0, 1, 0, 1], np.int8)
        flyer = {"observation": np.full((2, 2), self.time + 1.0), "action_mask": flyer_mask}
        all_views = {"walker": np.array([self.seed, self.time, 7.0]), "flyer": flyer, "diver": self.time % 3}
        diver_mask = np.array([self.time == 1, 0, self.time == 1], np.int8)
        infos = {"walker": {}, "flyer": {}, "diver": {"action_mask": diver_mask}}
        return {a: all_views[a] for a in agents}, {a: infos[a] for a in agents}


class Lights(Scripted):
    """All observations are zeros and ones, and there is a global state."""

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        return {
            "walker": spaces.MultiBinary(3),
            "flyer": spaces.Box(0, 1, (2,), np.int8),
            "diver": spaces.Discrete(3),
        }[agent]

    def views(self, agents: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        all_views = {"walker": np.array([1, 0, 1]), "flyer": np.array([0, 1]), "diver": 2}
        return {a: all_views[a] for a in agents}, {}

    def state(self) -> np.ndarray:
        return np.array([[self.time, 0.5]])


class Stateless(Lights):
    """Zeros and ones only, and no state."""

    def state(self) -> np.ndarray:
        raise NotImplementedError


def scripted(**options: Any) -> PettingZoo:
    return PettingZoo(f"{HERE}:Scripted", options)


def test_sizes_cover_the_largest_agent() -> None:
    env = scripted()
    assert isinstance(env, Environment)
    spec = env.spec
    assert (spec.n_agents, spec.n_actions, spec.obs_size, spec.state_size) == (3, 4, 4, 12)
    assert (spec.obs_dtype, spec.state_dtype, spec.episode_limit) == ("float32", "float32", 10)
    assert spec.name == f"pettingzoo/{HERE}:Scripted"


def test_observations_are_flattened_and_padded() -> None:
    obs, state, _ = scripted().reset(np.array([8, 9]))
    assert obs.shape == (2, 3, 4) and obs.dtype == np.float32
    np.testing.assert_array_equal(obs[1], [[9, 0, 7, 0], [1, 1, 1, 1], [1, 0, 0, 0]])
    np.testing.assert_array_equal(state, obs.reshape(2, 12))


def test_available_actions_come_from_space_dict_and_info() -> None:
    env = scripted()
    avail = env.reset(np.array([0])).avail_actions
    walker, flyer, diver = avail[0]
    assert avail.dtype == np.bool_
    np.testing.assert_array_equal(walker, [True, True, False, False])
    np.testing.assert_array_equal(flyer, [False, True, False, True])
    np.testing.assert_array_equal(diver, [True, False, False, False])  # all zeros: first action is left
    diver = env.step(np.array([[0, 1, 0]])).observation.avail_actions[0, 2]
    np.testing.assert_array_equal(diver, [True, False, True, False])


@pytest.mark.parametrize("tidy", [True, False], ids=["removes dead agents", "only flags them"])
def test_a_dead_agent_keeps_an_empty_place(tidy: bool) -> None:
    env = scripted(tidy=tidy)
    env.reset(np.array([5]))
    env.step(np.array([[1, 1, 2]]))
    dying = env.step(np.array([[1, 3, 0]]))
    after = env.step(np.array([[0, 0, 2]]))
    for obs, _, avail in (dying.observation, after.observation):
        assert not obs[0, 1].any()
        np.testing.assert_array_equal(avail[0, 1], [True, False, False, False])
        assert obs[0, 0].any() and not after.terminated[0]
    last = {"walker": 0, "diver": 7} if tidy else {"walker": 0, "flyer": 0, "diver": 7}
    both = [{"walker": 1, "flyer": 1, "diver": 7}, {"walker": 1, "flyer": 3, "diver": 5}]
    assert env._games[0].received == [*both, last]


def test_an_agent_that_has_left_is_not_paid_any_more() -> None:
    """The game itself goes on paying: it takes everybody in its list for a player."""
    env = PettingZoo(f"{HERE}:Scripted", {"tidy": False}, reward="sum")
    env.reset(np.array([0]))
    rewards = [float(env.step(np.zeros((1, 3), np.int64)).reward[0]) for _ in range(4)]
    assert rewards == [9, 9, 7, 7]


@pytest.mark.parametrize(("how", "alive", "two"), [("mean", 3.0, 7 / 3), ("sum", 9.0, 7.0)])
def test_team_reward(how: str, alive: float, two: float) -> None:
    env = PettingZoo(f"{HERE}:Scripted", reward=how)
    env.reset(np.array([0, 1]))
    rewards = [env.step(np.zeros((2, 3), np.int64)).reward for _ in range(5)]
    expected = [[reward] * 2 for reward in (alive, alive, two, two, 0)]
    np.testing.assert_allclose(rewards, expected, rtol=1e-6)
    assert rewards[0].dtype == np.float32


@pytest.mark.parametrize("how", ["mean", "sum"])
def test_every_agent_has_its_own_reward_whatever_the_team_gets(how: str) -> None:
    env = PettingZoo(f"{HERE}:Scripted", {"tidy": False}, reward=how)
    assert env.spec.individual_rewards
    env.reset(np.array([0, 1]))
    steps = [env.step(np.zeros((2, 3), np.int64)).individual_rewards for _ in range(5)]
    assert steps[0] is not None and steps[0].dtype == np.float32
    paid, two = [1, 2, 6], [1, 0, 6]  # the flyer dies in step 2
    assert [step[1].tolist() for step in steps if step is not None] == [paid, paid, two, two, [0, 0, 0]]


@pytest.mark.parametrize("tidy", [True, False])
@pytest.mark.parametrize(
    ("ending", "terminated", "truncated"),
    [
        ("terminated", True, False),
        ("truncated", False, True),
        ("both", True, False),
        ("mixed", False, True),
    ],
)
def test_how_an_episode_ends(ending: str, terminated: bool, truncated: bool, tidy: bool) -> None:
    env = scripted(ending=ending, tidy=tidy)
    env.reset(np.array([3]))
    for _ in range(3):
        step = env.step(np.zeros((1, 3), np.int64))
        assert not step.terminated[0] and not step.truncated[0]
    last = env.step(np.zeros((1, 3), np.int64))
    assert (last.terminated[0], last.truncated[0]) == (terminated, truncated)
    # A cut agent shows its last view for the bootstrap; a dead one shows nothing.
    walker, flyer, diver = last.observation.obs[0]
    assert walker.any() == (ending == "truncated")
    assert diver.any() == truncated
    assert not flyer.any()


def test_a_finished_episode_stays_as_it_is() -> None:
    env = scripted(ending="truncated")
    env.reset(np.array([3]))
    for _ in range(4):
        last = env.step(np.zeros((1, 3), np.int64))
    before = [array.copy() for array in last.observation]
    after = env.step(np.zeros((1, 3), np.int64))
    assert after.reward[0] == 0 and not after.terminated[0] and not after.truncated[0]
    for old, new in zip(before, after.observation, strict=True):
        np.testing.assert_array_equal(old, new)
    assert len(env._games[0].received) == 4


@pytest.mark.parametrize("actions", [[2, 0, 0], [0, 0, -1]])
def test_actions_that_an_agent_does_not_have_are_errors(actions: list[int]) -> None:
    env = scripted()
    env.reset(np.array([0]))
    with pytest.raises(ValueError, match=r"between 0 and \[1, 3, 2\]"):
        env.step(np.array([actions]))


def test_the_episode_limit_truncates() -> None:
    env = PettingZoo(f"{HERE}:Scripted", episode_limit=3)
    assert env.spec.episode_limit == 3
    env.reset(np.array([3]))
    steps = [env.step(np.zeros((1, 3), np.int64)) for _ in range(3)]
    assert [bool(step.truncated[0]) for step in steps] == [False, False, True]
    assert not steps[-1].terminated[0]
    np.testing.assert_array_equal(steps[-1].observation.obs[0, 0], [3, 3, 7, 0])


def test_an_end_at_the_limit_is_a_true_end() -> None:
    env = PettingZoo(f"{HERE}:Scripted", episode_limit=4)
    env.reset(np.array([3]))
    for _ in range(4):
        last = env.step(np.zeros((1, 3), np.int64))
    assert last.terminated[0] and not last.truncated[0]


def test_binary_features_are_bool() -> None:
    env = PettingZoo(f"{HERE}:Stateless")
    assert (env.spec.obs_dtype, env.spec.state_dtype) == ("bool", "bool")
    obs, state, _ = env.reset(np.array([0]))
    assert obs.dtype == state.dtype == np.bool_
    np.testing.assert_array_equal(obs[0].astype(int), [[1, 0, 1], [0, 1, 0], [0, 0, 1]])


class Camera(Scripted):
    """Sees pixels, of which the flyer has fewer."""

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        return spaces.Box(0, 255, (2, 1 if agent == "flyer" else 2, 3), np.uint8)

    def views(self, agents: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        spaces_of = {agent: self.observation_space(agent) for agent in agents}
        return {a: np.full(space.shape, 250 + self.time, np.uint8) for a, space in spaces_of.items()}, {}


def test_pixels_stay_bytes_and_the_state_is_they() -> None:
    spec = (env := PettingZoo(f"{HERE}:Camera")).spec
    assert (spec.obs_dtype, spec.state_dtype, spec.state_from_obs) == ("uint8", "uint8", True)
    assert (spec.obs_size, spec.state_size) == (12, 36)
    env.reset(np.array([0, 1]))
    obs, state, _ = env.step(np.zeros((2, 3), np.int64)).observation
    assert obs.dtype == state.dtype == np.uint8
    np.testing.assert_array_equal(obs[1], [[251] * 12, [251] * 6 + [0] * 6, [251] * 12])
    np.testing.assert_array_equal(state, obs.reshape(2, 36))


def test_the_games_own_state_is_preferred() -> None:
    env = PettingZoo(f"{HERE}:Lights")
    assert (env.spec.state_size, env.spec.state_dtype) == (2, "float32")
    env.reset(np.array([0]))
    np.testing.assert_array_equal(env.step(np.zeros((1, 3), np.int64)).observation.state, [[1, 0.5]])


def test_large_seeds_are_folded_and_small_ones_kept() -> None:
    assert fold(7) == 7 and fold(2**32 - 1) == 2**32 - 1
    folded = {fold((run << 32) + episode) for run in (0, 1) for episode in (2, 3, 4)}
    assert max(folded) < 2**32 and fold(2**62 + 1) < 2**32
    env = scripted()
    env.reset(np.array([2**62 + 1]))
    assert env._games[0].seed == fold(2**62 + 1)


def make_continuous(**_: Any) -> ParallelEnv[str, Any, Any]:
    game = Scripted()
    game.action_space = lambda agent: spaces.Box(-1, 1, (2,))  # type: ignore[method-assign]
    return game


def make_nothing() -> object:
    return object()


@pytest.mark.parametrize(
    ("arguments", "setting", "words"),
    [
        ({"id": f"{HERE}:make_continuous"}, "id", "discrete actions, but walker has Box"),
        ({"id": f"{HERE}:make_nothing"}, "id", "must make a pettingzoo.ParallelEnv"),
        ({"id": f"{HERE}:absent"}, "id", "no function absent"),
        ({"id": HERE}, "id", "no function parallel_env"),
        ({"id": "package_that_is_not_there.game"}, "id", "there is no module package_that_is_not_there in"),
        ({"id": "pettingzoo.butterfly.knights_archers_zombies_v1"}, "id", "one of knights_archers_zombies_v"),
        ({"id": "pettingzoo.mpe.simple_spread_v3"}, "id", "pip install mpe2"),
        ({"id": f"{HERE}:Scripted", "options": {"speed": 3}}, "options.speed", "not accepted"),
        ({"id": f"{HERE}:Scripted", "reward": "maen"}, "reward", "one of mean"),
        ({"id": f"{HERE}:Scripted", "episode_limit": 0}, "episode_limit", "whole number of at least 1"),
        ({"id": f"{HERE}:Scripted", "episode_limit": 11}, "episode_limit", "at most options.max_cycles=10"),
        ({"id": f"{HERE}:Scripted", "options": {"max_cycles": None}}, "episode_limit", "must be given"),
    ],
)
def test_mistakes_are_named(arguments: dict[str, Any], setting: str, words: str) -> None:
    with pytest.raises(SettingError) as caught:
        PettingZoo(**arguments)
    assert caught.value.setting == setting
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_without_the_extra_the_error_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['gymnasium'] = sys.modules['pettingzoo'] = None\n"
        "import remix.envs.pettingzoo\n"
        "try: remix.envs.pettingzoo.PettingZoo('mpe2.simple_spread_v3')\n"
        "except remix.envs.pettingzoo.SettingError as error: print(error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "remix-marl[pettingzoo]"' in out.stdout


def test_pictures_need_a_render_mode() -> None:
    env = scripted()
    env.reset(np.array([0]))
    with pytest.raises(SettingError, match=r"options\.render_mode=None: must be rgb_array"):
        env.render()


# Real games


@pytest.fixture(scope="module", autouse=True)
def headless() -> None:
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")


def play(env: PettingZoo, seeds: list[int]) -> dict[str, np.ndarray]:
    """Whole episodes; the actions of an episode depend on its seed alone. Arrays ``[T, E, ...]``."""
    streams = [np.random.default_rng(seed) for seed in seeds]
    observation = env.reset(np.array(seeds))
    record: dict[str, list[Any]] = {name: [] for name in ("obs", "state", "reward", "alive")}
    running = np.ones(len(seeds), bool)
    while running.any():
        draws = np.array([stream.random((env.spec.n_agents, env.spec.n_actions)) for stream in streams])
        step = env.step((draws * observation.avail_actions).argmax(-1))
        observation = step.observation
        assert observation.avail_actions.any(-1).all()
        assert not (step.terminated & step.truncated).any()
        record["obs"].append(observation.obs.copy())
        record["state"].append(observation.state.copy())
        record["reward"].append(step.reward)
        record["alive"].append(observation.avail_actions[..., 1:].any(axis=-1))
        running &= ~(step.terminated | step.truncated)
    return {name: np.stack(rows) for name, rows in record.items()}


def test_simple_spread_equals_the_raw_game() -> None:
    module = pytest.importorskip("mpe2.simple_spread_v3", reason="mpe2 is not installed")
    env = PettingZoo("mpe2.simple_spread_v3")
    assert (env.spec.n_agents, env.spec.n_actions, env.spec.obs_size, env.spec.state_size) == (3, 5, 18, 54)
    assert env.spec.episode_limit == 25

    seed, game, stream = 11, module.parallel_env(), np.random.default_rng(0)
    views, _ = game.reset(seed=seed)
    obs = env.reset(np.array([seed, 12])).obs
    np.testing.assert_array_equal(obs[0], np.stack(list(views.values())))
    for time in range(25):
        actions = stream.integers(5, size=(2, 3))
        views, rewards, *_ = game.step(dict(zip(game.agents, actions[0].tolist(), strict=True)))
        step = env.step(actions)
        np.testing.assert_array_equal(step.observation.obs[0], np.stack(list(views.values())))
        np.testing.assert_array_equal(step.observation.state[0], game.state())
        assert step.reward[0] == pytest.approx(np.mean(list(rewards.values())), rel=1e-6)
        assert bool(step.truncated[0]) == (time == 24) and not step.terminated[0]


def test_the_configuration_makes_a_game() -> None:
    pytest.importorskip("mpe2", reason="mpe2 is not installed")
    words = "env=pettingzoo", "env.id=mpe2.simple_spread_v3", "+env.options={max_cycles: 9, N: 4}"
    env = instantiate(remix.compose(*words).env)
    assert (env.spec.n_agents, env.spec.episode_limit) == (4, 9)
    env.reset(np.array([0]))
    assert env.render().ndim == 3


def test_an_episode_does_not_depend_on_its_batch() -> None:
    pytest.importorskip("mpe2", reason="mpe2 is not installed")
    env = PettingZoo("mpe2.simple_spread_v3", {"max_cycles": 8})
    batch = play(env, [1, 2, 3])
    alone = play(env, [3])
    for name in batch:
        np.testing.assert_array_equal(batch[name][:, 2], alone[name][:, 0])
    assert not np.array_equal(batch["obs"][:, 0], batch["obs"][:, 1])


def test_speaker_and_listener_differ_in_sizes() -> None:
    pytest.importorskip("mpe2", reason="mpe2 is not installed")
    env = PettingZoo("mpe2.simple_speaker_listener_v4", {"max_cycles": 5})
    assert (env.spec.n_actions, env.spec.obs_size, env.spec.state_size) == (5, 11, 14)
    obs, _, avail = env.reset(np.array([0]))
    np.testing.assert_array_equal(avail[0].sum(-1), [3, 5])
    assert not obs[0, 0, 3:].any() and obs[0, 1, 3:].any()
    assert len(play(env, [0, 1])["reward"]) == 5


def test_continuous_actions_are_refused() -> None:
    pytest.importorskip("mpe2", reason="mpe2 is not installed")
    with pytest.raises(SettingError, match=r"simple_spread_v3.*continuous action spaces are out of scope"):
        PettingZoo("mpe2.simple_spread_v3", {"continuous_actions": True})


def test_a_picture_of_one_episode() -> None:
    pytest.importorskip("mpe2", reason="mpe2 is not installed")
    env = PettingZoo("mpe2.simple_spread_v3", {"render_mode": "rgb_array"})
    env.reset(np.array([0, 1]))
    first, second = env.render(0), env.render(1)
    assert first.dtype == np.uint8 and first.ndim == 3 and first.shape[2] == 3
    assert not np.array_equal(first, second)
    env.close()
    env.close()


def test_archers_and_knights_really_die() -> None:
    id = "pettingzoo.butterfly.knights_archers_zombies_v11"
    pytest.importorskip(id, reason="pygame or this version of the game is not installed")
    env = PettingZoo(id, {"spawn_delay": 1, "max_zombies": 40})
    record = play(env, [1, 2])
    alive, obs = record["alive"], record["obs"]
    dies = alive[:-1] & ~alive[1:]
    partly = alive.any(-1) & ~alive.all(-1)
    assert dies.any() and partly.any()
    assert not (~alive[:-1] & alive[1:]).any()
    assert not obs[~alive].any()
    assert obs[alive].any(-1).all()


def test_says_what_its_settings_make_it_import():
    assert PettingZoo.imports({"id": "a.b"}) == {"id": ("a.b", "parallel_env")}
    assert PettingZoo.imports({"id": "a.b:make", "options": {}}) == {"id": ("a.b", "make")}
    assert PettingZoo.imports({}) == {}
