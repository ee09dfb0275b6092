"""A close look at what a game returned. Its errors say what is wrong, and what is expected instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from remix.envs.spec import EnvSpec, Observation, Step
from remix.settings.errors import InvalidOutput, brief

_LARGEST = float(np.finfo(np.float32).max)
_AXES = {
    "obs": "episodes, agents, features",
    "state": "episodes, features",
    "avail_actions": "episodes, agents, actions",
    "individual_rewards": "episodes, agents",
}


def numbers(array: NDArray[Any]) -> tuple[NDArray[Any], float]:
    """The part of features or flags of any shape that has to be looked at, and the largest valid number.

    Bool is looked at as bytes, which must be 0 or 1. Other numbers must be finite as float32, in which
    networks compute. Whole numbers always are, so the part of them is empty.
    """
    if array.dtype.kind == "b":
        return array.view(np.uint8), 1.0
    return (array if array.dtype.kind == "f" else array[:0]), _LARGEST


class Inspection:
    """Looks through what a game returned in one step. Every method raises at the first mistake.

    :param step: joint steps played, this one included; 0 for ``reset``.
    :raises InvalidOutput: by all methods.
    """

    def __init__(self, spec: EnvSpec, step: int | None) -> None:
        self.spec, self.step = spec, step

    def kind(self, field: str, value: object, kind: type) -> None:
        """Refuse a value that is not of ``kind``, one of the tuples of the protocol."""
        if not isinstance(value, kind):
            found = type(value).__name__
            self._refuse(field, f"is of the type {found}, must be a remix.envs.spec.{kind.__name__}")

    def array(self, field: str, value: Any, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
        """Check that an array has a type and a shape, which may be any shape.

        :returns: a view of it, or a copy if it is not contiguous.
        """
        if type(value) is not np.ndarray:
            self._refuse(field, f"is {brief(value)}, must be a NumPy array of {dtype} {list(shape)}")
        if value.dtype != dtype:
            self._refuse(field, f"has the type {value.dtype}, must have {dtype}")
        if value.shape != shape:
            expected = f"{list(shape)} ({_AXES.get(field, 'episodes')})"
            self._refuse(field, f"has the shape {list(value.shape)}, must have {expected}")
        return value.view() if value.flags.carray else value.copy()

    def individual_rewards(self, rewards: Any, n_episodes: int) -> NDArray[Any] | None:
        """Check the agents' own rewards ``[E, N]`` as :meth:`array` does; None where none are declared."""
        if self.spec.individual_rewards:
            return self.array("individual_rewards", rewards, "float32", (n_episodes, self.spec.n_agents))
        if rewards is not None:
            problem = f"is {brief(rewards)}, must be None while spec.individual_rewards is False"
            self._refuse("individual_rewards", problem)
        return None

    def observation(self, observation: Observation, rows: NDArray[np.bool_]) -> None:
        """Check the values of an observation in the episodes that are marked in ``rows [E]``."""
        self._features("obs", observation.obs[rows])
        self._features("state", observation.state[rows])
        masks = observation.avail_actions[rows]
        self._features("avail_actions", masks)
        empty = np.argwhere(~masks.any(-1))
        if len(empty):
            self._refuse("avail_actions", "leaves no action, must leave at least one", empty[0, 1])

    def outcome(self, outcome: Step, rows: NDArray[np.bool_]) -> None:
        """Check the values of a step and its observation in the episodes that are marked in ``rows [E]``."""
        reward = outcome.reward[rows]
        wrong = reward[~np.isfinite(reward)]
        if wrong.size:
            self._refuse("reward", f"is {wrong[0]}, must be a finite number")
        if outcome.individual_rewards is not None:
            rewards = outcome.individual_rewards[rows]
            for episode, agent in np.argwhere(~np.isfinite(rewards)):
                problem = f"holds {rewards[episode, agent]}, must hold finite numbers"
                self._refuse("individual_rewards", problem, agent)
        for flag in ("terminated", "truncated"):
            self._features(flag, getattr(outcome, flag)[rows])
        if (outcome.terminated & outcome.truncated)[rows].any():
            self._refuse("truncated", "is set together with terminated: an episode ends in one way")
        self.observation(outcome.observation, rows)

    def statistics(self, info: Any, n_episodes: int) -> None:
        """Check that ``info`` has an array ``[E]`` of numbers for each name in ``spec.metrics``."""
        for name in self.spec.metrics:
            if not isinstance(info, Mapping) or name not in info:
                self._refuse("info", f"is {brief(info)}, must hold {name!r}, which spec.metrics names")
            values, shape = info[name], (n_episodes,)
            if type(values) is not np.ndarray or values.dtype.kind not in "biuf" or values.shape != shape:
                expected = f"must be a NumPy array of numbers {list(shape)}"
                self._refuse(f"info[{name!r}]", f"is {brief(values)}, {expected}")

    def totals(self, info: Mapping[str, NDArray[Any]], rows: NDArray[np.bool_]) -> None:
        """Check the statistics of the episodes marked in ``rows [E]``, which have just ended."""
        for name in self.spec.metrics:
            values = info[name][rows]
            wrong = values[~np.isfinite(values)]
            if wrong.size:
                self._refuse(f"info[{name!r}]", f"is {wrong[0]}, must be a finite number")

    def picture(self, picture: Any) -> None:
        """Check a picture, which must be RGB ``[height, width, 3]``, uint8."""
        if type(picture) is not np.ndarray or picture.dtype != np.uint8:
            found = picture.dtype if isinstance(picture, np.ndarray) else brief(picture)
            self._refuse("render", f"gives {found}, must give a NumPy array of uint8 [height, width, 3]")
        if picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
            self._refuse("render", f"gives the shape {list(picture.shape)}, must give [height, width, 3]")

    def _features(self, field: str, values: NDArray[Any]) -> None:
        """Check the numbers of ``values [E, ...]``. The second of three axes is that of the agents."""
        looked_at, largest = numbers(values)
        wrong = np.argwhere(~(np.abs(looked_at) <= largest))
        if len(wrong):
            number, agent = looked_at[tuple(wrong[0])], wrong[0, 1] if values.ndim == 3 else None
            expected = "False or True (0 or 1)" if values.dtype == np.bool_ else "numbers finite as float32"
            self._refuse(field, f"holds {number}, must hold {expected}", agent)

    def _refuse(self, field: str, problem: str, agent: int | None = None) -> NoReturn:
        if agent is not None and self.spec.agent_names:
            raise InvalidOutput(self.spec.name, field, problem, self.spec.agent_names[agent], self.step)
        raise InvalidOutput(self.spec.name, field, problem, agent, self.step)
