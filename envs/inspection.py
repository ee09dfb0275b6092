"""A close look at what a game returned, which says what is wrong with it and what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from envs.errors import InvalidOutput, brief
from envs.spec import EnvSpec, Observation, Step

_AXES = ("episodes", "agents", "features or actions")


def bounds(dtype: str) -> tuple[Any, Any]:
    """Smallest and largest possible feature of a type: finite as float32, 0 or 1 for the bytes of a bool."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return kind.type(np.finfo(np.float32).min), kind.type(np.finfo(np.float32).max)
    if kind.kind == "b":
        return np.uint8(0), np.uint8(1)
    return kind.type(np.iinfo(kind).min), kind.type(np.iinfo(kind).max)


class Inspection:
    """Of what a game returned in one step; every method raises for the first thing that is wrong.

    :param step: joint steps played, this one included; 0 for ``reset``.
    :raises InvalidOutput: by all methods.
    """

    def __init__(self, spec: EnvSpec, step: int | None) -> None:
        self.spec, self.step = spec, step

    def kind(self, field: str, value: object, kind: type) -> None:
        """A tuple of the protocol is expected."""
        if not isinstance(value, kind):
            self._refuse(field, f"is {brief(value)}, must be an envs.spec.{kind.__name__}")

    def array(self, field: str, value: Any, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
        """The array, in one piece of memory (if it is not, a copy)."""
        if type(value) is not np.ndarray:
            self._refuse(field, f"is {brief(value)}, must be a NumPy array of {dtype} {list(shape)}")
        if value.dtype != dtype:
            self._refuse(field, f"has the type {value.dtype}, must have {dtype}")
        if value.shape != shape:
            axes = ", ".join(_AXES[:1] + _AXES[-1:] if field == "state" else _AXES[: len(shape)])
            self._refuse(field, f"has the shape {list(value.shape)}, must have {list(shape)} ({axes})")
        return value.view() if value.flags.carray else value.copy()

    def observation(self, observation: Observation, rows: NDArray[np.bool_]) -> None:
        """Values ``[E, ...]`` of the episodes ``rows [E]``."""
        self._features("obs", observation.obs[rows], self.spec.obs_dtype)
        self._features("state", observation.state[rows], self.spec.state_dtype)
        masks = observation.avail_actions[rows]
        self._features("avail_actions", masks, "bool")
        empty = np.argwhere(~masks.any(-1))
        if len(empty):
            self._refuse("avail_actions", "leaves no action, must leave at least one", empty[0, 1])

    def outcome(self, outcome: Step, rows: NDArray[np.bool_]) -> None:
        """The same, with rewards and flags."""
        reward = outcome.reward[rows]
        wrong = reward[~np.isfinite(reward)]
        if wrong.size:
            self._refuse("reward", f"is {wrong[0]}, must be a finite number")
        for flag in ("terminated", "truncated"):
            self._features(flag, getattr(outcome, flag)[rows], "bool")
        if (outcome.terminated & outcome.truncated)[rows].any():
            self._refuse("truncated", "is set together with terminated: an episode ends in one way")
        self.observation(outcome.observation, rows)

    def statistics(self, info: Any, rows: NDArray[np.bool_]) -> None:
        """Those of ``spec.metrics`` for the episodes ``rows [E]``."""
        for name in self.spec.metrics:
            if not isinstance(info, Mapping) or name not in info:
                self._refuse("info", f"is {brief(info)}, must hold {name!r}, which spec.metrics names")
            values = info[name]
            field, shape = f"info[{name!r}]", rows.shape
            if type(values) is not np.ndarray or values.dtype.kind not in "biuf" or values.shape != shape:
                self._refuse(field, f"is {brief(values)}, must be a NumPy array of numbers {list(shape)}")
            wrong = values[rows & ~np.isfinite(values)]
            if wrong.size:
                self._refuse(field, f"is {wrong[0]}, must be a finite number")

    def picture(self, picture: Any) -> None:
        """RGB ``[height, width, 3]``."""
        if type(picture) is not np.ndarray or picture.dtype != np.uint8:
            found = picture.dtype if isinstance(picture, np.ndarray) else brief(picture)
            self._refuse("render", f"gives {found}, must give a NumPy array of uint8 [height, width, 3]")
        if picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
            self._refuse("render", f"gives the shape {list(picture.shape)}, must give [height, width, 3]")

    def _features(self, field: str, values: NDArray[Any], dtype: str) -> None:
        """``values [E, ...]``; the second axis is that of the agents if there are three."""
        low, high = bounds(dtype)
        numbers = values.view(low.dtype)
        wrong = np.argwhere(~((numbers >= low) & (numbers <= high)))
        if not len(wrong):
            return
        number, agent = numbers[tuple(wrong[0])], wrong[0, 1] if values.ndim == 3 else None
        if dtype == "bool":
            self._refuse(field, f"holds the byte {number}, must be False or True (0 or 1)", agent)
        self._refuse(field, f"holds {number}, must be finite numbers of float32", agent)

    def _refuse(self, field: str, problem: str, agent: int | None = None) -> NoReturn:
        if agent is not None and self.spec.agent_names:
            raise InvalidOutput(self.spec.name, field, problem, self.spec.agent_names[agent], self.step)
        raise InvalidOutput(self.spec.name, field, problem, agent, self.step)
