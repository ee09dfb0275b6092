"""A run's folder: what its files are called, how far the run came, and how it is held."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from remix.records.claims import DRAFT, LOCK, NOTE, Holder, claim, holder
from remix.records.record import RunRecord
from remix.settings.files import LAST_CHECKPOINTS, RUNS, replace_text

RECORD = "run.json"
CONFIGURATION = "config.yaml"
BEST = "checkpoints/best.ckpt"
LAST = f"checkpoints/{LAST_CHECKPOINTS[0]}"
CHECKPOINTS = ("best.ckpt", *LAST_CHECKPOINTS)
"""In its folder ``checkpoints``, in the order in which they are taken for the policy."""
FILM = "episode.gif"
WEIGHTS, HEAT_MAP = "weight_heatmap.csv", "weight_heatmap.png"
LEARNING_CURVE = "learning_curve.png"
ERROR = "error.txt"
"""In the directory of a run that failed: the traceback."""
OUTPUT = "output.txt"
"""In the directory of a search's run: what it would have printed."""

_BEGINNINGS = frozenset({".hydra", LOCK, NOTE, DRAFT, RECORD, ERROR, OUTPUT})

State = Literal["new", "running", "interrupted", "stopped", "failed", "finished"]
"""A run that used its budget is finished. One that ended early is stopped if a setting or a callback did it,
interrupted if a signal came or the process died, and failed if something went wrong."""


@dataclass(frozen=True)
class RunDirectory:
    """The folder of a run, which need not be there yet."""

    path: Path

    @property
    def record(self) -> RunRecord:
        """As it is now; empty if there is none that can be read."""
        try:
            content: object = json.loads((self.path / RECORD).read_text())
        except (OSError, ValueError, RecursionError):
            return RunRecord()
        return RunRecord.of(content) if isinstance(content, dict) else RunRecord()

    def write(self, record: RunRecord) -> None:
        """Replace the record at once."""
        replace_text(self.path / RECORD, json.dumps(record.content(), indent=1))

    @property
    def state(self) -> State:
        """How far the run came. A process that was killed leaves its run interrupted."""
        status = self.record.status
        for ended in ("finished", "failed", "stopped"):
            if status == ended:
                return ended
        if self.holder is not None:
            return "running"
        return "new" if status is None else "interrupted"

    @property
    def holder(self) -> Holder | None:
        """The process that trains the run, None if nobody does."""
        return holder(self.path)

    def claim(self) -> AbstractContextManager[None]:
        """Hold the folder, which is made if need be.

        :raises TakenError: another process holds it.
        """
        return claim(self.path)

    @property
    def last(self) -> Path:
        """Where the checkpoint is, or will be, from which the run can go on."""
        return self.path / LAST

    def file(self, name: str) -> Path | None:
        """The path of one of its files, None if that is not there."""
        return path if (path := self.path / name).is_file() else None

    @property
    def checkpoint(self) -> Path | None:
        """Of the policy: the best one, else the last one that is there."""
        return next(filter(None, (self.file(f"checkpoints/{name}") for name in CHECKPOINTS)), None)

    @property
    def goes_on_from(self) -> Path | None:
        """The checkpoint from which training can go on."""
        return next(filter(None, (self.file(f"checkpoints/{name}") for name in LAST_CHECKPOINTS)), None)

    @property
    def is_free(self) -> bool:
        """Whether nothing that a run would overwrite is in it."""
        return not self.path.is_dir() or all(
            path.name in _BEGINNINGS or path.suffix == ".log" for path in self.path.iterdir()
        )

    def discard(self) -> None:
        """Remove the folder of a run that was refused before it began, if nothing else is in it.

        Links are the user's, and so are texts of these names where no record tells that they are of a run.
        """
        path = self.path
        if not path.is_dir() or self.holder is not None or Path.cwd().is_relative_to(path.resolve()):
            return
        names = {file.name for file in path.iterdir()}
        ours = _BEGINNINGS if RECORD in names else _BEGINNINGS - {ERROR, OUTPUT}
        if path.is_symlink() or not names <= ours:
            return
        shutil.rmtree(path)
        top = RUNS.resolve()
        for parent in path.resolve().parents:
            linked = parent == top and RUNS.is_symlink()
            if not parent.is_relative_to(top) or linked or any(parent.iterdir()):
                return
            parent.rmdir()

    def __str__(self) -> str:
        return str(self.path)


def all_runs() -> Iterator[tuple[RunDirectory, RunRecord]]:
    """The folders and records of all runs below ``runs``, at last those that links lead to."""
    places, met = [str(RUNS)], set()
    for place in places:  # which become more
        for folder, below, files in os.walk(place):
            if (real := os.path.realpath(folder)) in met:  # by another way, or in a circle
                below.clear()
                continue
            met.add(real)
            places += filter(os.path.islink, (os.path.join(folder, name) for name in below))
            if RECORD in files:
                directory = RunDirectory(Path(folder))
                yield directory, directory.record


def find_runs(identity: str, seed: int) -> list[tuple[RunDirectory, RunRecord]]:
    """Folders and records of all runs below ``runs`` with this identity and seed, oldest first."""
    equal = [run for run in all_runs() if (run[1].identity, run[1].seed) == (identity, seed)]
    return sorted(equal, key=_beginning)


def latest_run(identity: str, seed: int) -> RunDirectory | None:
    """The newest run with this identity and seed that is finished or has a checkpoint to go on from."""
    return next(
        (
            directory
            for directory, record in reversed(find_runs(identity, seed))
            if record.status == "finished" or directory.goes_on_from is not None
        ),
        None,
    )


def latest_policy() -> Path | None:
    """The checkpoint of the run below ``runs`` that began last, of those that have one."""
    newest = sorted(all_runs(), key=_beginning, reverse=True)
    return next(filter(None, (directory.checkpoint for directory, _ in newest)), None)


def _beginning(run: tuple[RunDirectory, RunRecord]) -> tuple[str, bool, float]:
    """Sorts runs by when they began; of copies of a folder the one that came furthest is the latest."""
    record = run[1]
    return record.started or "", record.status == "finished", record.seconds or 0.0


def short(path: Path) -> Path:
    """The path from the working directory, if it lies below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
