"""Workers in processes of their own, for environments that are slow, crash or hang."""

from __future__ import annotations

import pickle
import time
import warnings
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.learning.episodes import Episode
from remix.learning.policy import Policy
from remix.learning.workers.base import EnvironmentFactory, PolicyState, WorkerError, WorkerPool
from remix.learning.workers.child import Child
from remix.learning.workers.player import Phase, play, unreachable
from remix.settings import checks
from remix.settings.errors import InvalidOutput, SettingError

START_PATIENCE = 600.0  # seconds for a worker to import, to make its game, or to compile
_FAREWELL = 15.0  # seconds for workers to close their games in their own way


@dataclass
class _Task:
    """Seeds that one worker plays together, and where they stand in the whole."""

    first: int
    seeds: NDArray[np.int64]
    failures: int = 0


class ProcessWorkers(WorkerPool):
    """A pool of processes, each with its own environment and policy.

    A worker that dies, raises or does not answer in time is replaced, together with all that it has started.
    Its episodes are collected again; they are the same episodes if the environment keeps to its seeds. A
    warning announces the first replacement. A mistake that the user has to mend, in the settings or in the
    game, ends the run at once.

    :param n_workers: processes.
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
        self,
        environment: EnvironmentFactory,
        policy: Policy,
        n_workers: int = 2,
        episodes_at_once: int = 8,
        timeout: float = 300.0,
        retries: int = 3,
        overlap: bool = False,
    ) -> None:
        checks.whole("n_workers", n_workers, minimum=1)
        self.episodes_at_once = checks.whole("episodes_at_once", episodes_at_once, minimum=1)
        self.retries = checks.whole("retries", retries, minimum=1)
        self.timeout = checks.number("timeout", timeout, above=0)
        self.overlap, self.restarts = overlap, 0
        self._broken_off = False
        self._player, self._n_workers = _pickled(environment, policy), n_workers
        self._workers: list[_Worker] = []

    def collect(
        self, policy_state: PolicyState, seeds: NDArray[np.int64], exploration: float | None
    ) -> list[Episode]:
        if not self._workers:
            self._workers = [_Worker(self._player) for _ in range(self._n_workers)]
        for worker in self._workers:
            if worker.task is not None:  # of a call that was broken off
                worker.restart()
        size = min(self.episodes_at_once, -(-len(seeds) // len(self._workers)))
        waiting = deque(_Task(first, seeds[first : first + size]) for first in range(0, len(seeds), size))
        episodes: dict[int, list[Episode]] = {}
        n_tasks = len(waiting)
        while len(episodes) < n_tasks:
            if self._broken_off:
                raise WorkerError("the round was broken off")
            for worker in self._workers:
                if worker.task is None and waiting:
                    self._hand_over(worker, waiting, policy_state, exploration)
            for worker in self._ready_or_late():
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
            worker.child.end()

    def close(self) -> None:
        """Stop the workers: those that wait with a game close it, the others are killed."""
        waiting = [worker for worker in self._workers if worker.has_game and worker.task is None]
        for worker in waiting:
            worker.child.dismiss()
        deadline = time.monotonic() + _FAREWELL
        with ExitStack() as one_after_the_other:
            for worker in self._workers:
                patience = max(0.0, deadline - time.monotonic()) if worker in waiting else 0.0
                one_after_the_other.callback(worker.child.kill, patience)

    def _hand_over(
        self, worker: _Worker, waiting: deque[_Task], policy_state: PolicyState, exploration: float | None
    ) -> None:
        task = waiting.popleft()
        try:
            worker.start(task, (policy_state, task.seeds, exploration))
        except OSError as error:
            self._replace(worker, task, WorkerError(f"it could not be reached ({error})"))
            waiting.appendleft(task)

    def _ready_or_late(self) -> list[_Worker]:
        """Workers with an answer, an end or a passed deadline; waits for the first of them."""
        busy = {worker.connection: worker for worker in self._workers if worker.task is not None}
        if not busy:
            return []
        patience = max(0.0, min(worker.deadline for worker in busy.values()) - time.monotonic())
        ready = [busy[connection] for connection in wait(list(busy), patience)]  # type: ignore[index]
        return ready or [worker for worker in busy.values() if time.monotonic() >= worker.deadline]

    def _replace(self, worker: _Worker, task: _Task, error: Exception) -> None:
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
                f"a worker process was replaced and its episodes are collected again: {error} "
                "(further replacements are counted, not announced)",
                RuntimeWarning,
                stacklevel=2,
            )
        self.restarts += 1
        worker.restart()


def _pickled(environment: EnvironmentFactory, policy: Policy) -> bytes:
    """What a process plays with.

    Left to multiprocessing, torch would put every tensor into memory shared with this process, at the price
    of a file descriptor each.
    """
    try:
        return pickle.dumps((environment, policy))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise unreachable(error) from error


class _Worker:
    """One process and what it is doing.

    :param player: environment and policy, pickled.
    """

    def __init__(self, player: bytes) -> None:
        self._player = player
        self._begin()

    def _begin(self) -> None:
        self.child = Child(play, self._player)
        self.task: _Task | None = None
        self.has_game, self.phase, self.deadline = False, Phase.STARTING, 0.0

    @property
    def connection(self) -> Connection:
        return self.child.connection

    @property
    def process(self) -> BaseProcess:
        return self.child.process

    def start(self, task: _Task, message: Any) -> None:
        """Hand over a task, which the process gets as soon as it is there."""
        self.task, self._message, self.has_game = task, pickle.dumps(message), True
        self.deadline = time.monotonic() + START_PATIENCE
        if self.phase is not Phase.STARTING:
            self.connection.send_bytes(self._message)

    def answer(self, timeout: float) -> list[Episode] | Exception | None:
        """The episodes, or why there are none; None if it is still at it.

        :param timeout: seconds for playing, once it does.
        """
        try:
            if not self.connection.poll():
                return WorkerError(
                    f"it did not answer within {timeout:g} seconds (workers.timeout)"
                    if self.phase is Phase.PLAYING
                    else f"it did not start within {START_PATIENCE:g} seconds"
                )
            message: list[Episode] | Exception | Phase = self.connection.recv()
            if message is Phase.READY:
                self.connection.send_bytes(self._message)
        except (EOFError, OSError):
            self.process.join(timeout=1.0)
            return WorkerError(f"it died (exit code {self.process.exitcode})")
        if not isinstance(message, Phase):
            self.task, self.phase = None, Phase.READY
            return message
        self.phase = message
        self.deadline = time.monotonic() + (timeout if message is Phase.PLAYING else START_PATIENCE)
        return None

    def restart(self) -> None:
        self.child.kill()
        self._begin()
