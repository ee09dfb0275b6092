"""Environments of this project as PettingZoo ``ParallelEnv`` games. Needs the extra ``pettingzoo``.

The other direction is :mod:`remix.envs.pettingzoo`.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import index
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from remix.envs.spec import Environment, EnvSpec
from remix.settings.errors import brief

View = dict[str, NDArray[Any]]


class ParallelEnvironment(ParallelEnv[str, Any, Any]):
    """One episode of an environment as a PettingZoo game with the agents ``agent_0``, ``agent_1``, ...

    An observation is a Dict of ``observation [O]`` and ``action_mask [A]``. 0/1 features are a
    ``MultiBinary`` space. Every agent receives its own reward where the game has individual ones,
    else the team reward. Its info holds the running episode statistics of ``spec.metrics``. All agents stay
    in ``agents`` until the episode ends, also those that are out of play; their mask then leaves only
    actions without effect.

    :param environment: the environment to play. This object closes it.
    """

    render_mode = "rgb_array"

    def __init__(self, environment: Environment) -> None:
        spec = environment.spec
        self.environment = environment
        self.metadata = {"name": spec.name, "render_modes": ["rgb_array"], "is_parallelizable": True}
        self.possible_agents = [f"agent_{n}" for n in range(spec.n_agents)]
        self.agents: list[str] = []
        # Each agent has its own spaces, because a space holds a random stream for sampling.
        self.observation_spaces = {agent: view_space(spec) for agent in self.possible_agents}
        self.action_spaces = {agent: spaces.Discrete(spec.n_actions) for agent in self.possible_agents}
        self.state_space = vector_space(spec.state_size, spec.state_dtype)
        self._seeds = np.random.default_rng()

    def observation_space(self, agent: str) -> spaces.Dict:
        """The space of one agent's observations: a Dict of ``observation [O]`` and ``action_mask [A]``."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Discrete:
        """The space of one agent's actions, ``Discrete(A)``."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, View], dict[str, dict[str, Any]]]:
        """Start an episode from ``seed``. Later resets without a seed go on from it. ``options`` are ignored.

        :returns: observations and infos by agent.
        """
        if seed is None:
            seed = int(self._seeds.integers(2**31))
        else:
            self._seeds = np.random.default_rng(seed)
        self._last = self.environment.reset(np.array([seed], dtype=np.int64))
        self.agents = list(self.possible_agents)
        return self._views(), {agent: {} for agent in self.agents}

    def step(
        self, actions: dict[str, int]
    ) -> tuple[
        dict[str, View], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]
    ]:
        """Play the actions of all agents.

        An unavailable action is passed to the environment, because PettingZoo's own tests ignore masks.

        :returns: observations, rewards, terminations, truncations and infos by agent.
        :raises ValueError: an action is missing or is not one of the A.
        """
        if not self.agents:
            raise RuntimeError("the episode is over: call reset() before step()")
        outcome = self.environment.step(self._joint(actions))
        self._last = outcome.observation
        players = self.agents
        terminated, truncated = outcome.terminated[0], outcome.truncated[0]
        own = outcome.individual_rewards
        rewards = np.full(len(players), outcome.reward[0]) if own is None else own[0]
        if terminated or truncated:
            self.agents = []
        statistics = {name: float(values[0]) for name, values in outcome.info.items()}
        return (
            self._views(),
            dict(zip(players, map(float, rewards), strict=True)),
            dict.fromkeys(players, bool(terminated)),
            dict.fromkeys(players, bool(truncated)),
            {agent: dict(statistics) for agent in players},
        )

    def state(self) -> NDArray[Any]:
        """The global state ``[S]``."""
        return plain(self._last.state[0])

    def render(self) -> NDArray[np.uint8]:
        """RGB picture ``[height, width, 3]``."""
        return self.environment.render()

    def close(self) -> None:
        """Close the environment."""
        self.environment.close()

    def _joint(self, actions: Mapping[str, Any]) -> NDArray[np.int64]:
        """The actions of all agents as an array ``[1, N]``."""
        if not isinstance(actions, Mapping) or set(actions) != set(self.agents):
            raise ValueError(f"actions must be one for each of {brief(self.agents)}, not {brief(actions)}")
        joint = np.empty((1, len(self.agents)), np.int64)
        for n, agent in enumerate(self.agents):
            try:
                action = index(actions[agent])
            except TypeError:
                action = -1
            if not 0 <= action < (n_actions := self.environment.spec.n_actions):
                expected = f"a whole number between 0 and {n_actions - 1}"
                raise ValueError(f"action of {agent} must be {expected}, not {brief(actions[agent])}")
            joint[0, n] = action
        return joint

    def _views(self) -> dict[str, View]:
        obs, _, avail_actions = self._last
        return {
            agent: {"observation": plain(obs[0, n]), "action_mask": plain(avail_actions[0, n])}
            for n, agent in enumerate(self.possible_agents)
        }


def plain(vector: NDArray[Any]) -> NDArray[Any]:
    """A copy of a vector ``[size]`` for the caller to keep. Bool becomes int8, as in Gymnasium's spaces."""
    return vector.astype(np.int8 if vector.dtype == np.bool_ else vector.dtype)


def view_space(spec: EnvSpec) -> spaces.Dict:
    """The observation space of one agent."""
    return spaces.Dict(
        {
            "observation": vector_space(spec.obs_size, spec.obs_dtype),
            "action_mask": spaces.MultiBinary(spec.n_actions),
        }
    )


def vector_space(size: int, dtype: str) -> spaces.Space[NDArray[Any]]:
    """The space of vectors ``[size]`` of a NumPy type: ``MultiBinary`` for bool, else a Box of all values."""
    kind = np.dtype(dtype)
    if kind == np.bool_:
        return spaces.MultiBinary(size)
    if np.issubdtype(kind, np.floating):
        return spaces.Box(-np.inf, np.inf, (size,), kind.type)
    limits = np.iinfo(kind)
    return spaces.Box(limits.min, limits.max, (size,), kind.type)
