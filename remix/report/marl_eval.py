"""Results in the JSON form of marl-eval, which BenchMARL and Mava write too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from remix.report.results import Run, StudyResults
from remix.report.statistics import common_grid, on_grid

METRIC = "return"


def marl_eval(results: StudyResults) -> dict[str, Any]:
    """``environment -> task -> algorithm -> seed_<n> -> step_<k> -> {"step_count": int, "return": [score]}``.

    The study stands for the environment, panels for tasks, variants for algorithms; names are in lower case,
    because marl-eval looks for such. It compares the k-th evaluations of all runs, so that all runs have
    equally many here: scores are interpolated at steps that the runs of the panel share. The last entry of a
    run is ``absolute_metrics``, its best evaluation. Only finished runs are in it.
    """
    finished = [run for run in results.runs if run.counts]
    evaluations = min(len(run.scores) for run in finished)
    tasks: dict[str, Any] = {}
    for panel in results.panels:
        runs = [run for run in finished if run.panel == panel]
        if not runs:
            continue
        task = tasks.setdefault(panel.lower(), {})
        grid = common_grid(runs, evaluations)
        for run, scores in zip(runs, on_grid(runs, grid), strict=True):
            seeds = task.setdefault(run.variant.lower(), {})
            seeds[f"seed_{run.seed}"] = _run(run, grid.tolist(), scores.tolist())
    return {results.name.lower(): tasks}


def write_marl_eval(results: StudyResults, path: Path) -> None:
    """Write :func:`marl_eval` to a file."""
    path.write_text(json.dumps(marl_eval(results), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _run(run: Run, env_steps: list[float], scores: list[float]) -> dict[str, Any]:
    evaluations = {
        f"step_{k}": {"step_count": round(step), METRIC: [score]}
        for k, (step, score) in enumerate(zip(env_steps, scores, strict=True))
    }
    return {**evaluations, "absolute_metrics": {METRIC: [run.best]}}
