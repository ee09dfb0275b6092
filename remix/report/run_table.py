"""What a report knows of single runs besides their curves, in a CSV file: a line per run that finished."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import isnan, nan
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix.report.csv_tables import Row, read_table, write_table
from remix.report.episodes import EpisodeScores
from remix.report.machines import FACTS
from remix.report.results import Run, StudyResults

RUNS_TABLE = "runs.csv"
"""Beside the curves, and read with them if it is there."""

_NUMBERS = ("absolute_best", "absolute_last", "best_possible", "seconds")
_COLUMNS = ("panel", "variant", "seed", *_NUMBERS, *FACTS)
_IDENTITY = "identity"


def write_runs(results: StudyResults, path: Path) -> None:
    """Absolute metric, seconds, machine and versions; what is not known is empty."""

    def line(run: Run) -> list[str | int]:
        numbers = (run.absolute, run.last, run.best_possible, run.seconds)
        cells = ["" if isnan(number) else repr(number) for number in numbers]
        facts = (run.facts.get(fact, "") for fact in FACTS)
        return [run.panel, run.variant, run.seed, *cells, *facts, run.identity]

    write_table(path, (*_COLUMNS, _IDENTITY), (line(run) for run in results.runs if run.counts))


def with_table(runs: Iterable[Run], path: Path) -> tuple[Run, ...]:
    """The runs with what :func:`write_runs` wrote of them.

    :raises SettingError: if the file is no such table, naming the line and the column.
    """
    rows = {
        (row.text("panel"), row.text("variant"), row.whole("seed")): row
        for row in read_table(path, _COLUMNS)[1]
    }
    return tuple(
        _completed(run, row) if (row := rows.get((run.panel, run.variant, run.seed))) else run for run in runs
    )


def _completed(run: Run, row: Row) -> Run:
    numbers = [row.number(column) if row.cells[column] else nan for column in _NUMBERS]
    best, last = (_known(mean) for mean in numbers[:2])
    facts = {fact: row.cells[fact] for fact in FACTS if row.cells[fact]}
    episodes = EpisodeScores(best=best, last=last)
    run = replace(run, episodes=episodes, identity=row.cells.get(_IDENTITY, ""))
    return replace(run, best_possible=numbers[2], seconds=numbers[3], facts=facts)


def _known(mean: float) -> NDArray[np.float64]:
    return np.zeros(0) if isnan(mean) else np.array([mean])
