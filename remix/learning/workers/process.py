"""Workers in processes of their own, for environments that are slow, crash or hang."""

from __future__ import annotations

import pickle
import time
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from remix.learning.episodes import Episode
from remix.learning.policy import Policy
from remix.learning.workers.base import EnvironmentFactory, WorkerError
from remix.learning.workers.child import Child
from remix.learning.workers.player import Phase, play, unreachable
from remix.learning.workers.tasks import Task, TaskedWorkers, Worker

START_PATIENCE = 600.0  # seconds for a worker to import, to make its game, or to compile
_FAREWELL = 15.0  # seconds for workers to close their games in their own way


class ProcessWorkers(TaskedWorkers):
    """A pool of processes, each with its own environment and policy; see :class:`TaskedWorkers`.

    :param n_workers: processes.
    """

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
        super().__init__(n_workers, episodes_at_once, timeout, retries, overlap)
        self._player = pickled(environment, policy)
        self._workers: Sequence[ProcessWorker] = ()

    def recruit(self) -> Sequence[ProcessWorker]:
        return [ProcessWorker(self._player) for _ in range(self.n_workers)]

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

    def ready(self) -> Sequence[ProcessWorker]:
        busy = {worker.connection: worker for worker in self._workers if worker.task is not None}
        if not busy:
            return []
        patience = max(0.0, min(worker.deadline for worker in busy.values()) - time.monotonic())
        ready = [busy[connection] for connection in wait(list(busy), patience)]  # type: ignore[index]
        return ready or [worker for worker in busy.values() if time.monotonic() >= worker.deadline]


def pickled(environment: EnvironmentFactory, policy: Policy) -> bytes:
    """What a process plays with.

    Left to multiprocessing, torch would put every tensor into memory shared with this process, at the price
    of a file descriptor each.
    """
    try:
        return pickle.dumps((environment, policy))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise unreachable(error) from error


class ProcessWorker(Worker):
    """One process and what it is doing.

    :param player: environment and policy, pickled.
    """

    def __init__(self, player: bytes) -> None:
        self._player = player
        self._begin()

    def _begin(self) -> None:
        self.child = Child(play, self._player)
        self.task = None
        self.has_game, self.phase, self.deadline = False, Phase.STARTING, 0.0

    @property
    def connection(self) -> Connection:
        """The end of the pipe that tasks go into and episodes come out of."""
        return self.child.connection

    @property
    def process(self) -> BaseProcess:
        """The process that plays."""
        return self.child.process

    def start(self, task: Task, policy_state: Any, exploration: float | None) -> None:
        """Hand over a task, which the process gets as soon as it is there."""
        self.task, self.has_game = task, True
        self._message = pickle.dumps((policy_state, task.seeds, exploration))
        self.deadline = time.monotonic() + START_PATIENCE
        if self.phase is not Phase.STARTING:
            self.connection.send_bytes(self._message)

    def answer(self, timeout: float) -> list[Episode] | Exception | None:
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

    def end(self) -> None:
        self.child.end()
