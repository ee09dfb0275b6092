"""Episodes as tasks of a few seeds for workers elsewhere, handed out again where a worker is lost."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.learning.episodes import Episode
from remix.learning.workers.base import PolicyState, WorkerError, WorkerPool
from remix.settings import checks
from remix.settings.errors import InvalidOutput, SettingError


@dataclass
class Task:
    """Seeds ``[n]`` that one worker plays together, the first of which is number ``first`` of the whole."""

    first: int
    seeds: NDArray[np.int64]
    failures: int = 0


class Worker(ABC):
    """One that plays elsewhere, a task at a time.

    :ivar task: what it is at, None if nothing.
    """

    task: Task | None = None

    @property
    def is_free(self) -> bool:
        """Whether it can be given a task."""
        return self.task is None

    @abstractmethod
    def start(self, task: Task, policy_state: Any, exploration: float | None) -> None:
        """Hand over a task.

        :param policy_state: as :meth:`TaskedWorkers.shared` made it.
        :raises OSError: it cannot be reached.
        """

    @abstractmethod
    def answer(self, timeout: float) -> list[Episode] | Exception | None:
        """The episodes, or why there are none; None if it is still at it.

        :param timeout: seconds for playing, once it does.
        """

    @abstractmethod
    def restart(self) -> None:
        """End it and all that it has started, and begin anew without a task."""

    @abstractmethod
    def end(self) -> None:
        """Make it answer with an error soon, from any thread."""


class TaskedWorkers(WorkerPool):
    """A pool of workers that may be lost.

    A worker that dies, raises or does not answer in time is replaced, together with all that it has started.
    Its episodes are collected again; they are the same episodes if the environment keeps to its seeds. A
    warning announces the first replacement. A mistake that the user has to mend, in the settings or in the
    game, ends the run at once.

    :param n_workers: workers.
    :param episodes_at_once: largest batch of episodes that one worker plays together; 1 for environments
        that are one game each.
    :param timeout: seconds that a worker may play its batch before it counts as hung; its start, the making
        of its game and compiling do not count.
    :param retries: how often the same episodes may fail before the run ends, with the game's own error if
        that was the last failure, else with a :class:`WorkerError`.
    :param overlap: play the next round while the learner makes its updates.
    """

    replaces_hung = True

    def __init__(
        self, n_workers: int, episodes_at_once: int, timeout: float, retries: int, overlap: bool
    ) -> None:
        self.n_workers = checks.whole("n_workers", n_workers, minimum=1)
        self.episodes_at_once = checks.whole("episodes_at_once", episodes_at_once, minimum=1)
        self.retries = checks.whole("retries", retries, minimum=1)
        self.timeout = checks.number("timeout", timeout, above=0)
        self.overlap, self.restarts = overlap, 0
        self._broken_off = False
        self._workers: Sequence[Worker] = ()

    @abstractmethod
    def recruit(self) -> Sequence[Worker]:
        """All workers, called when there is first something to play."""

    @abstractmethod
    def ready(self) -> Sequence[Worker]:
        """Workers with an answer, an end or a passed deadline; waits for the first of them.

        May be empty if a worker has become free in the meantime.
        """

    def shared(self, policy_state: PolicyState) -> Any:
        """The policy of a round in the form in which its tasks get it."""
        return policy_state

    def collect(
        self, policy_state: PolicyState, seeds: NDArray[np.int64], exploration: float | None
    ) -> list[Episode]:
        self._workers = self._workers or self.recruit()
        for worker in self._workers:
            if worker.task is not None:  # of a call that was broken off
                worker.restart()
        size = min(self.episodes_at_once, -(-len(seeds) // self.n_workers))
        waiting = deque(Task(first, seeds[first : first + size]) for first in range(0, len(seeds), size))
        episodes: dict[int, list[Episode]] = {}
        n_tasks, shared = len(waiting), self.shared(policy_state)
        while len(episodes) < n_tasks:
            if self._broken_off:
                raise WorkerError("the round was broken off")
            for worker in self._workers:
                if worker.is_free and waiting:
                    self._hand_over(worker, waiting, shared, exploration)
            for worker in self.ready():
                task = worker.task
                assert task is not None
                answer = worker.answer(self.timeout)
                if answer is None:
                    continue
                if isinstance(answer, Exception):
                    self._replace(worker, task, answer)
                    waiting.appendleft(task)
                else:
                    episodes[task.first] = answer
        return [episode for first in sorted(episodes) for episode in episodes[first]]

    def break_off(self) -> None:
        self._broken_off = True
        for worker in self._workers:
            worker.end()

    def _hand_over(
        self, worker: Worker, waiting: deque[Task], policy_state: Any, exploration: float | None
    ) -> None:
        task = waiting.popleft()
        try:
            worker.start(task, policy_state, exploration)
        except OSError as error:
            self._replace(worker, task, WorkerError(f"it could not be reached ({error})"))
            waiting.appendleft(task)

    def _replace(self, worker: Worker, task: Task, error: Exception) -> None:
        if self._broken_off or isinstance(error, InvalidOutput | SettingError):
            raise error
        task.failures += 1
        if task.failures > self.retries:
            if not isinstance(error, WorkerError):
                raise error
            raise WorkerError(
                f"a worker failed {task.failures} times at the same episodes (seeds {task.seeds.tolist()}); "
                f"the last time {error}",
                error.details,
            )
        if self.restarts == 0:
            warnings.warn(
                f"a worker was replaced and its episodes are collected again: {error} "
                "(further replacements are counted, not announced)",
                RuntimeWarning,
                stacklevel=2,
            )
        self.restarts += 1
        worker.restart()
