"""Results in the JSON form of marl-eval, which BenchMARL and Mava write too."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import chain, count
from pathlib import Path
from typing import Any

from remix.report.results import Run, StudyResults
from remix.report.statistics import common_grid, comparable, median_evaluations, on_grid

METRIC = "return"


def marl_eval(results: StudyResults) -> dict[str, Any]:
    """``environment -> task -> algorithm -> seed_<n> -> step_<k> -> {"step_count": int, "return": [score]}``.

    The study stands for the environment, panels for tasks, variants for algorithms; names are in lower case,
    because marl-eval looks for such, and numbered where they would be equal. It compares the k-th evaluations
    of all runs, so that all runs have equally many here, their median: scores are interpolated at steps that
    the runs of the panel share. The last entry of a run is ``absolute_metrics``, its best evaluation. Only
    finished runs are in it, and of them those that are comparable with most of their panel.
    """
    panels = {panel: comparable(runs) for panel in results.panels if (runs := results.of_panel(panel))}
    evaluations = median_evaluations([run for runs in panels.values() for run in runs])
    tasks, algorithms = _lower_case(results.panels), _lower_case(results.variants)
    data: dict[str, Any] = {}
    for panel, runs in panels.items():
        task = data.setdefault(tasks[panel], {})
        grid = common_grid(runs, evaluations)
        for run, scores in zip(runs, on_grid(runs, grid), strict=True):
            seeds = task.setdefault(algorithms[run.variant], {})
            seeds[f"seed_{run.seed}"] = _run(run, grid.tolist(), scores.tolist())
    return {results.name.lower(): data}


def write_marl_eval(results: StudyResults, path: Path) -> None:
    """Write :func:`marl_eval` to a file."""
    path.write_text(json.dumps(marl_eval(results), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _lower_case(names: Iterable[str]) -> dict[str, str]:
    """A key for each name."""
    keys: dict[str, str] = {}
    for name in names:
        tries = chain([name.lower()], (f"{name.lower()} ({number})" for number in count(2)))
        keys[name] = next(key for key in tries if key not in keys.values())
    return keys


def _run(run: Run, env_steps: list[float], scores: list[float]) -> dict[str, Any]:
    evaluations = {
        f"step_{k}": {"step_count": round(step), METRIC: [score]}
        for k, (step, score) in enumerate(zip(env_steps, scores, strict=True))
    }
    return {**evaluations, "absolute_metrics": {METRIC: [run.best]}}
