"""The command ``remix list``: runs, studies and searches as their folders tell, without a store."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from math import nan
from pathlib import Path

from remix.records.directory import RunDirectory, State, all_runs
from remix.records.record import RunRecord
from remix.report.folder import curve
from remix.report.text import printable
from remix.settings.errors import SettingError
from remix.settings.files import RUNS
from remix.tracking.journal import JOURNAL
from remix.tracking.plan_file import PLAN_FILE, SEARCH_FILE, read_plan

_SHOWN = 20
_WORST_FIRST: tuple[State, ...] = ("running", "failed", "interrupted", "stopped", "new", "finished")
"""The state of a study is the first of these that one of its runs has."""


@dataclass(frozen=True)
class Line:
    """A run, or a study or search with all of its runs.

    :ivar folder: of it.
    :ivar runs: the only one, or all.
    """

    folder: Path
    runs: tuple[tuple[RunDirectory, RunRecord], ...]

    @property
    def started(self) -> str:
        """When the latest of its runs began, as ISO has it."""
        return max(record.started or "" for _, record in self.runs)

    @property
    def is_run(self) -> bool:
        return self.runs[0][0].path == self.folder

    def text(self, now: datetime) -> str:
        """As it is printed, reading no more than that needs."""
        states = Counter(directory.state for directory, _ in self.runs)
        jobs = max(_planned(self.folder), len(self.runs))
        states["new"] += jobs - len(self.runs)
        state = next(state for state in _WORST_FIRST if states[state])
        score, note = _score(*self.runs[0]), ""
        if not self.is_run:
            finals = [record.final_return for _, record in self.runs if record.final_return is not None]
            score, note = max(finals, default=nan), f"  ({states['finished']} of {jobs} finished)"
            state = "interrupted" if state == "new" else state
        shown = "" if score != score else f"{score:.2f}"
        return f"{state:<11}  {_age(self.started, now):>6}  {shown:>8}  {printable(str(self.folder))}{note}"


def list_runs(arguments: Sequence[str]) -> None:
    """Print a line for every run and study below ``runs``, the newest first."""
    parser = argparse.ArgumentParser(
        prog="remix list",
        description=f"The runs, studies and searches below {RUNS}, the newest first: state, age, return. "
        "The return is that of the last policy's test episodes, of a run under way that of its last "
        "evaluation, of a study that of its best run.",
        allow_abbrev=False,
    )
    parser.add_argument("--all", action="store_true", help=f"more than the newest {_SHOWN}")
    lines = sorted(_lines(), key=lambda line: line.started, reverse=True)
    shown = lines if parser.parse_args(arguments).all else lines[:_SHOWN]
    if not lines:
        print(f"there are no runs below {RUNS} yet; 'remix train experiment=quickstart' makes the first")
        return
    print(f"{'state':<11}  {'age':>6}  {'return':>8}  folder")
    now = datetime.now()
    for line in shown:
        print(line.text(now))
    if len(shown) < len(lines):
        print(f"{len(lines) - len(shown)} earlier: remix list --all")


def latest() -> str | None:
    """What began last of what has a report: the name of a study, or the folder of a run with metrics.

    None if there is neither below ``runs``.
    """
    for line in sorted(_lines(), key=lambda line: line.started, reverse=True):
        if line.is_run and line.runs[0][0].file(JOURNAL) is not None:
            return str(line.folder)
        with suppress(SettingError):
            return str(read_plan(line.folder / PLAN_FILE)["study"])
    return None


def _lines() -> list[Line]:
    """A line for every run that belongs to no study or search, and one for each of those."""
    grouped: dict[Path, list[tuple[RunDirectory, RunRecord]]] = {}
    for directory, record in all_runs():
        grouped.setdefault(_whole(directory.path), []).append((directory, record))
    return [Line(folder, tuple(runs)) for folder, runs in grouped.items()]


def _whole(run: Path) -> Path:
    """The folder of the study or search that a run is part of; without, its own."""
    above = (folder for folder in run.parents if folder.is_relative_to(RUNS))
    marks = (PLAN_FILE, SEARCH_FILE)
    return next((folder for folder in above if any((folder / mark).is_file() for mark in marks)), run)


def _planned(folder: Path) -> int:
    """How many jobs a study has; 0 for what is none, or has lost its plan."""
    try:
        return len(read_plan(folder / PLAN_FILE)["jobs"])
    except SettingError:
        return 0


def _score(directory: RunDirectory, record: RunRecord) -> float:
    if record.final_return is not None:
        return record.final_return
    _, returns = curve(directory.path, "test/return")
    return float(returns[-1]) if len(returns) else nan


def _age(started: str, now: datetime) -> str:
    """Since a time: 12 s, 5 min, 3 h, 2 d."""
    try:
        seconds = (now - datetime.fromisoformat(started)).total_seconds()
    except (ValueError, TypeError):
        return ""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
