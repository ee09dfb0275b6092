"""The record that every run keeps in its directory, and what it says of the run. Free of torch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Literal

from remix.runs.claims import DRAFT, LOCK, NOTE, holder
from remix.settings.files import LAST_CHECKPOINTS, RUNS, replace_text

RUN_FILE = "run.json"
"""In a run's directory: its identity, seed and status."""

ERROR_FILE = "error.txt"
"""In the directory of a run that failed: the traceback."""

OUTPUT_FILE = "output.txt"
"""In the directory of a search's run: what it would have printed."""

_BEGINNINGS = frozenset({".hydra", LOCK, NOTE, DRAFT, RUN_FILE, ERROR_FILE, OUTPUT_FILE})

State = Literal["new", "running", "interrupted", "stopped", "failed", "finished"]
"""A run that used its budget is finished. One that ended early is stopped if a setting or a callback did it,
interrupted if a signal came or the process died, and failed if something went wrong."""


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


def short(path: Path) -> Path:
    """The path from the working directory, if it lies below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def all_runs() -> list[tuple[dict[str, Any], Path]]:
    """Records and directories of all runs below ``runs``."""
    return [(read_run(file.parent), file.parent) for file in RUNS.glob(f"**/{RUN_FILE}")]


def find_runs(identity: str, seed: int) -> list[tuple[dict[str, Any], Path]]:
    """Records and directories of all runs below ``runs`` with this identity and seed, oldest first."""
    equal = [(r, path) for r, path in all_runs() if r.get("identity") == identity and r.get("seed") == seed]
    return sorted(equal, key=lambda run: run[0].get("started", ""))


def latest_run(identity: str, seed: int) -> Path | None:
    """The newest run with this identity and seed that is finished or has a checkpoint to go on from."""
    return next((path for run, path in reversed(find_runs(identity, seed)) if _is_kept(run, path)), None)


def state(directory: Path) -> State:
    """How far a run came. A process that was killed leaves its run interrupted."""
    status = read_run(directory).get("status")
    for ended in ("finished", "failed", "stopped"):
        if status == ended:
            return ended
    if holder(directory) is not None:
        return "running"
    return "new" if status is None else "interrupted"


def discard(directory: Path) -> None:
    """Remove the directory of a run that was refused before it began, if nothing else is in it."""
    if (
        not directory.is_dir()
        or holder(directory) is not None
        or Path.cwd().is_relative_to(directory.resolve())
    ):
        return
    if not {path.name for path in directory.iterdir()} <= _BEGINNINGS:
        return
    shutil.rmtree(directory)
    for parent in directory.resolve().parents:
        if not parent.is_relative_to(RUNS.resolve()) or any(parent.iterdir()):
            return
        parent.rmdir()


def is_free(directory: Path) -> bool:
    """Whether nothing that a run would overwrite is in a directory."""
    return not directory.is_dir() or all(
        path.name in _BEGINNINGS or path.suffix == ".log" for path in directory.iterdir()
    )


def _is_kept(record: dict[str, Any], directory: Path) -> bool:
    saved = any((directory / "checkpoints" / name).is_file() for name in LAST_CHECKPOINTS)
    return saved or record.get("status") == "finished"
