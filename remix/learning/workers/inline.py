"""Workers in this process: all episodes advance together in batched environments."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import torch
from numpy.typing import NDArray

from remix.envs.gate import Gate, behind_gate
from remix.learning.episodes import Episode
from remix.learning.policy import Policy
from remix.learning.workers.base import EnvironmentFactory, PolicyState, WorkerError, WorkerPool
from remix.learning.workers.rollout import rollout

EPISODES_EACH = 8
"""Fewer in a thread would not make up for the time that Python takes for any number."""


class InlineWorkers(WorkerPool):
    """The fastest choice for compiled environments, which share out their episodes among PyTorch's threads.

    :param overlap: play the next round while the learner makes its updates, in one thread.
    """

    imports_anew = False

    def __init__(self, environment: EnvironmentFactory, policy: Policy, overlap: bool = False) -> None:
        self.environment, self.overlap = environment, overlap
        self._players: list[tuple[Gate, Policy]] = [(behind_gate(environment), policy)]
        self._pool: ThreadPoolExecutor | None = None
        self._broken_off = False

    def collect(
        self, policy_state: PolicyState, seeds: NDArray[np.int64], exploration: float | None
    ) -> list[Episode]:
        n_parts = self._n_parts(len(seeds))

        def play(part: int) -> list[Episode]:
            game, policy = self._players[part]
            policy.load_state_dict(policy_state)
            return rollout(game, policy, seeds[part::n_parts], exploration, self._check)

        if n_parts == 1:
            return play(0)
        with torch.inference_mode(False):  # of a validation, whose tensors could not be written to later
            while len(self._players) < n_parts:
                self._players.append((behind_gate(self.environment), deepcopy(self._players[0][1])))
        self._pool = self._pool or ThreadPoolExecutor(thread_name_prefix="play")
        played = list(self._pool.map(play, range(n_parts)))
        return [played[i % n_parts][i // n_parts] for i in range(len(seeds))]

    def break_off(self) -> None:
        self._broken_off = True

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()
        for game, _ in self._players:
            game.close()

    def _n_parts(self, n_episodes: int) -> int:
        game, _ = self._players[0]
        if self.overlap or not game.in_threads:
            return 1
        return max(1, min(torch.get_num_threads(), n_episodes // EPISODES_EACH))

    def _check(self) -> None:
        """Between two steps of the games."""
        if self._broken_off:
            raise WorkerError("the round was broken off")
