"""A sound environment, and what can be wrong with one; worker processes import it from here."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.spec import Environment, EnvSpec, Observation, Step


class Sound(Environment):
    """Two agents, three actions, episodes of four steps, new arrays in every step.

    :param fault: name of one of ``OUTPUTS`` or ``DEEDS``, which happens in the second step.
    """

    def __init__(self, fault: str = "", **spec: Any) -> None:
        self.fault, self.n, self.t = fault, 0, 0
        self.closed = 0
        sizes: dict[str, Any] = {
            "n_agents": 2, "n_actions": 3, "obs_size": 4, "state_size": 5, "episode_limit": 4,
            "individual_rewards": True,
        }  # fmt: skip
        self.spec = EnvSpec("broken", metrics=("wins",), **(sizes | spec))
        if fault == "constructor":
            raise RuntimeError("no simulator\nand more of it")

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        self.n, self.t = len(seeds), 0
        if self.fault == "reset":
            raise KeyError("map")
        return self._observation()

    def step(self, actions: NDArray[np.integer]) -> Step:
        self.t += 1
        if self.t == 2 and self.fault in DEEDS:
            DEEDS[self.fault]()
        step = Step(
            self._observation(),
            np.ones(self.n, np.float32),
            np.full(self.n, self.t == 4),
            np.zeros(self.n, np.bool_),
            {"wins": np.full(self.n, self.t, np.float32)},
            np.full((self.n, self.spec.n_agents), self.t, np.float32),
        )
        actions[:] = 99  # which is the caller's only if nobody copies it
        return OUTPUTS[self.fault](step) if self.t == 2 and self.fault in OUTPUTS else step

    def render(self, index: int = 0) -> Any:
        return np.zeros((8, 6, 3), np.uint8)

    def close(self) -> None:
        self.closed += 1
        if self.fault == "close":
            raise OSError("still in use")

    def _observation(self) -> Observation:
        spec, n = self.spec, self.n
        return Observation(
            np.full((n, spec.n_agents, spec.obs_size), 1, spec.obs_dtype),
            np.full((n, spec.state_size), 1, spec.state_dtype),
            np.ones((n, spec.n_agents, spec.n_actions), np.bool_),
        )


def _lost() -> None:
    raise RuntimeError("simulator lost\nand more of it")


class Odd(Exception):
    """Cannot be sent to another process, nor even be read."""

    def __init__(self, one: int, other: object) -> None:
        self.one, self.other = one, other

    def __str__(self) -> str:
        raise ValueError("unreadable")


def _odd() -> None:
    raise Odd(1, lambda: None)


DEEDS: dict[str, Callable[[], object]] = {"raise": _lost, "exit": lambda: sys.exit(0), "odd": _odd}
"""What an environment does instead of returning something."""


def _part(name: str, change: Callable[[Any], Any]) -> Callable[[Step], Any]:
    """A step with a part of it changed; names of the observation's parts are known too."""

    def changed(step: Step) -> Step:
        if name in Observation._fields:
            part = change(getattr(step.observation, name))
            return step._replace(observation=step.observation._replace(**{name: part}))
        return step._replace(**{name: change(getattr(step, name))})

    return changed


def _at(index: tuple[int, ...], value: Any) -> Callable[[Any], Any]:
    """One element of an array set."""

    def change(array: Any) -> Any:
        array = array.copy()
        array[index] = value
        return array

    return change


OUTPUTS: dict[str, Callable[[Step], Any]] = {
    "nothing": lambda step: None,
    "a plain tuple": tuple,
    "no observation": _part("observation", lambda _: None),
    "a tuple as observation": _part("observation", tuple),
    "obs of an agent that is nan": _part("obs", _at((0, 1, 2), np.nan)),
    "obs that is infinite": _part("obs", _at((1, 0, 3), -np.inf)),
    "obs as a list": _part("obs", lambda obs: obs.tolist()),
    "obs of another type": _part("obs", lambda obs: obs.astype(np.float64)),
    "obs in another byte order": _part("obs", lambda obs: obs.astype(">f4")),
    "obs of one number": _part("obs", lambda obs: obs[..., :1]),
    "obs of another agent too": _part("obs", lambda obs: obs.repeat(2, axis=1)),
    "obs of another episode too": _part("obs", lambda obs: obs.repeat(2, axis=0)),
    "obs with a mask": _part("obs", np.ma.masked_array),
    "no state": _part("state", lambda _: None),
    "state that is nan": _part("state", _at((1, 4), np.nan)),
    "state that grew": _part("state", lambda state: state.repeat(2, axis=1)),
    "state of objects": _part("state", lambda state: state.astype(object)),
    "avail_actions as bytes": _part("avail_actions", lambda mask: mask.astype(np.uint8)),
    "avail_actions as logits": _part("avail_actions", lambda mask: np.where(mask, 0.0, -np.inf)),
    "avail_actions that are short": _part("avail_actions", lambda mask: mask[..., :2]),
    "avail_actions that are long": _part("avail_actions", lambda mask: mask.repeat(2, axis=2)),
    "avail_actions without a choice": _part("avail_actions", _at((1, 1), False)),
    "avail_actions of other bytes": _part(
        "avail_actions", lambda mask: np.full(mask.shape, 3, np.uint8).view(np.bool_)
    ),
    "no reward": _part("reward", lambda _: None),
    "one reward": _part("reward", lambda _: 1.0),
    "reward as a list": _part("reward", lambda reward: reward.tolist()),
    "reward of another type": _part("reward", lambda reward: reward.astype(np.float64)),
    "reward with one axis more": _part("reward", lambda reward: reward[:, None]),
    "reward that is nan": _part("reward", _at((1,), np.nan)),
    "reward that is infinite": _part("reward", _at((0,), np.inf)),
    "no individual_rewards": _part("individual_rewards", lambda _: None),
    "individual_rewards of the team alone": _part("individual_rewards", lambda rewards: rewards[:, 0]),
    "individual_rewards by agent first": _part("individual_rewards", lambda rewards: rewards[:1]),
    "individual_rewards of another type": _part("individual_rewards", lambda rewards: rewards.astype("f8")),
    "individual_rewards of an agent that are nan": _part("individual_rewards", _at((0, 1), np.nan)),
    "individual_rewards that are infinite": _part("individual_rewards", _at((1, 0), -np.inf)),
    "terminated as one flag": _part("terminated", lambda _: False),
    "terminated as numbers": _part("terminated", lambda flags: flags.astype(np.int64)),
    "truncated as numbers": _part("truncated", lambda flags: flags.astype(np.float32)),
    "truncated and terminated": lambda step: step._replace(
        terminated=np.ones_like(step.terminated), truncated=np.ones_like(step.truncated)
    ),
    "no info": _part("info", lambda _: None),
    "info without a name": _part("info", lambda _: {}),
    "info of one number": _part("info", lambda _: {"wins": 1.0}),
    "info at an end that is nan": lambda step: step._replace(
        terminated=np.array([True, False]), info={"wins": np.array([np.nan, 1], np.float32)}
    ),
}
"""What an environment of two episodes returns instead of the step. A word that is a field names it."""
