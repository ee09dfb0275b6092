"""Signals that end a command: the first in good order, a second at once. Nothing heavy is imported here."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

ENDING = ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
"""Of users, terminals and schedulers, as far as the system knows them."""


class Stopped(SystemExit):
    """A signal came; ends the process with 128 + its number unless somebody has to clean up first.

    :param number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.signal = signal.Signals(number)

    def __str__(self) -> str:
        return f"stopped by {self.signal.name}"


class _Stop:
    """The handler: raises :class:`Stopped` where the process is, then no longer waits for anything."""

    def __init__(self) -> None:
        self._stopping = False

    def __call__(self, number: int, frame: FrameType | None) -> NoReturn:
        if self._stopping:
            os._exit(128 + number)  # children notice, and end (remix.learning.workers.child)
        self._stopping = True
        raise Stopped(number)


@contextmanager
def stoppable() -> Iterator[None]:
    """Within, signals that would end the process raise :class:`Stopped` instead.

    Signals that are ignored (by ``nohup``) or handled already (by a cluster's launcher) stay as they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stop = _Stop()
    before = {}
    for number in (getattr(signal, name) for name in ENDING if hasattr(signal, name)):
        if (handler := signal.getsignal(number)) in (signal.SIG_DFL, signal.default_int_handler):
            before[number] = handler
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
