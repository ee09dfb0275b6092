"""The protocol of environments: a batch of E independent episodes that are stepped together.

An environment is a class with the members of :class:`Environment`. It knows nothing of learning.
The arrays that it returns may be its own buffers, which the next ``reset`` or ``step`` overwrites. A caller
that keeps them has to copy them.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import isfinite
from numbers import Integral, Real
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from remix.settings.errors import InvalidOutput, brief, one_of

FEATURE_TYPES = ("bool", "uint8", "int8", "uint16", "int16", "int32", "int64", "float32", "float64")
"""The names of the NumPy types that observations and states may have. Networks compute with float32."""

OF_EPISODES = re.compile("return|return_std|return_agent_[0-9]+|length")
"""What is counted of the episodes of all games, under these names."""


@dataclass(frozen=True)
class EnvSpec:
    """The sizes and types of an environment. Networks and replays need to know nothing else of it.

    :param name: name of the environment in tags and tables, e.g. ``predator_prey``.
    :param n_agents: N, the number of agents.
    :param n_actions: A, the number of actions, the same for all agents. Where agents differ,
        ``avail_actions`` says so.
    :param obs_size: O, the length of one agent's observation.
    :param state_size: S, the length of the global state.
    :param episode_limit: steps after which an episode is cut (a truncation, no true end).
    :param obs_dtype: NumPy type name of the observations, one of :data:`FEATURE_TYPES`. ``bool`` means 0/1
        features, which a replay may keep as single bits.
    :param state_dtype: NumPy type name of the state, one of :data:`FEATURE_TYPES`.
    :param state_from_obs: whether the state is the observations of all agents one after the other, of the
        same type (``S = N * O``). A replay need not keep it then.
    :param metrics: names of the episode statistics in ``Step.info``, e.g. ``("captures",)``; none of those
        that every episode has (:data:`OF_EPISODES`).
    :param action_names: A names of the actions for people, or empty.
    :param agent_names: N names of the agents for messages, or empty.
    :param obs_names: O names of the features of an observation for readers of recorded episodes, or empty.
    :param state_names: S names of the features of the state, or empty.
    :param individual_rewards: whether a step pays each agent its own reward, beside that of the team.
    :param best_return: the highest possible return of an episode, None if it is unknown.
    :param may_hang: whether the game is a separate program that may stop to answer. It then has to be
        played in a process that can be replaced.
    :raises InvalidOutput: a field has an invalid value.
    """

    name: str
    n_agents: int
    n_actions: int
    obs_size: int
    state_size: int
    episode_limit: int
    obs_dtype: str = "float32"
    state_dtype: str = "float32"
    state_from_obs: bool = False
    metrics: tuple[str, ...] = ()
    action_names: tuple[str, ...] = ()
    agent_names: tuple[str, ...] = ()
    may_hang: bool = False
    best_return: float | None = None
    obs_names: tuple[str, ...] = ()
    state_names: tuple[str, ...] = ()
    individual_rewards: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip() or not self.name.isprintable():
            self._refuse("name", "must be a text of one line")
        for size in ("n_agents", "n_actions", "obs_size", "state_size", "episode_limit"):
            value = getattr(self, size)
            if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
                self._refuse(size, "must be a whole number of at least 1")
            object.__setattr__(self, size, int(value))  # NumPy's numbers are none to JSON
        for dtype in ("obs_dtype", "state_dtype"):
            value = getattr(self, dtype)
            if not isinstance(value, str) or value not in FEATURE_TYPES:
                self._refuse(dtype, one_of(FEATURE_TYPES, str(value)))
        if self.state_from_obs and (self.state_size, self.state_dtype) != (
            self.n_agents * self.obs_size,
            self.obs_dtype,
        ):
            self._refuse("state_from_obs", "but the state has another size or type")
        if not isinstance(self.individual_rewards, bool):
            self._refuse("individual_rewards", "must be True or False")
        best = self.best_return
        if best is not None and (isinstance(best, bool) or not isinstance(best, Real) or not isfinite(best)):
            self._refuse("best_return", "must be a finite number, or None")
        if best is not None and not isinstance(best, int):
            object.__setattr__(self, "best_return", float(best))
        self._check_names("metrics", None)
        if len(set(self.metrics)) < len(self.metrics):
            self._refuse("metrics", "must differ from each other")
        if taken := [name for name in self.metrics if OF_EPISODES.fullmatch(name)]:
            self._refuse("metrics", f"must not hold {taken[0]}, which is counted of every game")
        self._check_names("action_names", self.n_actions)
        self._check_names("agent_names", self.n_agents)
        self._check_names("obs_names", self.obs_size)
        self._check_names("state_names", self.state_size)

    def _check_names(self, field: str, count: int | None) -> None:
        names: Any = getattr(self, field)
        if not isinstance(names, tuple | list) or not all(isinstance(name, str) for name in names):
            self._refuse(field, "must be a tuple of texts")
        if count is not None and len(names) not in (0, count):
            self._refuse(field, f"must be {count}, or none")
        object.__setattr__(self, field, tuple(names))

    def _refuse(self, field: str, expected: str) -> NoReturn:
        value = brief(getattr(self, field))
        raise InvalidOutput(str(self.name) or "game", f"spec.{field}", f"is {value}, {expected}")


class Observation(NamedTuple):
    """What the agents and the centralised learner see at one time step.

    ``obs [E, N, O]`` has the type ``spec.obs_dtype``, ``state [E, S]`` the type ``spec.state_dtype``.
    ``avail_actions [E, N, A]`` is bool; every agent has at least one available action.
    """

    obs: NDArray[np.generic]
    state: NDArray[np.generic]
    avail_actions: NDArray[np.bool_]


class Step(NamedTuple):
    """The outcome of one joint step of all E episodes.

    ``reward [E]`` is the team reward, float32. ``terminated [E]``, bool, marks a true end, after which
    nothing is estimated. ``truncated [E]``, bool, marks an episode that the limit has cut; learners estimate
    what would have followed. Both are never set for the same episode. ``info`` holds the running total
    ``[E]``, float32, of every episode statistic in ``spec.metrics``. ``individual_rewards [E, N]``, float32,
    are the agents' own rewards where ``spec.individual_rewards`` says so, and None elsewhere.
    """

    observation: Observation
    reward: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    info: dict[str, NDArray[np.float32]]
    individual_rewards: NDArray[np.float32] | None = None


class Environment(ABC):
    """A batch of episodes of one game."""

    spec: EnvSpec

    bears_threads = False
    """Whether several environments of this class may play at the same time, each in its own thread. That is
    faster if they are compiled and release the GIL. A subclass has to say it again, because its own code may
    not be safe in threads."""

    @abstractmethod
    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        """Start E episodes, one for each of ``seeds [E]``. E may differ from call to call.

        Each episode draws its random numbers from its own stream, which starts from its seed. So the same
        seed and the same actions give the same episode in any batch.
        """

    @abstractmethod
    def step(self, actions: NDArray[np.integer]) -> Step:
        """Play ``actions [E, N]``. Finished episodes stay as they are, with reward 0 and no flag."""

    @abstractmethod
    def render(self, index: int = 0) -> NDArray[np.uint8]:
        """RGB picture ``[height, width, 3]``, uint8, of episode ``index`` as it stands now."""

    @abstractmethod
    def close(self) -> None:
        """Release what the environment holds. It may be called twice."""
