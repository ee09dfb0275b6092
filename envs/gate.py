"""The gate. It checks everything that a game returns once, so that nothing behind it has to.

Types must be exactly those that the spec declares. Nothing is converted, because the author of a game knows
best what a float64 should become. An episode that has ended is not checked any more.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.gate_kernels import UNUSABLE, ends, played, seen
from remix.envs.inspection import Inspection, numbers
from remix.envs.spec import Environment, EnvSpec, Observation, Step
from remix.settings.errors import GameCode, GameError, InvalidOutput, brief


def behind_gate(make: Callable[[], Environment]) -> Gate:
    """Build an environment with ``make`` and put it behind a gate.

    :raises GameError: it cannot be built, or is no environment.
    """
    maker = getattr(make, "func", make)  # the function inside a partial
    with GameCode(_path(maker if hasattr(maker, "__qualname__") else type(maker)), "its constructor"):
        environment = make()
    return Gate.around(environment)


class Gate(Environment):
    """An environment whose outputs can be trusted (protocol: :class:`remix.envs.spec.Environment`).

    The gate truncates an episode that goes on beyond ``spec.episode_limit``. It ignores the flags of an
    episode that has ended.

    :raises InvalidOutput: the object is no environment, or its ``reset``, ``step`` or ``render`` returned
        something that cannot be used.
    :raises GameError: one of these methods raised an exception.
    """

    some_ended = False
    """Whether an episode ended in the last step."""

    def __init__(self, environment: Environment) -> None:
        name = _path(type(environment))
        if not isinstance(environment, Environment):
            raise InvalidOutput(name, "it", "must be a remix.envs.spec.Environment")
        with GameCode(name, "its spec"):
            spec: Any = getattr(environment, "spec", None)
        if not isinstance(spec, EnvSpec):
            raise InvalidOutput(name, "spec", f"is {brief(spec)}, must be a remix.envs.spec.EnvSpec")
        self._game, self.spec, self._closed = environment, spec, False
        self._passing: _Passing | None = None
        self._running = np.empty(0, np.bool_)
        self._ended = np.empty((2, 0), np.bool_)  # terminated, truncated
        self._steps = 0

    @property
    def in_threads(self) -> bool:
        """Whether the class itself says ``bears_threads``. What its base classes say does not count."""
        return "bears_threads" in vars(type(self._game)) and self._game.bears_threads

    @classmethod
    def around(cls, environment: Environment) -> Gate:
        """The environment behind a gate. One that is behind a gate already stays as it is."""
        return environment if isinstance(environment, Gate) else cls(environment)

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        """Start E episodes, one for each of ``seeds [E]``."""
        self._start(len(seeds))
        with GameCode(self.spec.name, "reset"):
            observation = self._game.reset(seeds.copy())
        views = self._observation(observation)
        if not seen(*_features(views)):
            Inspection(self.spec, 0).observation(views, self._running)
        return views

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Play ``actions [E, N]``."""
        self._steps += 1
        try:
            outcome = self._game.step(actions.copy())
        except BaseException:
            with GameCode(self.spec.name, f"step {self._steps}"):
                raise
        # If an environment returns the same buffers again, they still have their types and shapes.
        passing = self._passing
        if passing is None or outcome is not passing.outcome:
            passing = self._pass(outcome)
        at_limit = self._steps >= self.spec.episode_limit
        ended = played(at_limit, self._running, self._ended, *passing.numbers)
        if ended == UNUSABLE:
            Inspection(self.spec, self._steps).outcome(outcome, self._running)
            # Whatever is odd belongs to episodes that have ended.
            ended = ends(at_limit, self._running, self._ended, *passing.numbers[-2:])
        self.some_ended = bool(ended)
        if ended:
            Inspection(self.spec, self._steps).totals(outcome.info, self._ended[0] | self._ended[1])
        return passing.step

    def render(self, index: int = 0) -> NDArray[np.uint8]:
        """RGB picture ``[height, width, 3]`` of episode ``index``."""
        with GameCode(self.spec.name, "render"):
            picture = self._game.render(index)
        Inspection(self.spec, self._steps).picture(picture)
        return picture

    def close(self) -> None:
        """Close the environment. If that fails, it gives a warning only, as the played episodes are valid."""
        if self._closed:
            return
        self._closed = True
        try:
            with GameCode(self.spec.name, "close"):
                self._game.close()
        except GameError as error:
            warnings.warn(str(error), RuntimeWarning, stacklevel=2)

    def _start(self, n_episodes: int) -> None:
        self._steps = 0
        if n_episodes != len(self._running):
            self._running = np.empty(n_episodes, np.bool_)
            self._ended = np.empty((2, n_episodes), np.bool_)
            self._passing = None
        self._running[:] = True

    def _observation(self, observation: Any) -> Observation:
        """The observation with views of its arrays, whose types and shapes the environment cannot change."""
        spec, n = self.spec, len(self._running)
        inspection = Inspection(spec, self._steps)
        inspection.kind("observation", observation, Observation)
        return Observation(
            inspection.array("obs", observation.obs, spec.obs_dtype, (n, spec.n_agents, spec.obs_size)),
            inspection.array("state", observation.state, spec.state_dtype, (n, spec.state_size)),
            inspection.array(
                "avail_actions", observation.avail_actions, "bool", (n, spec.n_agents, spec.n_actions)
            ),
        )

    def _pass(self, outcome: Any) -> _Passing:
        inspection, shape = Inspection(self.spec, self._steps), self._running.shape
        inspection.kind("step", outcome, Step)
        views = self._observation(outcome.observation)
        reward = inspection.array("reward", outcome.reward, "float32", shape)
        individual = inspection.individual_rewards(outcome.individual_rewards, len(self._running))
        terminated = inspection.array("terminated", outcome.terminated, "bool", shape)
        truncated = inspection.array("truncated", outcome.truncated, "bool", shape)
        inspection.statistics(outcome.info, len(self._running))
        passing = _Passing(
            outcome,
            numbers=(
                *_features(views),
                reward,
                np.empty((*shape, 0), np.float32) if individual is None else individual,
                terminated.view(np.uint8),
                truncated.view(np.uint8),
            ),
            step=Step(views, reward, self._ended[0], self._ended[1], outcome.info, individual),
        )
        arrays = [*outcome.observation, outcome.reward, outcome.terminated, outcome.truncated]
        if outcome.individual_rewards is not None:
            arrays.append(outcome.individual_rewards)
        self._passing = passing if all(array.flags.carray for array in arrays) else None
        return passing


class _Passing(NamedTuple):
    """What an environment returned, what :func:`played` looks at, and what is handed on.

    All of it are views of the same memory.
    """

    outcome: Step
    numbers: tuple[Any, ...]
    step: Step


def _path(named: Any) -> str:
    """The import path of a class or function."""
    return f"{named.__module__}.{named.__qualname__}"


def _features(views: Observation) -> tuple[Any, ...]:
    """The arguments of :func:`seen` for an observation."""
    obs, obs_largest = numbers(views.obs)
    state, state_largest = numbers(views.state)
    available = views.avail_actions.view(np.uint8)
    rows = available.reshape(-1, available.shape[-1])
    return obs.reshape(-1), obs_largest, state.reshape(-1), state_largest, rows
