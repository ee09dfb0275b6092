"""Processes that end together with everything they have started, such as a game."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.context import BaseContext
from threading import Lock, Thread
from traceback import format_exception
from types import FrameType
from typing import Any, TypeVar

from remix.learning.workers.base import WorkerError
from remix.settings.errors import GameError, SettingError, named
from remix.settings.import_path import find_own_modules

T = TypeVar("T")

_SAFE_PATH = "PYTHONSAFEPATH"
_STARTING = Lock()


class Child:
    """A process and a connection to it.

    Where the system has process groups, the process leads one of its own. What it starts stays in that group,
    and Ctrl-C in the terminal reaches none of them. The process does not outlive the one that made it.

    :param life: what the process does, a function of a module; gets its end of the connection first.
    :param arguments: further arguments of ``life``.
    """

    def __init__(self, life: Callable[..., None], *arguments: Any) -> None:
        context = _context()
        self.connection, theirs = context.Pipe()
        self.process = context.Process(  # type: ignore[attr-defined]
            target=_lead, args=(life, theirs, dict(os.environ), *arguments), daemon=True
        )
        with _safe_path():
            self.process.start()
        theirs.close()
        self._killed = False

    def dismiss(self) -> None:
        """Close the connection, whereupon a child that reads from it can end in its own way."""
        with suppress(OSError):
            self.connection.close()

    def kill(self, patience: float = 0.0) -> None:
        """End the process and all that it has started; may be called twice.

        :param patience: seconds for it to end by itself, after :meth:`dismiss`.
        """
        self.dismiss()
        self.process.join(patience)
        self.end()
        self.process.join(timeout=5.0)

    def end(self) -> None:
        """Kill the process and all that it has started, without waiting; the connection stays."""
        if not self._killed and hasattr(os, "killpg"):
            # There is no group yet if it has only just begun, and none any more if nothing is left of it.
            with suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self._killed = True
        self.process.kill()


def apart(task: Callable[[], T], patience: float) -> T:
    """What ``task`` returns, computed in a process of its own that has ended when this returns.

    :param task: a function or a partial of one, which can be pickled.
    :param patience: seconds it may take.
    :raises WorkerError: the process died or took too long.
    :raises Exception: it raised; see :func:`portable`.
    """
    child = Child(_perform, pickle.dumps(task))
    try:
        if not child.connection.poll(patience):
            raise WorkerError(f"a process did not end within {patience:g} seconds")
        result, error = child.connection.recv()
    except (EOFError, OSError) as end:
        raise WorkerError("a process died") from end
    finally:
        child.kill()
    if error is not None:
        raise error
    answer: T = result
    return answer


def portable(error: Exception) -> Exception:
    """The exception that stands for another one in the process that it is sent to.

    A message for the user stays as it is. Any other exception, and one that cannot be pickled, becomes a
    :class:`WorkerError` with the same words.
    """
    meant = isinstance(error, GameError | SettingError)
    if meant:
        with suppress(Exception):
            copy: Exception = pickle.loads(pickle.dumps(error))
            return copy
    text = str(error) if meant else f"a process raised {named(error)}"
    return WorkerError(text, "".join(format_exception(error)))


def _context() -> BaseContext:
    """Never fork: a forked copy of a process with threads and open games is not a fresh start."""
    methods = multiprocessing.get_all_start_methods()
    method = "forkserver" if "forkserver" in methods else "spawn"
    if multiprocessing.get_start_method() not in methods:  # joblib's, which a new process would not know
        multiprocessing.set_start_method(method, force=True)
    context = multiprocessing.get_context(method)
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload(["remix.learning.workers.player"])
    return context


@contextmanager
def _safe_path() -> Iterator[None]:
    """Within, a new Python does not look for its own modules in the working directory, as in a `types.py`."""
    with _STARTING:
        before = os.environ.get(_SAFE_PATH)
        os.environ[_SAFE_PATH] = "1"
        try:
            yield
        finally:
            del os.environ[_SAFE_PATH]
            if before is not None:
                os.environ[_SAFE_PATH] = before


def _lead(life: Callable[..., None], connection: Any, variables: dict[str, str], *arguments: Any) -> None:
    os.environ.pop(_SAFE_PATH, None)  # nothing that a game starts needs it
    os.environ.update(variables)  # a fork server has those of the time when it started
    find_own_modules()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setsid"):
        os.setsid()
        signal.signal(signal.SIGTERM, _end_all)
    Thread(target=_end_with_parent, daemon=True).start()
    life(connection, *arguments)
    # The connection of a parent that died is closed, too. What was started here would outlive this process.
    _end_with_parent(patience=0.1)


def _end_with_parent(patience: float | None = None) -> None:
    """End this process with its parent: nobody else would end one whose game hangs.

    :param patience: seconds in which the parent may end; None for any time.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join(patience)
    if not parent.is_alive():
        _end_all()


def _end_all(signal_number: int = 0, frame: FrameType | None = None) -> None:
    """Take the group along when this process is told to end."""
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _perform(connection: Any, task: bytes) -> None:
    outcome: tuple[Any, Exception | None]
    try:
        outcome = pickle.loads(task)(), None
    except Exception as error:
        outcome = None, portable(error)
    connection.send(outcome)
