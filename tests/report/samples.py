"""Results with known numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from remix.report.results import FINISHED, HeatMap, Run, StudyResults


def make_run(
    panel: str,
    variant: str,
    seed: int,
    scores: Sequence[float] = (0.0, 1.0),
    status: str = FINISHED,
    env_steps: Sequence[float] | None = None,
) -> Run:
    """Evaluations every 100 steps unless told otherwise."""
    steps = range(0, 100 * len(scores), 100) if env_steps is None else env_steps
    return Run(
        panel, variant, variant, seed, status, np.array(steps, dtype=float), np.array(scores, dtype=float)
    )


def flat(panel: str, variant: str, finals: Sequence[float]) -> list[Run]:
    """A run per final score, which rises to it in one evaluation and stays there."""
    return [make_run(panel, variant, seed, [0.0, final, final]) for seed, final in enumerate(finals, 1)]


def make_heat_map(panel: str, variant: str, n_runs: int = 1, periods: int = 2) -> HeatMap:
    """Three bins; the last period has no counts."""
    counts = np.arange(3 * periods, dtype=np.int64).reshape(periods, 3)
    counts[-1] = 0
    env_steps = np.linspace(0.0, 100.0 * periods, periods + 1)
    return HeatMap(panel, variant, n_runs, counts, env_steps, np.linspace(0.1, 1.0, 4))


def make_study() -> StudyResults:
    """Two panels, three variants; one run of each status that is left out."""
    runs = [
        *flat("p = 0", "remix", [10.0, 11.0, 12.0]),
        *flat("p = 0", "qmix", [7.0, 8.0, 9.0]),
        *flat("p = 0", "without_mixing_gradient", [9.0, 9.5]),
        make_run("p = 0", "without_mixing_gradient", 3, [0.0, 50.0], "RUNNING"),
        *flat("p = -2", "remix", [5.0, 6.0, 7.0]),
        *flat("p = -2", "qmix", [4.0, 5.5]),
        make_run("p = -2", "qmix", 3, [], "MISSING"),
        make_run("p = -2", "without_mixing_gradient", 1, [-1.0], "FAILED"),
        make_run("p = -2", "without_mixing_gradient", 2, [], "FINISHED"),
    ]
    heat_maps = (make_heat_map("p = 0", "remix", 3), make_heat_map("p = -2", "remix", 2))
    return StudyResults("duel", "A duel", "test return", tuple(runs), heat_maps)
