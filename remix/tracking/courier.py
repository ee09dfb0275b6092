"""The thread that brings a run to its store while it trains, so that training never waits for one."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from threading import Event, Thread

from remix.records.record import RunRecord
from remix.settings.errors import SettingError, first_line
from remix.tracking.delivery import WHOLE, Delivery
from remix.tracking.journal import JOURNAL, Journal
from remix.tracking.store import AwayError, is_away, load_mlflow, patience

START_SECONDS = 10.0
"""Longest wait for a server at the start, so that mistakes are seen."""

END_SECONDS, ALL_SECONDS = 10.0, 60.0
"""Longest wait at the end while the store takes nothing, and altogether."""

_LOOK, _LONGEST = 1.0, 30.0  # seconds between looks at the folder, and between tries while a store is away


class Courier:
    """Delivers in a thread, from the beginning of a run to its end.

    :raises SettingError: if the store can be reached and cannot be used as asked for.
    """

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._record: RunRecord | None = None
        self._ending, self._contacted, self._wake = False, Event(), Event()
        self._problem: Exception | None = None
        self._told = False
        load_mlflow()  # importing takes seconds, which must not count as the store's
        self._thread = Thread(target=self._work, name="delivery", daemon=True)
        self._thread.start()
        if not self._contacted.wait(longest := patience(delivery.target.uri, START_SECONDS)):
            self._tell(TimeoutError(f"no answer within {longest:.0f} seconds"))
        elif isinstance(self._problem, SettingError) and not isinstance(self._problem, AwayError):
            self._delivery.cancelled = True
            raise self._problem
        elif self._problem is not None:
            self._tell(self._problem)

    def begin(self, record: RunRecord, journal: Journal) -> None:
        """From now on there is something to deliver."""
        self._delivery.go_on(journal)
        self._delivery.note.write(
            self._delivery.directory
        )  # from now on sync knows that there is something to deliver
        self._record = record
        self._wake.set()

    def end(self, record: RunRecord) -> None:
        """Deliver the rest as long as the store takes it, and say what is not delivered."""
        if self._record is None and record.status not in WHOLE:  # the run was refused before it began
            self._delivery.cancelled = True
            self._wake.set()
            return
        if self._record is None:
            self._delivery.note.write(self._delivery.directory)
        self._record, self._ending = record, True
        self._wake.set()
        self._thread.join(1.0)
        if self._thread.is_alive():
            print(f"waiting for {self._delivery.target.uri}, {ALL_SECONDS:.0f} seconds at most", flush=True)
            self._wait()
        if self._thread.is_alive() or self._problem is not None:
            self._delivery.cancelled = True
            reason = first_line(self._problem) if self._problem else "it is slow"
            _warn(
                f"{self._delivery.target.uri} does not have all of this run ({reason}); it is in "
                f"{self._delivery.directory}, and 'remix sync {self._delivery.directory}' delivers it"
            )

    def _wait(self) -> None:
        """Wait until everything is delivered, or until the store takes no more."""
        deadline, before = time.monotonic() + ALL_SECONDS, -1
        while self._thread.is_alive() and time.monotonic() < deadline and before != self._delivery.taken:
            before = self._delivery.taken
            self._thread.join(END_SECONDS)

    def _work(self) -> None:
        pause = _LOOK
        while not self._delivery.cancelled:
            ending, record = self._ending, self._record
            try:
                self._delivery.contact()
                if record is not None:
                    self._delivery.bring(record)
                self._problem, pause, self._told = None, _LOOK, False
            except Exception as error:
                self._problem, pause = error, min(2.0 * pause, _LONGEST)
            self._contacted.set()
            if ending:
                return
            if self._problem is not None and record is not None:
                self._tell(self._problem)
            self._wake.wait(pause)
            self._wake.clear()

    def _tell(self, problem: Exception) -> None:
        """Warn that the store is away, once each time that it goes away."""
        if not self._told and not self._delivery.cancelled:
            self._told = True
            _warn(
                f"{first_line(problem)}; training goes on, metrics are kept in "
                f"{self._delivery.directory / JOURNAL}, and 'remix sync' delivers what is missing in the end"
            )


def within(uri: str, action: Callable[[], None]) -> None:
    """Do something with a store. A server gets some seconds for it, a database all the time it needs.

    :raises AwayError: if that was not enough, or the store is out of reach.
    :raises SettingError: if it cannot be used for another reason.
    """
    load_mlflow()
    problems: list[Exception] = []

    def act() -> None:
        try:
            action()
        except Exception as error:
            problems.append(error)

    thread = Thread(target=act, name="delivery", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter ends and starts no more threads
        action()
        return
    thread.join(longest := patience(uri, END_SECONDS))
    if thread.is_alive():
        raise AwayError("tracking_uri", uri, f"no answer within {longest:.0f} seconds")
    if problems:
        [error] = problems
        if isinstance(error, SettingError) or not is_away(error):
            raise error
        raise AwayError("tracking_uri", uri, first_line(error)) from error


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr, flush=True)
