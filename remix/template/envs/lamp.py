"""A lamp that shines while as many agents press their switches as it asks for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.envs.spec import Environment, EnvSpec, Observation, Step
from remix.settings.checks import whole


class Lamp(Environment):
    """At every step the lamp shows how many are to press; the team gets 1 if exactly so many do.

    All see the same, so who presses and who waits has to be agreed on by learning.

    :param n_agents: N, each with a switch.
    :param episode_limit: steps of an episode.
    """

    def __init__(self, n_agents: int = 4, episode_limit: int = 10) -> None:
        size = whole("n_agents", n_agents, minimum=2) + 1
        self.spec = EnvSpec(
            name="lamp",
            n_agents=n_agents,
            n_actions=2,
            obs_size=size,
            state_size=size,
            episode_limit=whole("episode_limit", episode_limit, minimum=1),
            obs_dtype="bool",
            state_dtype="bool",
            metrics=("lit",),
            action_names=("wait", "press"),
        )

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        """Start ``len(seeds)`` episodes; what is asked for in each follows from its seed."""
        shape = (len(seeds), self.spec.episode_limit + 1)
        draws = [np.random.default_rng(seed).integers(0, self.spec.obs_size, shape[1]) for seed in seeds]
        self._asked = np.array(draws, np.int64).reshape(shape)
        self._time, self._shines, self._lit = 0, np.zeros(shape[0], np.bool_), np.zeros(shape[0], np.float32)
        return self._observe()

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Wait or press, ``actions [E, N]`` of 0 and 1; nothing happens any more after the last step."""
        actions, runs = np.asarray(actions), self._time < self.spec.episode_limit
        if actions.shape != (len(self._lit), self.spec.n_agents) or not np.isin(actions, (0, 1)).all():
            raise ValueError("actions must be 0 or 1, one for each agent of each episode")
        self._shines = runs & (actions.sum(axis=1) == self._asked[:, self._time])
        self._time += runs
        self._lit = self._lit + self._shines
        cut = np.full(len(self._lit), runs and self._time == self.spec.episode_limit)
        return Step(
            self._observe(), self._shines.astype(np.float32), np.zeros_like(cut), cut, {"lit": self._lit}
        )

    def render(self, index: int = 0) -> NDArray[np.uint8]:
        """RGB picture of episode ``index``: the lamp, and a mark for each agent that is to press."""
        picture = np.full((64, 16 * self.spec.obs_size, 3), 40, np.uint8)
        picture[8:40, 8:-8] = (255, 210, 60) if self._shines[index] else (90, 90, 90)
        for place in range(self._asked[index, self._time]):
            picture[48:56, 16 * place + 8 : 16 * place + 16] = 230
        return picture

    def close(self) -> None:
        """Nothing to release."""

    def _observe(self) -> Observation:
        state = np.eye(self.spec.obs_size, dtype=np.bool_)[self._asked[:, self._time]]
        obs = np.repeat(state[:, None], self.spec.n_agents, axis=1)
        available = np.ones((len(state), self.spec.n_agents, 2), np.bool_)
        return Observation(obs, state, available)
