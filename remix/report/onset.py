"""When runs begin to learn, as an outcome of its own: which of them do, and after how many steps.

A run has begun with its first evaluation above a threshold. One that never did is censored at its last
evaluation: it might have begun later (Kaplan and Meier).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isnan, nan

import numpy as np
from scipy.stats import CensoredData, binomtest, ecdf, logrank

from remix.report.differences import is_mixed
from remix.report.results import Floats, Run, StudyResults
from remix.report.verdicts import LEAST_SEEDS, holm_levels


@dataclass(frozen=True)
class Onset:
    """Of the finished runs of one curve.

    :ivar begun: how many of the ``n`` runs have begun.
    :ivar low: lower end of the exact 95 % interval of their share (Clopper and Pearson).
    :ivar high: upper end.
    :ivar median: environment steps after which half of the runs have begun; infinite if fewer did.
    :ivar p_value: of the log-rank test against the reference; NaN for the reference itself, and where either
        has too few runs.
    :ivar differs: whether that is below the level that Holm's method allows it.
    """

    panel: str
    variant: str
    begun: int
    n: int
    low: float
    high: float
    median: float
    p_value: float
    differs: bool


def onsets(results: StudyResults, threshold: float) -> list[Onset]:
    """One for each curve with finished runs, in the order of the plan.

    :param threshold: score above which a run has begun.
    """
    keys = [(panel, v) for panel in results.panels for v in results.variants if results.of(panel, v)]
    times = {key: OnsetTimes.of(results.of(*key), threshold) for key in keys}
    p_values = {
        (panel, variant): _log_rank(times[panel, results.reference], times[panel, variant])
        for panel, variant in keys
        if variant != results.reference
        and (panel, results.reference) in times
        and not is_mixed(results, panel, results.reference)
        and not is_mixed(results, panel, variant)
    }
    tested = sorted((key for key, p in p_values.items() if not isnan(p)), key=p_values.__getitem__)
    shown: set[tuple[str, str]] = set()
    for key, level in zip(tested, holm_levels(len(tested)), strict=True):
        if p_values[key] > level:
            break
        shown.add(key)
    return [_onset(*key, times[key], p_values.get(key, nan), key in shown) for key in keys]


@dataclass(frozen=True)
class OnsetTimes:
    """Environment steps ``[n]`` at which runs began, and at which runs ended that never did."""

    begun: Floats
    never: Floats

    @classmethod
    def of(cls, runs: Sequence[Run], threshold: float) -> OnsetTimes:
        begun, never = [], []
        for run in runs:
            above = run.scores > threshold
            if above.any():
                begun.append(run.env_steps[above.argmax()])
            else:
                never.append(run.env_steps[-1])
        return cls(np.array(begun, dtype=np.float64), np.array(never, dtype=np.float64))

    def __len__(self) -> int:
        return len(self.begun) + len(self.never)

    @property
    def censored(self) -> CensoredData:
        return CensoredData(uncensored=self.begun, right=self.never)

    def share_begun(self) -> tuple[Floats, Floats]:
        """Corners of the Kaplan-Meier curve: environment steps ``[P]``, and the share that has begun then."""
        curve = ecdf(self.censored).cdf
        steps = np.concatenate(([0.0], curve.quantiles))
        return steps, np.concatenate(([0.0], curve.probabilities))


def _onset(panel: str, variant: str, times: OnsetTimes, p_value: float, differs: bool) -> Onset:
    begun, n = len(times.begun), len(times)
    interval = binomtest(begun, n).proportion_ci(method="exact")
    steps, shares = times.share_begun()
    half = np.flatnonzero(shares >= 0.5)
    median = float(steps[half[0]]) if len(half) else inf
    return Onset(
        panel, variant, begun, n, float(interval.low), float(interval.high), median, p_value, differs
    )


def _log_rank(x: OnsetTimes, y: OnsetTimes) -> float:
    """Two-sided p-value; 1 if no run of either has begun, NaN if one of them has too few runs."""
    if min(len(x), len(y)) < LEAST_SEEDS:
        return nan
    if not len(x.begun) and not len(y.begun):
        return 1.0
    return float(logrank(x.censored, y.censored).pvalue)
