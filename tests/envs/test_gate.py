"""Whatever a game returns, raises or forgets: one line that says what, or nothing of it gets through."""

import pickle
import warnings
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from remix.envs.games import BranchChain
from remix.envs.gate import Gate, behind_gate
from remix.envs.predator_prey import PredatorPrey
from remix.envs.spec import Environment, EnvSpec, Observation, Step
from remix.settings.errors import GameError, InvalidOutput, SettingError
from tests.envs.broken import OUTPUTS, Sound

SEEDS = np.arange(2)
ACTIONS = np.zeros((2, 2), np.int64)


def play(game, steps=2):
    """Everything that comes through, until it ends."""
    game.reset(SEEDS)
    return [game.step(ACTIONS) for _ in range(steps)][-1]


def test_what_is_sound_comes_through():
    game, alone = Gate(Sound()), Sound()
    for seen, expected in zip(game.reset(SEEDS), alone.reset(SEEDS), strict=True):
        np.testing.assert_array_equal(seen, expected)
    for _ in range(4):
        step, expected_step = game.step(ACTIONS), alone.step(ACTIONS.copy())
        for seen, expected in zip(step.observation, expected_step.observation, strict=True):
            np.testing.assert_array_equal(seen, expected)
        for seen, expected in zip(step[1:4], expected_step[1:4], strict=True):
            np.testing.assert_array_equal(seen, expected)
        np.testing.assert_array_equal(step.individual_rewards, expected_step.individual_rewards)
        assert step.info["wins"][0] == expected_step.info["wins"][0]
    assert step.terminated.all() and not ACTIONS.any()


@pytest.mark.parametrize("fault", OUTPUTS)
def test_every_fault_is_one_line_that_names_it(fault):
    with pytest.raises(InvalidOutput) as caught:
        play(Gate(Sound(fault)))
    [line] = str(caught.value).splitlines()
    assert line.startswith("broken, step 2") and len(line) < 300
    fields = [word for word in fault.split() if word in (*Observation._fields, *Step._fields)]
    assert (fields or ["step"])[0] in line


def test_the_agent_is_named():
    with pytest.raises(InvalidOutput, match=r"^broken, step 2, agent 1: obs holds nan"):
        play(Gate(Sound("obs of an agent that is nan")))
    names = ("scout", "medic")
    with pytest.raises(InvalidOutput, match=r"^broken, step 2, agent medic: avail_actions leaves no action"):
        play(Gate(Sound("avail_actions without a choice", agent_names=names)))
    with pytest.raises(InvalidOutput, match=r"^broken, step 2, agent medic: individual_rewards holds nan"):
        play(Gate(Sound("individual_rewards of an agent that are nan", agent_names=names)))


def test_individual_rewards_that_are_not_declared_are_not_dropped():
    with pytest.raises(InvalidOutput, match=r"step 1: individual_rewards is .*, must be None while spec\."):
        play(Gate(Sound(individual_rewards=False)))


class FromTheStart(Sound):
    """Returns in ``reset`` what the other does in its second step."""

    def reset(self, seeds):
        super().reset(seeds)
        self.t = 1
        return self.step(ACTIONS.copy()).observation


@pytest.mark.parametrize("fault", [f for f in OUTPUTS if f.split()[0] in Observation._fields])
def test_faults_of_the_first_observation(fault):
    with pytest.raises(InvalidOutput, match=r"^broken, step 0"):
        Gate(FromTheStart(fault)).reset(SEEDS)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_numbers_must_be_finite_where_networks_compute(value):
    class Precise(Sound):
        def _observation(self):
            observation = super()._observation()
            observation.obs[1, 1, 3] = value
            return observation

    with pytest.raises(
        InvalidOutput, match=r"step 0, agent 1: obs holds .*, must hold numbers finite as float32"
    ):
        Gate(Precise(obs_dtype="float64")).reset(SEEDS)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int32", "int64", "float32", "float64"])
def test_declared_types_come_through(dtype):
    step = play(Gate(Sound(obs_dtype=dtype, state_dtype=dtype)))
    assert step.observation.obs.dtype == step.observation.state.dtype == dtype


def test_bits_are_bits():
    """Memory that nobody has filled makes other bytes, and compiled code takes them for other things."""

    class Unfilled(Sound):
        def _observation(self):
            observation = super()._observation()
            observation.state.view(np.uint8)[0, 3] = 63
            return observation

    with pytest.raises(InvalidOutput, match="step 0: state holds 63"):
        Gate(Unfilled(state_dtype="bool")).reset(SEEDS)


@pytest.mark.parametrize(
    "layout",
    [np.asfortranarray, lambda array: array[::-1], lambda array: np.broadcast_to(array[:1], array.shape)],
    ids=["columns", "backwards", "repeated"],
)
def test_arrays_may_lie_in_memory_as_they_like(layout):
    class Laid(Sound):
        def _observation(self):
            return Observation(*map(layout, super()._observation()))

        def step(self, actions):
            step = super().step(actions)
            reward, terminated, truncated = map(layout, step[1:4])
            individual_rewards = layout(step.individual_rewards)
            return Step(step.observation, reward, terminated, truncated, step.info, individual_rewards)

    step = play(Gate(Laid()), steps=4)
    assert all(array.flags.carray for array in (*step.observation, step.reward)) and step.terminated.all()


class Kept(Sound):
    """Returns the same buffers again and again, and fails in the third step."""

    def reset(self, seeds):
        observation = super().reset(seeds)
        terminated, truncated = np.zeros((2, 2), np.bool_)
        reward, info = np.zeros(2, np.float32), {"wins": np.zeros(2, np.float32)}
        self.own = np.zeros((2, 2), np.float32)
        self.same = Step(observation, reward, terminated, truncated, info, self.own)
        return observation

    def step(self, actions):
        self.t += 1
        if self.t == 3:
            self.fill()
        return self.same

    def fill(self):
        self.same.observation.obs[1, 0, 0] = np.nan


def test_buffers_that_come_again_are_looked_at_again():
    game = Gate(Kept())
    play(game)
    with pytest.raises(InvalidOutput, match="step 3, agent 0: obs holds nan"):
        game.step(ACTIONS)


def test_an_endless_episode_is_cut():
    class Endless(Kept):
        def fill(self):
            """Nothing happens."""

    game = Gate(Endless())
    assert not play(game, steps=3).truncated.any()
    step = game.step(ACTIONS)
    assert step.truncated.all() and not step.terminated.any()


def test_an_end_at_the_limit_is_an_end():
    step = play(Gate(Sound()), steps=4)
    assert step.terminated.all() and not step.truncated.any()


def test_nobody_looks_at_an_episode_that_has_ended():
    """It may say what it likes: it does not come back, nor end again."""

    class Ghost(Kept):
        def step(self, actions):
            super().step(actions)
            same = self.same
            same.terminated[:] = [self.t == 1, self.t == 3]
            if self.t > 1:
                same.observation.obs[0], same.observation.avail_actions[0] = np.nan, False
                same.reward[0], same.terminated[0], same.truncated[0] = np.inf, True, True
                same.info["wins"][0] = self.own[0, 1] = np.nan
            return same

        def fill(self):
            """Nothing more."""

    game = Gate(Ghost())
    game.reset(SEEDS)
    flags = [(step.terminated.tolist(), step.truncated.tolist()) for step in map(game.step, [ACTIONS] * 4)]
    off = [False, False]
    assert flags == [([True, False], off), (off, off), ([False, True], off), (off, off)]


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("raise", "broken: step 2 raised RuntimeError: simulator lost"),
        ("exit", "broken: step 2 raised SystemExit: 0"),
        ("odd", "broken: step 2 raised Odd"),
        ("reset", "broken: reset raised KeyError: 'map'"),
    ],
)
def test_exceptions_of_the_game(fault, line):
    with pytest.raises(GameError) as caught:
        play(Gate(Sound(fault)))
    error = pickle.loads(pickle.dumps(caught.value))
    assert str(error) == line
    assert "tests/envs/broken.py" in error.details and "envs/gate.py" not in error.details
    assert len(error.details.splitlines()) < 12


def test_what_is_for_the_user_already_passes():
    for error in (SettingError("speed", 0, "must be positive"), GameError("lost"), KeyboardInterrupt()):

        class Raising(Sound):
            def reset(self, seeds, error=error):
                raise error

        with pytest.raises(type(error)) as caught:
            Gate(Raising()).reset(SEEDS)
        assert caught.value is error


def test_games_that_cannot_be_built():
    with pytest.raises(GameError, match=r"^tests\.envs\.broken\.Sound: its constructor raised .*simulator$"):
        behind_gate(partial(Sound, "constructor"))
    with pytest.raises(InvalidOutput, match=r"builtins\.dict: it must be a remix.envs.spec.Environment"):
        behind_gate(dict)  # type: ignore[arg-type]

    class Forgetful(Sound):
        def __init__(self):
            """Without a spec."""

    with pytest.raises(InvalidOutput, match=r"Forgetful: spec is None, must be a remix.envs.spec.EnvSpec"):
        behind_gate(Forgetful)


@pytest.mark.parametrize(
    "picture",
    [
        None,
        [[[0, 0, 0]]],
        np.zeros((8, 6, 3)),
        np.zeros((8, 6), np.uint8),
        np.zeros((8, 6, 4), np.uint8),
        np.zeros((0, 6, 3), np.uint8),
    ],
)
def test_pictures(picture):
    class Drawn(Sound):
        def render(self, index=0):
            return picture

    with pytest.raises(InvalidOutput, match=r"^broken, step 0: render gives"):
        Gate(Drawn()).render()


def test_closing_is_asked_for_once_and_may_fail():
    environment = Sound("close")
    game = Gate(environment)
    with pytest.warns(RuntimeWarning, match="broken: close raised OSError: still in use"):
        game.close()
    game.close()
    assert environment.closed == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n_agents", 0),
        ("n_actions", 2.0),
        ("obs_size", -1),
        ("state_size", True),
        ("episode_limit", None),
        ("obs_dtype", "float16"),
        ("obs_dtype", "bool_"),
        ("state_dtype", np.float32),
        ("metrics", "wins"),
        ("metrics", ("wins", "wins")),
        ("metrics", (1,)),
        ("metrics", ("wins", "return")),
        ("metrics", ("length",)),
        ("metrics", ("return_std",)),
        ("metrics", ("return_agent_1",)),
        ("action_names", ("left",)),
        ("agent_names", ("a", "b", "c")),
        ("obs_names", ("a", "b", "c")),
        ("state_names", ("a", "b", "c", "d")),
        ("individual_rewards", 1),
        ("name", ""),
        ("name", "two\nlines"),
    ],
)
def test_a_spec_makes_sense(field, value):
    sizes = {"n_agents": 2, "n_actions": 3, "obs_size": 4, "state_size": 5, "episode_limit": 4}
    with pytest.raises(InvalidOutput, match=f"spec.{field} is "):
        EnvSpec(**({"name": "broken"} | sizes | {field: value}))


def test_a_spec_of_numpy_integers_is_one_of_integers():
    best: Any = np.float32(8.0)
    spec = replace(EnvSpec("sizes", *np.array([2, 3, 4, 5, 6])), best_return=best)
    assert all(type(size) is int for size in (spec.n_agents, spec.episode_limit))
    assert spec == EnvSpec("sizes", 2, 3, 4, 5, 6, best_return=8.0)
    assert type(spec.best_return) is float


@pytest.mark.parametrize("make", [PredatorPrey, BranchChain])
def test_random_damage_is_never_missed(make):
    """The compiled look and the close one agree about what is possible."""
    rng, environment = np.random.default_rng(1), make()

    class Damaged(Environment):
        spec = environment.spec
        render, close = environment.render, environment.close

        def reset(self, seeds):
            return environment.reset(seeds)

        def step(self, actions):
            step = environment.step(actions)
            name = rng.choice(Observation._fields)
            array = getattr(step.observation, name).copy()
            array.view(np.uint8).flat[rng.integers(array.size)] = rng.integers(2, 256)
            return step._replace(observation=step.observation._replace(**{name: array}))

    game = Gate(Damaged())
    for _ in range(50):
        observation = game.reset(np.arange(3))
        with pytest.raises(InvalidOutput, match="must hold False or True"):
            game.step(observation.avail_actions.argmax(-1))


def test_environments_of_our_own_give_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert behind_gate(BranchChain).spec.name
