"""The metrics of a run in a file of its folder: the first place they go to, and the source of all others."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

JOURNAL = "metrics.jsonl"
"""In a run's directory: one JSON object per call of ``log_metrics`` and per evaluation, and marks."""

TEST, FINAL, ABSOLUTE_BEST, ABSOLUTE_LAST = "test", "final", "absolute_best", "absolute_last"
"""Evaluations, with which the names of their metrics begin: those during training, the one after it, and two
of the absolute metric, of the best and of the last policy."""

_MARK = b'{"checkpoint": true}\n'


class Entry(NamedTuple):
    """What was logged at once.

    :ivar step: environment steps.
    :ivar time: wall clock in milliseconds since 1970.
    :ivar values: by name; may be infinite or no number.
    :ivar end: bytes of the journal up to and with this entry.
    """

    step: int
    time: int
    values: dict[str, float]
    end: int


class Evaluation(NamedTuple):
    """The episodes of an evaluation one by one, whose means are in an :class:`Entry`.

    :ivar name: what the names of its metrics begin with, as :data:`TEST`.
    :ivar step: environment steps.
    :ivar episodes: by the name of a metric, its value in each of the E episodes, ``[E]``.
    """

    name: str
    step: int
    episodes: dict[str, list[float]]


class Journal:
    """``metrics.jsonl`` of a run. Lines are only added, until a run goes on from an earlier checkpoint.

    A last line that a killed process left unfinished is no part of it.

    :param directory: of the run.
    :ivar kept: bytes that no resume takes back, because a checkpoint knows of them.
    :ivar length: bytes of all entries.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / JOURNAL
        content = self.path.read_bytes() if self.path.is_file() else b""
        self.length = content.rfind(b"\n") + 1
        self.kept = max(content.rfind(_MARK), 0)

    def append(self, metrics: Mapping[str, float], step: int) -> None:
        """Add an entry with the time of now; costs some microseconds."""
        values = {name: float(value) for name, value in metrics.items()}
        entry = {"step": step, "time": time.time_ns() // 1_000_000, "values": values}
        self._write(json.dumps(entry).encode() + b"\n")

    def append_evaluation(self, name: str, episodes: Mapping[str, Sequence[float]], step: int) -> None:
        """Add the episodes of an evaluation (:class:`Evaluation`)."""
        values = {metric: [float(value) for value in each] for metric, each in episodes.items()}
        self._write(json.dumps({"step": step, "evaluation": name, "episodes": values}).encode() + b"\n")

    def last_change(self) -> int | None:
        """When something was added last, in milliseconds since 1970."""
        return int(1000 * self.path.stat().st_mtime) if self.path.is_file() else None

    def sync(self) -> int:
        """Write everything to the disk, and return the length."""
        if self.path.is_file():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())
        return self.length

    def keep(self) -> None:
        """Take note that a checkpoint covers the whole journal, so that no resume takes any of it back."""
        self.kept = self.length
        self._write(_MARK)

    def cut(self, length: int) -> None:
        """Remove what was added after a length, for a run that goes on from its checkpoint of that time."""
        if length > self.length or self.length == 0:
            return
        os.truncate(self.path, length)
        self.length = self.kept = length
        if length > 0:
            self.keep()

    def entries(self, start: int = 0, end: int | None = None, metric: str | None = None) -> Iterator[Entry]:
        """Entries from one length of the journal to another, in the order of time.

        :param metric: those that have this one only, which saves reading the others.
        """
        if not self.path.is_file():
            return
        place, end = start, self.length if end is None else end
        sign = b"" if metric is None else json.dumps(metric).encode()
        with self.path.open("rb") as file:
            file.seek(start)
            for line in file:
                place += len(line)
                if place > end:
                    return
                if sign in line and (entry := _entry(line, place)) is not None:
                    yield entry

    def evaluations(self) -> Iterator[Evaluation]:
        """All evaluations whose episodes were kept, in the order of time."""
        if self.path.is_file():
            with self.path.open("rb") as file:
                yield from filter(None, (_evaluation(line) for line in file if b'"evaluation"' in line))

    def _write(self, line: bytes) -> None:
        with self.path.open("ab") as file:
            file.truncate(self.length)  # removes a line that a killed process left unfinished
            file.write(line)
        self.length += len(line)


def _entry(line: bytes, end: int) -> Entry | None:
    """What a line says; None for one of another kind, and for one that a disk has spoiled."""
    try:
        content = json.loads(line)
        values = {str(name): float(value) for name, value in content["values"].items()}
        float(step := int(content["step"]))
        return Entry(step, int(content["time"]), values, end)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None


def _evaluation(line: bytes) -> Evaluation | None:
    """What a line says, as :func:`_entry`."""
    try:
        content = json.loads(line)
        episodes = {str(name): [float(v) for v in each] for name, each in content["episodes"].items()}
        return Evaluation(str(content["evaluation"]), int(content["step"]), episodes)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None
