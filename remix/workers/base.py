"""What a pool of workers is to the data module."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from envs.spec import Environment
from remix.episodes import Episode
from remix.policy import Policy

EnvironmentFactory = Callable[[], Environment]
PolicyState = dict[str, Tensor]


class WorkerPool(ABC):
    """Plays episodes. What an episode holds depends on its seed, the policy and the exploration alone."""

    overlap = False
    """Whether the next round is to be played during the updates (see :mod:`remix.datamodule`)."""

    @abstractmethod
    def collect(
        self, policy_state: PolicyState, seeds: NDArray[np.int64], exploration: float | None
    ) -> list[Episode]:
        """One whole episode per seed, in the order of the seeds.

        :param policy_state: the policy's ``state_dict`` on the CPU.
        :param exploration: see :meth:`Policy.act`.
        """

    @abstractmethod
    def close(self) -> None:
        """Stop what runs; may be called twice."""


WorkersFactory = Callable[[EnvironmentFactory, Policy], WorkerPool]
"""Builds a pool; the policy is the pool's own copy."""
