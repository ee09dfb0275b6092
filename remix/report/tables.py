"""The numbers of a report: scores, comparisons, and their CSV file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import inf, isnan, nan
from pathlib import Path

import numpy as np

from remix.report.csv_tables import write_table
from remix.report.results import Floats, Run, StudyResults
from remix.report.statistics import Estimate, interquartile_mean, mean, probability_of_improvement, spread

_COLUMNS = (
    "panel",
    "variant",
    "seeds",
    "final_iqm",
    "final_low",
    "final_high",
    "best_iqm",
    "area_iqm",
    "steps_to_90_percent",
    "absolute_iqm",
    "absolute_low",
    "absolute_high",
    "last_iqm",
    "optimality_gap",
)


@dataclass(frozen=True)
class Score:
    """The scores of one curve, over its finished runs.

    :ivar final: interquartile mean of the final scores.
    :ivar best: interquartile mean of each run's best evaluation.
    :ivar area: interquartile mean of each run's mean score over training.
    :ivar steps_to_90: median of the environment steps to 90 % of a run's best. Runs that never got better
        count as infinitely long; the median is infinite if most of them did not.
    :ivar absolute: interquartile mean of each run's absolute metric, the mean of fresh episodes of its best
        policy; NaN where a run has none.
    :ivar last: likewise of its last policy.
    :ivar gap: optimality gap, the mean share of the best possible score that final scores lack (Agarwal et
        al., 2021); NaN where that is not known.
    """

    panel: str
    variant: str
    final: Estimate
    best: float
    area: float
    steps_to_90: float
    absolute: Estimate
    last: Estimate
    gap: Estimate

    @property
    def n(self) -> int:
        """Number of seeds."""
        return self.final.n


def scores(results: StudyResults) -> list[Score]:
    """One for each curve with finished runs, in the order of the plan."""
    curves = [(panel, variant) for panel in results.panels for variant in results.variants]
    return [_score(panel, variant, runs) for panel, variant in curves if (runs := results.of(panel, variant))]


def _score(panel: str, variant: str, runs: list[Run]) -> Score:
    steps = [inf if run.steps_to_90 is None else run.steps_to_90 for run in runs]
    return Score(
        panel,
        variant,
        interquartile_mean(np.array([run.final for run in runs])),
        interquartile_mean(np.array([run.best for run in runs])).value,
        interquartile_mean(np.array([run.area for run in runs])).value,
        float(np.quantile(steps, 0.5, method="inverted_cdf")),
        _of_all([run.absolute for run in runs]),
        _of_all([run.last for run in runs]),
        _gap([run.normalised for run in runs]),
    )


def _gap(normalised: list[float]) -> Estimate:
    if any(map(isnan, normalised)):
        return Estimate(nan, nan, nan, len(normalised))
    return mean(1.0 - np.minimum(normalised, 1.0))


def _of_all(values: list[float]) -> Estimate:
    """Interquartile mean of numbers of which all are known, else NaN."""
    if any(map(isnan, values)):
        return Estimate(nan, nan, nan, len(values))
    return interquartile_mean(np.array(values))


@lru_cache(maxsize=1)
def improvements(results: StudyResults) -> dict[str, Estimate]:
    """How likely the reference has a higher final score than each other variant.

    The mean over the panels in which both have finished runs; variants without such a panel are left out.
    """
    found = {}
    for variant in results.variants:
        pairs = [
            (ours, theirs)
            for panel in results.panels
            if len(ours := results.finals(panel, results.reference))
            and len(theirs := results.finals(panel, variant))
        ]
        if variant != results.reference and pairs:
            found[variant] = probability_of_improvement(*pairs)
    return found


def knows_best(results: StudyResults) -> bool:
    """Whether the best possible score of every finished run is known."""
    return not any(isnan(run.normalised) for run in results.runs if run.counts)


def panel_scales(results: StudyResults) -> dict[str, tuple[float, float]]:
    """The scores that count as 0 and 1 in each panel with finished runs."""
    panels = {panel: runs for panel in results.panels if (runs := results.of_panel(panel))}
    if knows_best(results):
        return {panel: (0.0, max(run.best_possible for run in runs)) for panel, runs in panels.items()}
    finals = {panel: np.array([run.final for run in runs]) for panel, runs in panels.items()}
    return {
        panel: (float(f.min()), float(f.min()) + spread(f))  # a spread of 0 where rounding is all there is
        for panel, f in finals.items()
    }


@lru_cache(maxsize=1)
def over_all_panels(results: StudyResults) -> dict[str, Estimate]:
    """Interquartile mean of the normalised final scores in all panels, so that panels weigh alike.

    Where the best possible score of every run is known, that is 1 and no score 0. Else in each panel the
    lowest final score of any run becomes 0 and the highest 1. Variants that lack a panel are left out: they
    could not be compared.
    """
    scales = panel_scales(results)
    tasks: dict[str, list[Floats]] = {variant: [] for variant in results.variants}
    for panel, (low, high) in scales.items():
        for variant in results.variants:
            tasks[variant].append((results.finals(panel, variant) - low) / ((high - low) or inf))
    return {
        variant: interquartile_mean(*panels)
        for variant, panels in tasks.items()
        if panels and all(map(len, panels))
    }


def write_scores(rows: list[Score], path: Path) -> None:
    """One line per curve, numbers with all digits.

    The interval of a single seed is ``nan``, as is what is not known; steps never reached are ``inf``.
    """

    def line(row: Score) -> list[str | int]:
        final, absolute = row.final, row.absolute
        numbers = [final.value, final.low, final.high, row.best, row.area, row.steps_to_90]
        numbers += [absolute.value, absolute.low, absolute.high, row.last.value, row.gap.value]
        return [row.panel, row.variant, row.n, *map(repr, numbers)]

    write_table(path, _COLUMNS, map(line, rows))
