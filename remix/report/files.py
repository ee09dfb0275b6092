"""Results in CSV files: enough for the whole report without MLflow, small enough for a repository."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from remix.report.csv_tables import LARGEST_COUNT, Row, read_table, write_table
from remix.report.differences import SETTINGS_TABLE, with_settings
from remix.report.results import STATUSES, HeatMap, Run, StudyResults
from remix.report.run_table import RUNS_TABLE, with_table
from remix.report.weight_map import COLUMNS, WARMUP_COLUMN, lines
from remix.settings.errors import SettingError

CURVES = "curves.csv"
HEAT_MAPS = "weight_heatmaps.csv"
"""Read too if it lies beside the curves."""

CURVE_COLUMNS = ("panel", "variant", "algorithm", "seed", "status", "env_steps")
"""Before the scores, whose column is called what they are."""

_HEAT_MAP_COLUMNS = ("panel", "variant", "n_runs", *COLUMNS)


def write_curves(results: StudyResults, path: Path) -> None:
    """One line per evaluation; a run without evaluations has one line that leaves steps and score empty."""

    def lines() -> Iterator[list[Any]]:
        for run in results.runs:
            about = [run.panel, run.variant, run.algorithm, run.seed, run.status]
            points = zip(run.env_steps.tolist(), run.scores.tolist(), strict=True)
            yield from ([*about, _exact(step), repr(score)] for step, score in points)
            if not len(run.scores):
                yield [*about, "", ""]

    write_table(path, (*CURVE_COLUMNS, results.score_label), lines())


def read_curves(path: Path, metric: str | None = None) -> StudyResults:
    """What :func:`write_curves` wrote, with the heat maps and the table of runs beside it.

    The study is named after the folder of a file ``curves.csv``, otherwise after the file; its scores are
    called what their column is. Lines may be in any order; of several for the same step of a run the last
    one counts.

    :param metric: what somebody wants to be compared, which must be the name of the scores.
    :raises SettingError: if there is no such file or it is none of ours, naming the line and the column.
    """
    header, rows = read_table(path, CURVE_COLUMNS, others=1)
    [score] = set(header) - set(CURVE_COLUMNS)
    if metric not in (None, score):
        raise SettingError("metric", metric, f"must be {score}, the only one in {path}")
    by_run: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        by_run.setdefault((row.text("panel"), row.text("variant"), row.whole("seed")), []).append(row)
    runs = tuple(_run(*job, lines, score) for job, lines in by_run.items())
    if not any(run.counts for run in runs):
        raise SettingError("study", path, "has no finished run with scores")
    name = path.absolute().parent.name if path.name == CURVES else path.stem
    beside = path.with_name(HEAT_MAPS)
    heat_maps = read_heat_maps(beside) if path.name == CURVES and beside.is_file() else ()
    curves = {(run.panel, run.variant) for run in runs}
    known = tuple(heat for heat in heat_maps if (heat.panel, heat.variant) in curves)
    table = path.with_name(RUNS_TABLE)
    if path.name == CURVES and table.is_file():
        runs = with_table(runs, table)
    settings = path.with_name(SETTINGS_TABLE)
    if path.name == CURVES and settings.is_file():
        runs = with_settings(runs, settings)
    return StudyResults(name or path.stem, name or path.stem, score, runs, known, file=path.resolve())


def _exact(step: float) -> str:
    """A number with all its digits; a whole number without ".0"."""
    return f"{step:.0f}" if step.is_integer() else repr(step)


def _run(panel: str, variant: str, seed: int, rows: Sequence[Row], score: str) -> Run:
    first = rows[0]
    for column in ("algorithm", "status"):
        if (
            other := next((row for row in rows if row.cells[column] != first.cells[column]), None)
        ) is not None:
            other.refuse(column, f"must be {first.cells[column]!r}, as on line {first.line} of the same run")
    curve = [] if len(rows) == 1 and not (first.cells["env_steps"] or first.cells[score]) else rows
    steps = [row.number("env_steps", 0, LARGEST_COUNT) for row in curve]
    scores = [row.score(score) for row in curve]
    about = first.text("algorithm"), seed, first.text("status", STATUSES)
    return Run(panel, variant, *about, np.array(steps, dtype=float), np.array(scores, dtype=float))


def write_heat_maps(heat_maps: Iterable[HeatMap], path: Path) -> None:
    """One line per period and bin."""
    about = (([heat.panel, heat.variant, heat.n_runs], lines(heat)) for heat in heat_maps)
    cells = ([*names, *line] for names, table in about for line in table)
    write_table(path, (*_HEAT_MAP_COLUMNS, WARMUP_COLUMN), cells)


def read_heat_maps(path: Path) -> tuple[HeatMap, ...]:
    """What :func:`write_heat_maps` wrote.

    :raises SettingError: as :func:`read_curves`.
    """
    tables: dict[tuple[str, str], list[Row]] = {}
    for row in read_table(path, _HEAT_MAP_COLUMNS)[1]:
        tables.setdefault((row.text("panel"), row.text("variant")), []).append(row)
    return tuple(_heat_map(*key, rows[0].whole("n_runs", least=1), rows) for key, rows in tables.items())


def read_weights(path: Path, panel: str, variant: str) -> HeatMap:
    """The heat map of one run, as :func:`remix.report.weight_map.write_weights` wrote it.

    :raises SettingError: as :func:`read_curves`.
    """
    rows = read_table(path, COLUMNS)[1]
    if not rows:
        raise SettingError("study", path, "has no lines below its first; must have one per period and bin")
    return _heat_map(panel, variant, 1, rows)


def _heat_map(panel: str, variant: str, n_runs: int, rows: Sequence[Row]) -> HeatMap:
    """The heat map of one variant.

    :param rows: lines of its table, at least one: all bins of the first period, then those of the next.
    """
    ends = ("from", "to")
    steps = np.array([[row.number(f"env_steps_{end}", 0, LARGEST_COUNT) for end in ends] for row in rows])
    weights = np.array([[row.number(f"weight_{end}") for end in ends] for row in rows])
    counts = np.array([row.whole("count") for row in rows], dtype=np.int64)
    at, edges = np.unique(steps), np.unique(weights)
    periods, bins = len(at) - 1, len(edges) - 1
    if len(rows) != periods * bins:
        found = f"is the last of {len(rows)} lines of {variant!r}"
        rows[-1].refuse("count", f"{found}; {periods} periods of {bins} bins must have {periods * bins}")
    wanted_steps = np.repeat(np.column_stack((at[:-1], at[1:])), bins, axis=0)
    wanted_weights = np.tile(np.column_stack((edges[:-1], edges[1:])), (periods, 1))
    for column, table, wanted in (
        ("env_steps_from", steps, wanted_steps),
        ("weight_from", weights, wanted_weights),
    ):
        if (wrong := (table != wanted).any(axis=1)).any():
            rows[int(wrong.argmax())].refuse(column, "is out of order; must be bins within periods")
    warmup_steps = rows[0].whole(WARMUP_COLUMN) if WARMUP_COLUMN in rows[0].cells else 0
    return HeatMap(panel, variant, n_runs, counts.reshape(periods, bins), at, edges, warmup_steps)
