"""Episodes from workers, by their numbers: of the present policy, or ahead of the updates that come first."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.learning.episodes import Episode
from remix.learning.rounds import Learner
from remix.learning.workers.base import PolicyState, WorkerPool, WorkersFactory, check_hanging
from remix.learning.workers.environments import Environments
from remix.learning.workers.seeds import episode_seeds
from remix.settings.errors import SettingError


@dataclass
class _Ahead:
    """A round that is being collected in the background."""

    episodes: Future[list[Episode]]
    policy_state: PolicyState
    exploration: float


class Collector:
    """Plays episodes of a learner's policy in workers.

    An episode is determined by its stream, its number, the policy and the exploration. Timing has no effect.

    :param environment: the environments that are built in this process.
    :param workers: builds the worker pool.
    :param seed: seed of all episodes.
    """

    def __init__(self, environment: Environments, workers: WorkersFactory, seed: int) -> None:
        self._environment, self._workers, self._seed = environment, workers, seed
        self._learner: Learner | None = None
        self._stays = False
        self._background = ThreadPoolExecutor(1, thread_name_prefix="collect")
        self._ahead: _Ahead | None = None
        self._interrupted: dict[str, Any] | None = None
        self.pool: WorkerPool | None = None

    @property
    def overlaps(self) -> bool:
        """Whether the next round is to be collected during the updates of the present one."""
        return self.pool is not None and self.pool.overlap

    @contextmanager
    def recruited(self, learner: Learner) -> Iterator[None]:
        """Keep the same workers in all stages inside the ``with`` block: validation, training and test.

        :raises SettingError: the workers cannot be made as configured, or not for this learner.
        """
        self._stays = True
        try:
            self.recruit(learner)
            yield
        finally:
            self._stays = False
            self.dismiss()

    def recruit(self, learner: Learner) -> None:
        """Make the workers, if there are none. Their processes start when they have to play.

        :raises SettingError: as :meth:`recruited` does.
        """
        self._learner = learner
        if self.pool is None:
            self.pool = self._workers(self._environment, deepcopy(learner.policy).cpu())
            self._environment.close()  # workers in other processes do not play this one
        check_hanging(self._environment.spec, self.pool)
        if self.pool.overlap and not learner.learns_from_replay:
            name = type(learner).__name__
            raise SettingError("workers.overlap", True, f"must be false: {name} learns on-policy")

    def end_stage(self) -> None:
        """Dismiss the workers, unless they stay for the next stage and have nothing to do."""
        if not self._stays or self._ahead is not None:
            self.dismiss()

    def dismiss(self) -> None:
        """Close the workers. A round that is being collected is lost."""
        if self.pool is not None:
            if self._ahead is not None:
                self.pool.break_off()
                wait([self._ahead.episodes])
                self._ahead = None
            self.pool.close()
            self.pool = None
        self._environment.close()

    def collect(
        self,
        stream: str,
        first: int,
        count: int,
        exploration: float | None,
        policy_state: PolicyState | None = None,
    ) -> list[Episode]:
        """Play the episodes ``first .. first + count - 1`` of a stream.

        :param exploration: share of exploring choices, None for greedy episodes.
        :param policy_state: weights of the policy, None for those of the learner.
        """
        assert self.pool is not None
        if self._ahead is not None:
            wait([self._ahead.episodes])
        if policy_state is None:
            policy_state = self._policy_state()
        seeds = episode_seeds(self._seed, stream, first, count)
        return _played(self.pool, policy_state, seeds, exploration)

    def next_round(self, first: int, count: int, env_steps: int) -> tuple[list[Episode], float]:
        """The episodes ``first .. first + count - 1`` for training, and the exploration in them.

        :param env_steps: environment steps before this round.
        """
        if self._ahead is None and self._interrupted is not None:
            self._collect_ahead(first, count, **self._interrupted)
        self._interrupted = None
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            return ahead.episodes.result(), ahead.exploration
        exploration = self._exploration(env_steps)
        return self.collect("train", first, count, exploration), exploration

    def start_next_round(self, first: int, count: int, env_steps: int) -> None:
        """Start to collect in the background what :meth:`next_round` will return, by the present policy."""
        # A copy, because the optimizer changes the weights in the meantime.
        policy_state = {name: tensor.clone() for name, tensor in self._policy_state().items()}
        self._collect_ahead(first, count, policy_state, self._exploration(env_steps))

    def _collect_ahead(self, first: int, count: int, policy_state: PolicyState, exploration: float) -> None:
        assert self.pool is not None
        seeds = episode_seeds(self._seed, "train", first, count)
        episodes = self._background.submit(_played, self.pool, policy_state, seeds, exploration)
        self._ahead = _Ahead(episodes, policy_state, exploration)

    def state(self) -> dict[str, Any] | None:
        """What it takes to collect the round in the background again, None without one."""
        if self._ahead is None:
            return None
        return {"policy_state": self._ahead.policy_state, "exploration": self._ahead.exploration}

    def restore(self, state: dict[str, Any] | None) -> None:
        """Let the next round be the one whose :meth:`state` was saved."""
        self._interrupted = state

    def _exploration(self, env_steps: int) -> float:
        assert self._learner is not None
        return self._learner.exploration(env_steps)

    def _policy_state(self) -> PolicyState:
        assert self._learner is not None
        return {name: tensor.detach().cpu() for name, tensor in self._learner.policy.state_dict().items()}


def _played(
    pool: WorkerPool, policy_state: PolicyState, seeds: NDArray[np.int64], exploration: float | None
) -> list[Episode]:
    """What the pool has played.

    :raises SettingError: it is not one episode for each of ``seeds [E]``; others would be missing unnoticed.
    """
    episodes = pool.collect(policy_state, seeds, exploration)
    if not isinstance(episodes, list) or len(episodes) != len(seeds):
        number = len(episodes) if isinstance(episodes, list) else type(episodes).__name__
        expected = f"must collect a list of {len(seeds)} episodes, one for each seed, has collected {number}"
        raise SettingError("workers", type(pool).__name__, expected)
    return episodes
