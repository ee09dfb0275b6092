"""The record that every run keeps in its directory, and what it says of the run. Free of torch."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from envs.errors import SettingError

RUNS = Path("runs")
"""Where runs go, below the working directory."""

RUN_FILE = "run.json"
"""In a run's directory: its identity, seed and status."""

LAST_CHECKPOINTS = ("last.ckpt", "previous.ckpt")
"""In a run's folder ``checkpoints``: what it goes on from, and what it goes on from if that is damaged."""

ERROR_FILE = "error.txt"
"""In the directory of a run that failed: the traceback."""

_LOCK = ".lock"

State = Literal["new", "running", "interrupted", "failed", "finished"]


def read_run(directory: Path) -> dict[str, Any]:
    """The record of a run, empty if there is none."""
    try:
        record: object = json.loads((directory / RUN_FILE).read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def write_run(directory: Path, record: dict[str, Any]) -> None:
    """Replace the record at once."""
    replace_text(directory / RUN_FILE, json.dumps(record, indent=1))


def replace_text(path: Path, text: str) -> None:
    """Write a file that other processes may read: whatever happens, the old or the new one is there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def find_runs(identity: str, seed: int) -> list[tuple[dict[str, Any], Path]]:
    """Records and directories of all runs below ``runs`` with this identity and seed, oldest first."""
    found = [(read_run(file.parent), file.parent) for file in RUNS.glob(f"**/{RUN_FILE}")]
    equal = [(r, path) for r, path in found if r.get("identity") == identity and r.get("seed") == seed]
    return sorted(equal, key=lambda run: run[0].get("started", ""))


def latest_run(identity: str, seed: int) -> Path | None:
    """The newest run with this identity and seed that has a checkpoint, finished or not."""
    paths = [path for _, path in find_runs(identity, seed)]
    saved = [
        path for path in paths if any((path / "checkpoints" / name).is_file() for name in LAST_CHECKPOINTS)
    ]
    return saved[-1] if saved else None


def state(directory: Path) -> State:
    """How far a run came. A process that was killed leaves its run interrupted."""
    status = read_run(directory).get("status")
    if status in ("finished", "failed"):
        return "finished" if status == "finished" else "failed"
    if _taken(directory):
        return "running"
    return "new" if status is None else "interrupted"


def discard(directory: Path) -> None:
    """Remove the directory of a run that was refused before it began, if nothing else is in it."""
    beginnings = {".hydra", _LOCK, RUN_FILE, ERROR_FILE}
    if not directory.is_dir() or _taken(directory):
        return
    if not {path.name for path in directory.iterdir()} <= beginnings:
        return
    shutil.rmtree(directory)
    for parent in directory.resolve().parents:
        if not parent.is_relative_to(RUNS.resolve()) or any(parent.iterdir()):
            return
        parent.rmdir()


@contextmanager
def claim(directory: Path) -> Iterator[None]:
    """Hold a run's directory, which is made if need be; the hold ends with the process at the latest.

    :raises SettingError: if another process holds it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(directory / _LOCK, timeout=0):
            yield
    except Timeout as error:
        raise SettingError("run_dir", directory, "another process is training this run") from error


def _taken(directory: Path) -> bool:
    if not (directory / _LOCK).is_file():
        return False
    try:
        with FileLock(directory / _LOCK, timeout=0):
            return False
    except Timeout:
        return True
