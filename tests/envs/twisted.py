"""A small PettingZoo game whose answers a test may change, for what people's own games get wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

LENGTH = 4
Answer = dict[str, Any]
Twist = Callable[[Answer, int], object]


class Twisted(ParallelEnv[str, Any, Any]):
    """The agents ``left`` and ``right`` see the time and get 1 a step; after four steps both are terminated.

    :param twist: called with the parts of every answer by name, and the step (0 for ``reset``), before they
        are returned. It may change them, and replaces the whole answer if it returns something.
    :param views: observation space of each.
    :param actions: action space of each.
    """

    def __init__(
        self,
        twist: Twist = lambda answer, step: None,
        views: spaces.Space[Any] | None = None,
        actions: spaces.Space[Any] | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.metadata = {"name": "twisted_v0"}
        self.possible_agents = ["left", "right"]
        self.twist, self.render_mode, self.max_cycles = twist, render_mode, 2 * LENGTH
        self.views = views or spaces.Box(-np.inf, np.inf, (3,), np.float32)
        self.actions = actions or spaces.Discrete(3)
        self.received: list[dict[str, Any]] = []

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        return self.views

    def action_space(self, agent: str) -> spaces.Space[Any]:
        return self.actions

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.time, self.agents = 0, list(self.possible_agents)
        seen = {agent: np.full(3, 0.5, np.float32) for agent in self.agents}
        return self._twisted({"observations": seen, "infos": {agent: {} for agent in self.agents}})

    def step(self, actions: dict[str, Any]) -> Any:
        self.time += 1
        self.received.append(actions)
        players, over = self.agents, self.time == LENGTH
        self.agents = [] if over else players
        return self._twisted(
            {
                "observations": {agent: np.full(3, self.time + 0.5, np.float32) for agent in players},
                "rewards": dict.fromkeys(players, 1.0),
                "terminations": dict.fromkeys(players, over),
                "truncations": dict.fromkeys(players, False),
                "infos": {agent: {} for agent in players},
            }
        )

    def _twisted(self, answer: Answer) -> Any:
        answer["game"] = self
        other = self.twist(answer, self.time)
        del answer["game"]
        return tuple(answer.values()) if other is None else other

    def render(self) -> Any:
        return np.full((6, 8, 3), 10 * self.time, np.uint8)
