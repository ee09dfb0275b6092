"""What every environment is: a batch of E independent episodes stepped together.

An environment is a class with the members of :class:`Environment`. It knows nothing of learning.
Arrays that it returns are its own buffers and are overwritten by the next ``reset`` or ``step``;
whoever keeps them copies them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import isfinite
from numbers import Integral, Real
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from remix.settings.errors import InvalidOutput, brief, one_of

FEATURE_TYPES = ("bool", "uint8", "int8", "uint16", "int16", "int32", "int64", "float32", "float64")
"""Names of the NumPy types that observations and states may have. Networks compute with float32."""


@dataclass(frozen=True)
class EnvSpec:
    """Sizes and types of an environment, all a network or a replay needs to know of it.

    :param name: what the environment is called in tags and tables, e.g. ``predator_prey``.
    :param n_agents: N.
    :param n_actions: A, the same for every agent; differences are a matter of ``avail_actions``.
    :param obs_size: O, length of one agent's observation.
    :param state_size: S, length of the global state.
    :param episode_limit: steps after which an episode is cut (a truncation, not a true end).
    :param obs_dtype: NumPy type name of the observations, one of :data:`FEATURE_TYPES`; ``bool`` marks 0/1
        features, which a replay may keep as single bits.
    :param state_dtype: the same for the state.
    :param state_from_obs: the state is the observations of all agents end to end (``S = N * O``, of their
        type), so that nobody has to keep it.
    :param metrics: names of the episode statistics in ``Step.info``, e.g. ``("captures",)``.
    :param action_names: A names for people to read, or empty.
    :param agent_names: N names for messages, or empty.
    :param best_return: the highest return that an episode can have, None if nobody knows.
    :param may_hang: the game is a program of its own that may stop to answer, so that it has to be played
        where it can be replaced.
    :raises InvalidOutput: something of it makes no sense.
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

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip() or not self.name.isprintable():
            self._refuse("name", "must be a text of one line")
        for size in ("n_agents", "n_actions", "obs_size", "state_size", "episode_limit"):
            value = getattr(self, size)
            if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
                self._refuse(size, "must be a whole number of at least 1")
            object.__setattr__(self, size, int(value))  # NumPy's integers are none to JSON
        for dtype in ("obs_dtype", "state_dtype"):
            value = getattr(self, dtype)
            if not isinstance(value, str) or value not in FEATURE_TYPES:
                self._refuse(dtype, one_of(FEATURE_TYPES, str(value)))
        if self.state_from_obs and (self.state_size, self.state_dtype) != (
            self.n_agents * self.obs_size,
            self.obs_dtype,
        ):
            self._refuse("state_from_obs", "but the state has another size or type")
        best = self.best_return
        if best is not None and (isinstance(best, bool) or not isinstance(best, Real) or not isfinite(best)):
            self._refuse("best_return", "must be a finite number, or None")
        self._check_names("metrics", None)
        if len(set(self.metrics)) < len(self.metrics):
            self._refuse("metrics", "must differ from each other")
        self._check_names("action_names", self.n_actions)
        self._check_names("agent_names", self.n_agents)

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

    ``obs [E, N, O]`` of ``spec.obs_dtype``, ``state [E, S]`` of ``spec.state_dtype``,
    ``avail_actions [E, N, A]`` bool with at least one available action for every agent.
    """

    obs: NDArray[np.generic]
    state: NDArray[np.generic]
    avail_actions: NDArray[np.bool_]


class Step(NamedTuple):
    """Outcome of one joint step of all E episodes.

    ``reward [E]`` float32 team reward; ``terminated [E]`` bool, a true end (never bootstrapped);
    ``truncated [E]`` bool, cut by the episode limit (bootstrapped); never both for one episode.
    ``info`` holds the running total of every episode statistic in ``spec.metrics``, float32 ``[E]``.
    """

    observation: Observation
    reward: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    info: dict[str, NDArray[np.float32]]


class Environment(ABC):
    """A batch of episodes of one game."""

    spec: EnvSpec

    bears_threads = False
    """Whether several environments of this class may play at once, each in a thread of its own. It pays for
    compiled ones that release the GIL. A subclass has to say it again, as its own code may not bear it."""

    @abstractmethod
    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        """Start E = len(seeds) episodes; E may differ from call to call.

        Everything random in an episode comes from a stream of its own that starts at its seed, so
        the same seed and the same actions give the same episode in any batch.
        """

    @abstractmethod
    def step(self, actions: NDArray[np.integer]) -> Step:
        """Apply ``actions [E, N]``. Finished episodes stay as they are, with reward 0 and no flag set."""

    @abstractmethod
    def render(self, index: int = 0) -> NDArray[np.uint8]:
        """RGB picture ``[height, width, 3]`` of episode ``index`` as it stands now."""

    @abstractmethod
    def close(self) -> None:
        """Release what the environment holds; may be called twice."""
