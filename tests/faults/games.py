"""Games that break the rules in one way each: a PettingZoo one, and one of our own protocol."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from remix.envs.spec import Environment, EnvSpec, Observation, Step
from tests.faults.cases import Case, refused
from tests.faults.commands import RUN_FOLDER, TINY, call

LENGTH = 4
"""Steps of an episode, each of which pays 1."""


def _raise() -> None:
    raise RuntimeError("the game is broken\nin two lines")


DEEDS: dict[str, Callable[[], object]] = {
    "raises": _raise,
    "exits": lambda: sys.exit(0),
    "stops the process": lambda: os._exit(3),
    "hangs": lambda: time.sleep(1000),
}
"""What a game does in its second step instead of an answer."""

VALUES: dict[str, Callable[[Any], Any]] = {
    "nan": lambda value: value * np.nan,
    "inf": lambda value: value + np.inf,
    "beyond float32": lambda value: np.float64(value) + 1e39,
    "none": lambda value: None,
    "text": lambda value: "abc",
    "longer": lambda value: np.concatenate([np.atleast_1d(value)] * 2, axis=-1),
    "shorter": lambda value: np.atleast_1d(value)[..., :0],
    "complex": lambda value: value * 1j,
    "objects": lambda value: np.full(np.shape(value), {}, object),
    "a set": lambda value: {1, 2},
    "a mapping": lambda value: {"value": value},
}
"""What becomes of a value that a game returns."""

FIELDS = ("obs", "reward", "mask", "state", "terminated")
SHAPES: dict[str, Callable[[Any], Any]] = {
    "step: none": lambda step: None,
    "step: four things": lambda step: step[:4],
    "step: six things": lambda step: (*step, {}),
    "step: a number": lambda step: 1.0,
}


class Paired(ParallelEnv[str, Any, Any]):
    """Two agents with three actions each, paid 1 a step; in the second step ``fault`` happens."""

    def __init__(self, fault: str = "", render_mode: str | None = None) -> None:
        self.metadata = {"name": "paired"}
        self.fault, self.max_cycles, self.t = fault, LENGTH, 0
        self.possible_agents = [] if fault == "agents: nobody" else ["left", "right"]
        if fault == "constructor: raises":
            _raise()

    def observation_space(self, agent: str) -> Any:
        kinds = {"space: none": None, "space: raises": None, "space: text": "Box(3)"}
        if self.fault == "space: raises":
            _raise()
        return kinds.get(self.fault, spaces.Box(-9, 9, (3,)))

    def action_space(self, agent: str) -> Any:
        return spaces.Box(-1, 1, (2,)) if self.fault == "actions: continuous" else spaces.Discrete(3)

    def state(self) -> Any:
        return self._spoil("state", np.ones(4, np.float32))

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.t = 0
        self.agents: Any = list(self.possible_agents)
        answers: dict[str, Any] = {
            "reset: none": None,
            "reset: observations only": self._observations(),
            "reset: three things": (self._observations(), {}, {}),
        }
        if self.fault == "reset: raises":
            _raise()
        if self.fault == "agents: nobody at the start":
            self.agents = []
        return answers.get(self.fault, (self._observations(), self._infos()))

    def step(self, actions: dict[str, int]) -> Any:
        self.t += 1
        if self.t == 2 and self.fault in DEEDS:
            DEEDS[self.fault]()
        over = self.t == LENGTH
        flags = {agent: self._spoil("terminated", over, agent) for agent in self.agents}
        rewards = {agent: self._spoil("reward", 1.0, agent) for agent in self.agents}
        cut = dict.fromkeys(self.agents, False)
        step = (self._observations(), rewards, flags, cut, self._infos())
        if over:
            self.agents = []
        if self.t == 2 and self.fault == "agents: a stranger":
            self.agents.append("nobody")
        if self.t == 2 and self.fault == "agents: none":
            self.agents = None
        if self.t == 2 and self.fault.startswith("missing: "):
            del step[("obs", "reward", "terminated").index(self.fault[9:])]["right"]
        return SHAPES[self.fault](step) if self.t == 2 and self.fault in SHAPES else step

    def _observations(self) -> dict[str, Any]:
        return {agent: self._spoil("obs", np.full(3, self.t, np.float32), agent) for agent in self.agents}

    def _infos(self) -> dict[str, Any]:
        return {
            agent: {"action_mask": self._spoil("mask", np.ones(3, np.int8), agent)} for agent in self.agents
        }

    def _spoil(self, field: str, value: Any, agent: str = "right") -> Any:
        name, _, how = self.fault.partition(": ")
        return VALUES[how](value) if (self.t, agent, name) == (2, "right", field) else value


class Batched(Environment):
    """The same game in our own protocol."""

    def __init__(self, fault: str = "", **ignored: Any) -> None:
        self.fault, self.n, self.t = fault, 0, 0
        self.spec = EnvSpec(
            "batched", n_agents=2, n_actions=3, obs_size=3, state_size=4, episode_limit=LENGTH
        )
        if fault == "constructor: raises":
            _raise()

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        self.n, self.t = len(seeds), 0
        if self.fault == "reset: raises":
            _raise()
        return None if self.fault == "reset: none" else self._observation()  # type: ignore[return-value]

    def step(self, actions: NDArray[np.integer]) -> Step:
        self.t += 1
        if self.t == 2 and self.fault in DEEDS:
            DEEDS[self.fault]()
        ends = np.full(self.n, self.t == LENGTH)
        reward = self._spoil("reward", np.ones(self.n, np.float32))
        step: Any = Step(
            self._observation(), reward, self._spoil("terminated", ends), np.zeros(self.n, np.bool_), {}
        )
        return SHAPES[self.fault](step) if self.t == 2 and self.fault in SHAPES else step

    def render(self, index: int = 0) -> NDArray[np.uint8]:
        return np.zeros((8, 8, 3), np.uint8)

    def close(self) -> None:
        """Nothing to close."""

    def _observation(self) -> Observation:
        return Observation(
            self._spoil("obs", np.full((self.n, 2, 3), self.t, np.float32)),
            self._spoil("state", np.ones((self.n, 4), np.float32)),
            self._spoil("mask", np.ones((self.n, 2, 3), np.bool_)),
        )

    def _spoil(self, field: str, value: Any) -> Any:
        name, _, how = self.fault.partition(": ")
        return VALUES[how](value) if (self.t, name) == (2, field) else value


PAIRED = (
    "env=pettingzoo",
    f"env.id={__name__}:Paired",
)
BATCHED = ("env=two_step", f"env._target_={__name__}.Batched")
OWN_TRACEBACK = ("raises", "exits")
"""What ends in the traceback of the game too."""


def cases(seed: int) -> list[Case]:
    spoilt = [f"{field}: {how}" for field in FIELDS for how in VALUES]
    common = [*spoilt, *DEEDS, *SHAPES, "constructor: raises", "reset: raises", "reset: none"]
    paired = [
        "reset: observations only", "reset: three things", "agents: nobody", "agents: nobody at the start",
        "agents: a stranger", "agents: none", "missing: obs", "missing: reward", "missing: terminated",
        "space: none", "space: raises", "space: text", "actions: continuous",
    ]  # fmt: skip
    games = [("PettingZoo", PAIRED, fault) for fault in ["", *common, *paired] if fault != "mask: none"]
    games += [("our protocol", BATCHED, fault) for fault in ["", *common]]
    # Without a mask, every action is there.
    return [Case(f"{kind}, {fault or 'sound'}", partial(_check, game, fault)) for kind, game, fault in games]


def _check(game: tuple[str, ...], fault: str, home: Path) -> None:
    options = "+env.options.fault" if game is PAIRED else "+env.fault"
    apart = ("workers=process", "workers.n_workers=1", "workers.timeout=5", "workers.retries=1")
    words = ("train", *TINY[1:], *game, f"{options}='{fault}'", f"run_dir={RUN_FOLDER}")
    outcome = call(home, *words, *(apart if fault in ("stops the process", "hangs") else ()))
    if not fault:
        assert outcome.code == 0, f"exit status {outcome.code}: {outcome.end}"
        assert f"final return {LENGTH:.2f}" in outcome.out, f"wrong return: {outcome.out[-300:]}"
        return
    in_play = fault.startswith((*FIELDS, "missing", "step")) or fault in OWN_TRACEBACK
    own_traceback = fault.rpartition(": ")[2] in OWN_TRACEBACK
    refused(outcome, *["step 2"] * in_play, own_traceback=own_traceback)
    assert "final return" not in outcome.out, "it trained on"
