"""Who holds a directory, of a run for example: one process at a time, wherever it runs. Free of torch.

A lock of the file system decides. Beside it lies a note of who holds it, which its holder touches from time
to time, so that looking at a run takes no lock. Where the file system has no locks, a file stands for one,
and outlives a process that was killed. The note then tells: of a process of this host whether it lives, of
one of another host whether it gave a sign of late.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from remix.settings.errors import SettingError

LOCK, NOTE, DRAFT = ".lock", ".holder", ".holder.draft"
"""Files in a directory that was ever held, in one that is, and of what the note is made."""

BEAT, EXPIRY = 30.0, 300.0
"""Seconds between two signs of a holder, and after which one of another host is taken to be gone."""

PROCESSES = Path("/proc")
"""Where Linux tells of processes."""

POLL = 0.05
"""Seconds between two looks of who waits for a turn."""


class TakenError(SettingError):
    """Another process holds the directory."""


@dataclass(frozen=True)
class Holder:
    """A process that holds a directory.

    :ivar born: what tells it from a later process of the same number; empty where the system does not say.
    :ivar since: time at which it took hold.
    """

    host: str
    pid: int
    born: str
    since: str

    @classmethod
    def this(cls) -> Holder:
        now = f"{datetime.now():%Y-%m-%d %H:%M:%S}"
        return cls(socket.gethostname(), os.getpid(), _born(os.getpid()), now)

    def lives(self, silent: float) -> bool:
        """:param silent: seconds since its last sign."""
        if self.host != socket.gethostname():
            return silent < EXPIRY
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return self.born in ("", _born(self.pid))

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


def holder(directory: Path) -> Holder | None:
    """Who holds a directory, None if nobody does or the one who did is gone."""
    note = directory / NOTE
    try:
        content = json.loads(note.read_text())
        found = Holder(**{**content, "pid": int(content["pid"])})
        silent = time.time() - note.stat().st_mtime
        return found if found.lives(silent) else None
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return None


@contextmanager
def claim(directory: Path) -> Iterator[None]:
    """Hold a run's directory, which is made if need be; the hold ends with the process at the latest.

    :raises TakenError: if another process holds it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lock = _locked(directory)
    try:
        with _noted(directory):
            yield
    finally:
        lock.release()


@contextmanager
def turn(directory: Path) -> Iterator[None]:
    """Hold a directory as :func:`claim` does, as soon as nobody else does."""
    with ExitStack() as stack:
        while not _entered(stack, directory):
            time.sleep(POLL)
        yield


def _entered(stack: ExitStack, directory: Path) -> bool:
    try:
        stack.enter_context(claim(directory))
    except TakenError:
        return False
    return True


def _locked(directory: Path) -> FileLock:
    lock = FileLock(directory / LOCK, timeout=0)
    try:
        lock.acquire()
        return lock
    except Timeout as error:
        taken = error
    if isinstance(lock, SoftFileLock) and (directory / NOTE).is_file() and holder(directory) is None:
        with suppress(Timeout):
            (directory / LOCK).unlink(missing_ok=True)
            lock.acquire()
            return lock
    raise TakenError(
        "run_dir", directory, f"another process is training this run: {_who(directory)}"
    ) from taken


def _who(directory: Path) -> str:
    if (found := holder(directory)) is None:
        return f"nobody known; if there is none, delete {directory / LOCK}"
    if found.host == socket.gethostname():
        return f"{found}; end it first, or wait for it"
    return f"{found}; if that is gone, the run is free {EXPIRY / 60:.0f} minutes after its last sign"


@contextmanager
def _noted(directory: Path) -> Iterator[None]:
    note, over = directory / NOTE, threading.Event()
    draft = directory / DRAFT
    draft.write_text(json.dumps(asdict(Holder.this())))
    draft.replace(note)

    def beat() -> None:
        while not over.wait(BEAT):
            with suppress(OSError):
                os.utime(note)

    threading.Thread(target=beat, name="hold", daemon=True).start()
    try:
        yield
    finally:
        over.set()
        note.unlink(missing_ok=True)


def _born(pid: int) -> str:
    """When a process started, in the system's own words: those of Linux, elsewhere those of ``ps``."""
    try:
        if (PROCESSES / "self/stat").is_file():
            return (PROCESSES / f"{pid}/stat").read_text().rpartition(")")[2].split()[19]
        # The words of all who ask must be the same, whatever their language and their time zone.
        words = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
        command = ["ps", "-o", "lstart=", "-p", str(pid)]
        asked = subprocess.run(command, env=words, capture_output=True, text=True, timeout=10, check=True)
        return asked.stdout.strip()
    except (OSError, IndexError, subprocess.SubprocessError):
        return ""
