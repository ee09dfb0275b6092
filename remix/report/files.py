"""Results in CSV files: enough for the whole report without MLflow, small enough for a repository."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from envs.errors import SettingError
from remix.report.results import HeatMap, Run, StudyResults

CURVES = "curves.csv"
HEAT_MAPS = "weight_heatmaps.csv"
"""Read too if it lies beside the curves."""

_RUN_COLUMNS = ("panel", "variant", "algorithm", "seed", "status")
_CURVE_COLUMNS = (*_RUN_COLUMNS, "env_steps")
"""Before the scores, whose column is called what they are."""

_HEAT_MAP_COLUMNS = (
    "panel",
    "variant",
    "n_runs",
    "env_steps_from",
    "env_steps_to",
    "weight_from",
    "weight_to",
    "count",
)


def write_curves(results: StudyResults, path: Path) -> None:
    """One line per evaluation; a run without evaluations has one line that leaves steps and score empty."""

    def lines() -> Iterator[list[Any]]:
        for run in results.runs:
            about = [run.panel, run.variant, run.algorithm, run.seed, run.status]
            points = zip(run.env_steps.tolist(), run.scores.tolist(), strict=True)
            # Integral steps without ".0", scores with all digits.
            yield from ([*about, f"{step:.15g}", repr(score)] for step, score in points)
            if not len(run.scores):
                yield [*about, "", ""]

    _write(path, (*_CURVE_COLUMNS, results.score_label), lines())


def read_curves(path: Path) -> StudyResults:
    """What :func:`write_curves` wrote, with the heat maps beside it.

    The study is named after the folder of a file ``curves.csv``, otherwise after the file; its scores are
    called what their column is.

    :raises SettingError: if there is no such file or it is none of ours.
    """
    points: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    try:
        rows = list(_read(path, _CURVE_COLUMNS))
        score = _score_column(rows)
        for row in rows:
            curve = points.setdefault(tuple(row[name] for name in _RUN_COLUMNS), [])
            if row[score]:
                curve.append((float(row["env_steps"]), float(row[score])))
        runs = tuple(
            Run(panel, variant, algorithm, int(seed), status, *np.array(curve, dtype=float).reshape(-1, 2).T)
            for (panel, variant, algorithm, seed, status), curve in points.items()
        )
    except OSError as error:
        raise SettingError("study", path, f"cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise SettingError("study", path, f"is not a table of learning curves: {error}") from error
    if not any(run.counts for run in runs):
        raise SettingError("study", path, "has no finished run with scores")
    name = path.absolute().parent.name if path.name == CURVES else path.stem
    beside = path.with_name(HEAT_MAPS)
    heat_maps = read_heat_maps(beside) if path.name == CURVES and beside.is_file() else ()
    return StudyResults(name, name, score, runs, heat_maps)


def _score_column(rows: list[dict[str, str]]) -> str:
    """:raises ValueError: unless there is one column besides the known ones."""
    others = [name for name in rows[0] if name not in _CURVE_COLUMNS] if rows else []
    if len(others) != 1:
        raise ValueError(f"it needs one column besides {', '.join(_CURVE_COLUMNS)}: the scores")
    return others[0]


def write_heat_maps(heat_maps: Iterable[HeatMap], path: Path) -> None:
    """One line per period and bin."""

    def lines() -> Iterator[list[Any]]:
        for heat in heat_maps:
            for row, counts in enumerate(heat.counts.tolist()):
                period = [f"{step:.15g}" for step in heat.env_steps[row : row + 2]]
                for bin_, count in enumerate(counts):
                    weights = [f"{weight:.6g}" for weight in heat.weights[bin_ : bin_ + 2]]
                    yield [heat.panel, heat.variant, heat.n_runs, *period, *weights, count]

    _write(path, _HEAT_MAP_COLUMNS, lines())


def read_heat_maps(path: Path) -> tuple[HeatMap, ...]:
    """What :func:`write_heat_maps` wrote."""
    tables: dict[tuple[str, str, int], list[dict[str, str]]] = {}
    for row in _read(path, _HEAT_MAP_COLUMNS):
        tables.setdefault((row["panel"], row["variant"], int(row["n_runs"])), []).append(row)
    return tuple(heat_map(*key, rows) for key, rows in tables.items())


def read_weights(path: Path, panel: str, variant: str) -> HeatMap:
    """The heat map of one run, as ``callbacks.weight_heatmap`` writes it."""
    return heat_map(panel, variant, 1, list(_read(path, _HEAT_MAP_COLUMNS[3:])))


def heat_map(panel: str, variant: str, n_runs: int, rows: list[dict[str, str]]) -> HeatMap:
    """:param rows: bins within periods, both in order."""

    def borders(start: str, end: str) -> Any:
        return np.array(sorted({float(row[name]) for row in rows for name in (start, end)}))

    steps, weights = borders("env_steps_from", "env_steps_to"), borders("weight_from", "weight_to")
    counts = np.array([int(row["count"]) for row in rows], dtype=np.int64)
    return HeatMap(panel, variant, n_runs, counts.reshape(len(steps) - 1, -1), steps, weights)


def _write(path: Path, columns: Iterable[str], lines: Iterable[list[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(lines)


def _read(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """:raises ValueError: if a column is missing."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = set(columns) - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"it has no column {', '.join(sorted(missing))}")
        yield from reader
