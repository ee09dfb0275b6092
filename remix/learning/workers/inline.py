"""Workers in this process: all episodes advance together in one batched environment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.envs.gate import behind_gate
from remix.learning.episodes import Episode
from remix.learning.policy import Policy
from remix.learning.workers.base import EnvironmentFactory, PolicyState, WorkerError, WorkerPool
from remix.learning.workers.rollout import rollout


class InlineWorkers(WorkerPool):
    """The fastest choice for compiled environments.

    :param overlap: play the next round while the learner makes its updates.
    """

    def __init__(self, environment: EnvironmentFactory, policy: Policy, overlap: bool = False) -> None:
        self.environment, self.policy, self.overlap = behind_gate(environment), policy, overlap
        self._broken_off = False

    def collect(
        self, policy_state: PolicyState, seeds: NDArray[np.int64], exploration: float | None
    ) -> list[Episode]:
        self.policy.load_state_dict(policy_state)
        return rollout(self.environment, self.policy, seeds, exploration, self._check)

    def break_off(self) -> None:
        self._broken_off = True

    def close(self) -> None:
        self.environment.close()

    def _check(self) -> None:
        """Between two steps of the games."""
        if self._broken_off:
            raise WorkerError("the round was broken off")
