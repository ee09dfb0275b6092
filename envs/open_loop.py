"""The open-loop test: agents that see the time step alone, and have to win by a plan learnt by heart.

Ellis et al., "SMACv2" (2023), found that such agents win battles on many of SMAC's maps, where all episodes
begin alike, and hardly any of SMACv2, where teams and places are drawn. What their agents saw was the share
of the limit that is over, and their own number. The state stays what it is, for mixers and critics, which
play no part once a policy is trained. So does the mask of available actions: as it tells whom an agent could
aim at, no policy here is wholly blind.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.battles import Battles
from remix.envs.smacv2 import DrawnBattles
from remix.envs.spec import Environment, Observation, Step


class OpenLoop(Environment):
    """Any game, whose agents see nothing of it but how much of the episode limit is over, from 0 to 1.

    :param game: what is played. This object closes it.
    """

    def __init__(self, game: Environment) -> None:
        self._game, self.bears_threads = game, game.bears_threads
        self.spec = replace(
            game.spec,
            name=f"open_loop/{game.spec.name}",
            obs_size=1,
            obs_dtype="float32",
            obs_names=("timestep",),
            state_from_obs=False,
        )

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        """Start ``len(seeds)`` episodes."""
        self._steps = np.zeros(len(seeds), np.float32)
        self._running = np.ones(len(seeds), np.bool_)
        return self._timed(self._game.reset(seeds))

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Play ``actions [E, N]``."""
        outcome = self._game.step(actions)
        self._steps += self._running
        self._running &= ~(outcome.terminated | outcome.truncated)
        return outcome._replace(observation=self._timed(outcome.observation))

    def render(self, index: int = 0) -> NDArray[np.uint8]:
        """RGB picture of episode ``index``, of which the agents see nothing."""
        return self._game.render(index)

    def close(self) -> None:
        """Close the game."""
        self._game.close()

    def _timed(self, observation: Observation) -> Observation:
        """The observation with the time ``[E, N, 1]`` in place of what the agents would see."""
        over = self._steps[:, None, None] / np.float32(self.spec.episode_limit)
        return observation._replace(obs=np.repeat(over, self.spec.n_agents, axis=1))


class OpenLoopBattles(Battles):
    """SMAC's battles by agents that see the time step alone. The settings are those of ``Battles``."""

    bears_threads = True

    def __init__(self, **inherited: Any) -> None:
        super().__init__(**inherited)
        self._battles = OpenLoop(self._battles)
        self.spec = self._battles.spec


class OpenLoopDrawnBattles(DrawnBattles):
    """SMACv2's battles by agents that see the time step alone. The settings are those of ``DrawnBattles``."""

    bears_threads = True

    def __init__(self, **inherited: Any) -> None:
        super().__init__(**inherited)
        self._battles = OpenLoop(self._battles)
        self.spec = self._battles.spec
