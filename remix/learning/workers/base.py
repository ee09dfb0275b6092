"""What a pool of workers is to the data module."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from remix.envs.spec import Environment, EnvSpec
from remix.learning.episodes import Episode
from remix.learning.policy import Policy
from remix.settings.errors import GameError, SettingError

EnvironmentFactory = Callable[[], Environment]
PolicyState = dict[str, Tensor]


class WorkerError(GameError):
    """Another process failed at its task, each time that it was tried."""


class WorkerPool(ABC):
    """Plays episodes.

    An episode depends on its seed, the policy and the exploration alone, if the environment keeps to its
    seeds.
    """

    overlap = False
    """Whether the next round is to be played during the updates (see :mod:`remix.learning.datamodule`)."""

    replaces_hung = False
    """Whether a game that hangs is replaced; where not, games that may are refused."""

    imports_anew = True
    """Whether games are played by processes that import their code when a run begins."""

    @property
    def strength(self) -> tuple[int, int] | None:
        """Workers that are there and workers wanted, where there may be fewer for long; else None."""
        return None

    @abstractmethod
    def collect(
        self, policy_state: PolicyState, seeds: NDArray[np.int64], exploration: float | None
    ) -> list[Episode]:
        """Play one whole episode for each of ``seeds [E]``, in the order of the seeds.

        :param policy_state: the policy's ``state_dict`` on the CPU.
        :param exploration: see :meth:`Policy.act`.
        """

    def break_off(self) -> None:  # noqa: B027
        """Make a :meth:`collect` that runs in another thread raise soon. The pool is closed next."""

    @abstractmethod
    def close(self) -> None:
        """Stop what runs; may be called twice."""


def check_hanging(spec: EnvSpec, pool: object) -> None:
    """Refuse to play a game that may hang where nothing could be done about it.

    :param pool: a pool of workers, or the class of one.
    :raises SettingError: naming the workers that can.
    """
    if spec.may_hang and not getattr(pool, "replaces_hung", False):
        name = getattr(pool, "__name__", type(pool).__name__)
        raise SettingError(
            "workers", name, f"cannot replace a game that hangs, as {spec.name} may: choose workers=process"
        )


WorkersFactory = Callable[[EnvironmentFactory, Policy], WorkerPool]
"""Builds a pool; the policy is the pool's own copy."""
