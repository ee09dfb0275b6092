"""Workers on the machines of a Ray cluster, for games so slow that the cores of one machine are too few.

Each worker is an actor that has the game played by a process of its own, as
:mod:`remix.learning.workers.process` does: a game that hangs is ended where it runs, with all that it has
started. What can be lost beside that is an actor, or the machine under it.
"""

from __future__ import annotations

import os
import pickle
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import ceil
from multiprocessing.connection import wait
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.learning.episodes import Episode
from remix.learning.policy import Policy
from remix.learning.workers.base import EnvironmentFactory, PolicyState, WorkerError
from remix.learning.workers.cluster import LOCAL, check_resources, connect
from remix.learning.workers.process import START_PATIENCE, ProcessWorker, pickled
from remix.learning.workers.tasks import Task, TaskedWorkers, Worker
from remix.settings import checks
from remix.settings.errors import SettingError, named
from remix.settings.import_path import find_own_modules

_FAREWELL = 15.0  # seconds for actors to close their games


class RayWorkers(TaskedWorkers):
    """A pool of Ray actors; see :class:`TaskedWorkers`. It plays with those that are there.

    :param n_workers: actors wanted.
    :param address: of the cluster, as :func:`connect` takes it.
    :param num_cpus: cores that the cluster reserves for an actor.
    :param runtime_env: what Ray brings to other machines, such as ``{"working_dir": "."}``; None if they see
        the folder that this process is in.
    """

    reaches = ("address", "runtime_env")
    """Settings that decide where code runs, and which; no file from elsewhere may choose them."""

    def __init__(
        self,
        environment: EnvironmentFactory,
        policy: Policy,
        n_workers: int = 2,
        episodes_at_once: int = 8,
        timeout: float = 300.0,
        retries: int = 3,
        overlap: bool = False,
        address: str = LOCAL,
        num_cpus: float = 1.0,
        runtime_env: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(n_workers, episodes_at_once, timeout, retries, overlap)
        checks.number("num_cpus", num_cpus, minimum=0)
        self._ray = connect(address, ceil(num_cpus * n_workers), runtime_env=runtime_env)
        check_resources(self._ray, {"num_cpus": ("CPU", num_cpus)})
        folder = None if "working_dir" in (runtime_env or {}) else os.getcwd()
        player = self._ray.put(pickled(environment, policy))
        actor = self._ray.remote(_Player).options(num_cpus=num_cpus, scheduling_strategy="SPREAD")
        self._hire: Callable[[], Any] = lambda: actor.remote(player, folder)
        self._workers: Sequence[RayWorker] = ()

    @property
    def strength(self) -> tuple[int, int]:
        """Actors that are there and actors wanted; a cluster may have no room for some."""
        return sum(worker.is_there for worker in self._workers), self.n_workers

    def recruit(self) -> Sequence[RayWorker]:
        worker = partial(RayWorker, self._ray, self._hire, self.timeout, self.retries)
        return [worker() for _ in range(self.n_workers)]

    def shared(self, policy_state: PolicyState) -> Any:
        """A reference: every machine gets the policy once."""
        return self._ray.put(policy_state)

    def ready(self) -> Sequence[RayWorker]:
        calls = {worker.call: worker for worker in self._workers if worker.call is not None}
        patience = max(0.0, min(worker.deadline for worker in calls.values()) - time.monotonic())
        self._ray.wait(list(calls), timeout=patience)  # for the first
        done, _ = self._ray.wait(list(calls), num_returns=len(calls), timeout=0)
        late = [worker for worker in calls.values() if time.monotonic() >= worker.deadline]
        ready = [calls[call] for call in done] or late
        for worker in ready:
            if worker.task is None:
                worker.arrive()
        if late and not self.strength[0]:
            raise WorkerError(f"no worker found a place on the cluster within {START_PATIENCE:g} seconds")
        return [worker for worker in ready if worker.task is not None]

    def close(self) -> None:
        """End the actors, the idle ones in their own way. The cluster stays as long as this process."""
        idle = [worker.actor.close.remote() for worker in self._workers if worker.is_free]
        if idle:
            self._ray.wait(idle, num_returns=len(idle), timeout=_FAREWELL)
        for worker in self._workers:
            worker.end()
        self._workers = ()


class RayWorker(Worker):
    """An actor, and what it was asked.

    :param ray: the module, connected.
    :param hire: starts an actor.
    :param timeout: seconds for playing a task.
    :param retries: how often in a row actors may be lost before they have started.
    :ivar call: for what the actor is at; None if it is there and has nothing to do.
    """

    def __init__(self, ray: Any, hire: Callable[[], Any], timeout: float, retries: int) -> None:
        self._ray, self._hire, self._timeout, self._retries = ray, hire, timeout, retries
        self._failures = 0
        self._begin()

    def _begin(self) -> None:
        self.task, self.actor = None, self._hire()
        self._ask(self.actor.prepare.remote(), START_PATIENCE)

    def _ask(self, call: Any, patience: float) -> None:
        self.call: Any = call
        self.deadline = time.monotonic() + patience

    @property
    def is_there(self) -> bool:
        """Whether its actor has started."""
        return self.task is not None or self.call is None

    @property
    def is_free(self) -> bool:
        """Whether its actor waits for a task."""
        return self.call is None

    def arrive(self) -> None:
        """See what became of an actor that starts. One that waits for a place may wait on.

        :raises SettingError: it cannot play where it is.
        :raises WorkerError: it was lost again and again.
        """
        if not self._has_answer():
            self.deadline = time.monotonic() + START_PATIENCE
            return
        error = self._answer()
        if isinstance(error, SettingError) or (error is not None and self._failures == self._retries):
            raise error
        self._failures = 0 if error is None else self._failures + 1
        if error is not None:
            self.restart()

    def start(self, task: Task, policy_state: Any, exploration: float | None) -> None:
        self.task = task
        call = self.actor.play.remote(policy_state, task.seeds, exploration, self._timeout)
        # Its actor limits the time of playing. One that is as late as this is stopped, or cut off.
        self._ask(call, self._timeout + 3 * START_PATIENCE)

    def answer(self, timeout: float) -> list[Episode] | Exception | None:
        return self._answer() if self._has_answer() else WorkerError("it gave no sign")

    def restart(self) -> None:
        """A process that failed was replaced by its actor already; a lost actor is replaced by another."""
        self.task = None
        if self.call is not None:
            self.end()
            self._begin()

    def end(self) -> None:
        self._ray.kill(self.actor)

    def _has_answer(self) -> bool:
        return bool(self._ray.wait([self.call], timeout=0)[0])

    def _answer(self) -> Any:
        """What the actor sent, or the error of a lost one, whose call stays."""
        try:
            answer = pickle.loads(self._ray.get(self.call))
        except self._ray.exceptions.RayError as error:
            return _loss(error)
        self.call = None
        return answer


class _Player:
    """Lives in an actor and has a game played by a process of its own, replaced where it fails.

    :param player: environment and policy, pickled.
    :param folder: where the run was started; None if Ray brings what is needed.
    """

    def __init__(self, player: bytes, folder: str | None) -> None:
        self._player, self._folder = player, folder

    def prepare(self) -> bytes:
        """None, or the error if the game cannot be had here; pickled."""
        try:
            if self._folder is not None:
                os.chdir(self._folder)
            find_own_modules()
            pickle.loads(self._player)
        except Exception as error:
            expected = (
                f"cannot have the environment on {socket.gethostname()} ({named(error)}): be in a folder "
                "that all machines see, or let Ray bring it there, by workers.runtime_env={working_dir: .}"
            )
            return pickle.dumps(SettingError("workers", "ray", expected))
        self._worker = ProcessWorker(self._player)
        return pickle.dumps(None)

    def play(
        self, policy_state: PolicyState, seeds: NDArray[np.int64], exploration: float | None, timeout: float
    ) -> bytes:
        """The episodes or an exception, pickled: what Ray unpickles cannot be written to."""
        worker = self._worker
        try:
            worker.start(Task(0, seeds), policy_state, exploration)
            while (answer := self._wait(timeout)) is None:
                pass
        except OSError as error:
            answer = WorkerError(f"its process could not be reached ({error})")
        if isinstance(answer, Exception):
            worker.restart()
        return pickle.dumps(answer)

    def _wait(self, timeout: float) -> list[Episode] | Exception | None:
        wait([self._worker.connection], max(0.0, self._worker.deadline - time.monotonic()))
        return self._worker.answer(timeout)

    def close(self) -> None:
        """Let the game close in its own way."""
        self._worker.child.kill(_FAREWELL)


def _loss(error: Exception) -> Exception:
    """What to say of an actor that is gone, from Ray's many lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    if getattr(error, "actor_init_failed", False) or type(error).__name__ == "RuntimeEnvSetupError":
        return SettingError("workers", "ray", f"a machine of the cluster cannot start a worker ({lines[-1]})")
    if "low on memory" in str(error):
        lines = ["its machine ran out of memory: choose fewer workers there, by workers.num_cpus"]
    return WorkerError(f"its actor was lost ({lines[-1]})")
