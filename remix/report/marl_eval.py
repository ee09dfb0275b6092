"""Results in the JSON form of marl-eval, which BenchMARL and Mava write too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np

from remix.report.results import Run, StudyResults
from remix.report.statistics import common_grid, comparable, median_evaluations

_LONGER = 1.1
"""Of the steps that all runs share: what goes on beyond is not compared evaluation by evaluation."""


def marl_eval(results: StudyResults) -> dict[str, Any]:
    """``environment -> task -> algorithm -> seed_<n> -> step_<k> -> {"step_count": int, "return": [...]}``.

    The study stands for the environment, panels for tasks, variants for algorithms; names are in lower case,
    because marl-eval looks for such, and numbered where they would be equal. The metric is called what the
    scores are, as ``return`` or ``win_rate``. It has the scores of the single episodes where they are known,
    else their mean, at the run's own steps. marl-eval compares the k-th evaluations of all runs, so that all
    runs have equally many here, their median: of a run that has more or fewer, or goes on for longer, those
    nearest to steps that the runs of the panel share, some of them several times.

    The last entry of a run is ``absolute_metrics``: fresh episodes of its best policy, or, where some run has
    none, the best evaluation of every run. Only finished runs are in it, and of them those that are
    comparable with most of their panel.
    """
    panels = {panel: comparable(runs) for panel in results.panels if (runs := results.of_panel(panel))}
    every = [run for runs in panels.values() for run in runs]
    evaluations = median_evaluations(every)
    fresh = all(len(run.episodes.best) for run in every)
    metric = _metric(results.score_label)
    tasks, algorithms = _lower_case(results.panels), _lower_case(results.variants)
    data: dict[str, Any] = {}
    for panel, runs in panels.items():
        task = data.setdefault(tasks[panel], {})
        for run, chosen in zip(runs, _chosen(runs, evaluations), strict=True):
            seeds = task.setdefault(algorithms[run.variant], {})
            absolute = run.episodes.best.tolist() if fresh else [run.best]
            seeds[f"seed_{run.seed}"] = _steps(run, chosen, metric) | {"absolute_metrics": {metric: absolute}}
    return {results.name.lower(): data}


def write_marl_eval(results: StudyResults, path: Path) -> None:
    """Write :func:`marl_eval` to a file."""
    path.write_text(json.dumps(marl_eval(results), allow_nan=False) + "\n", encoding="utf-8")


def _metric(score_label: str) -> str:
    """As in ``win_rate`` of a "test win rate"."""
    return re.sub(r"\W+", "_", score_label.lower()).removeprefix("test_") or "score"


def _lower_case(names: Iterable[str]) -> dict[str, str]:
    """A key for each name."""
    keys: dict[str, str] = {}
    for name in names:
        tries = chain([name.lower()], (f"{name.lower()} ({number})" for number in count(2)))
        keys[name] = next(key for key in tries if key not in keys.values())
    return keys


def _chosen(runs: Sequence[Run], n: int) -> list[list[int]]:
    """The places of n evaluations of each run: those nearest to steps that all runs cover.

    A run that has n, and not beyond those steps, keeps them.
    """
    grid = common_grid(runs, n)
    return [
        list(range(n))
        if len(run.env_steps) == n and run.env_steps[-1] <= _LONGER * grid[-1]
        else [int(np.abs(run.env_steps - at).argmin()) for at in grid]
        for run in runs
    ]


def _steps(run: Run, chosen: Iterable[int], metric: str) -> dict[str, Any]:
    steps, scores, single = run.env_steps.tolist(), run.scores.tolist(), run.episodes.evaluations
    return {
        f"step_{k}": {
            "step_count": round(steps[place]),
            metric: single[int(steps[place])].tolist() if steps[place] in single else [scores[place]],
        }
        for k, place in enumerate(chosen)
    }
