"""When runs begin to learn, as an outcome of its own: which of them do, and after how many steps.

A run has begun with its first evaluation above a threshold. One that never did is censored at its last
evaluation: it might have begun later (Kaplan and Meier). One that diverged counts as one that never did, as
long as any run of its panel went on: it could begin no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf, isnan, nan

import numpy as np
from scipy.stats import CensoredData, binomtest, ecdf, logrank

from remix.report.differences import is_mixed
from remix.report.results import DIVERGED, Floats, Run, StudyResults
from remix.report.verdicts import LEAST_SEEDS, Key, holm_levels

_HALF = 0.5 - 1e-9
"""Products of shares miss the half by their rounding."""

_LEAD = 0.1
"""Difference of shares above which one side is ahead; a run or two of many say nothing."""


@dataclass(frozen=True)
class Onset:
    """Of the runs of one curve that finished or diverged.

    :ivar begun: how many of the ``n`` runs have begun.
    :ivar low: lower end of the exact 95 % interval of their share (Clopper and Pearson).
    :ivar high: upper end.
    :ivar median: environment steps after which half of the runs have begun; infinite if fewer did.
    :ivar p_value: of the log-rank test against the reference; NaN for the reference itself, and where either
        has too few runs.
    :ivar differs: whether that is below the level that Holm's method allows it.
    :ivar later: whether, by the test's statistic, the reference's runs begin earlier.
    :ivar crosses: whether first one side is ahead and then the other, so that neither is earlier.
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
    later: bool
    crosses: bool


@lru_cache(maxsize=1)
def onsets(results: StudyResults, threshold: float) -> list[Onset]:
    """One for each curve with runs that finished or diverged, in the order of the plan.

    :param threshold: score above which a run has begun.
    """
    times = onset_times(results, threshold)
    tests = {
        (panel, variant): _log_rank(times[panel, results.reference], times[panel, variant])
        for panel, variant in times
        if variant != results.reference
        and (panel, results.reference) in times
        and not is_mixed(results, panel, results.reference)
        and not is_mixed(results, panel, variant)
    }
    p_values = {key: p for key, (_, p) in tests.items()}
    tested = sorted((key for key, p in p_values.items() if not isnan(p)), key=p_values.__getitem__)
    shown: set[Key] = set()
    for key, level in zip(tested, holm_levels(len(tested)), strict=True):
        if p_values[key] > level:
            break
        shown.add(key)
    crossing = {key for key in tests if _cross(times[key[0], results.reference], times[key])}
    return [
        _onset(*key, times[key], *tests.get(key, (nan, nan)), key in shown, key in crossing) for key in times
    ]


def onset_times(results: StudyResults, threshold: float) -> dict[Key, OnsetTimes]:
    """Of each curve with runs that finished or diverged, in the order of the plan.

    :param threshold: score above which a run has begun.
    """
    times = {}
    for panel in results.panels:
        every = {variant: results.with_diverged(panel, variant) for variant in results.variants}
        ends = [run.env_steps[-1] for runs in every.values() for run in runs if len(run.env_steps)]
        for variant, runs in every.items():
            if runs:
                times[panel, variant] = OnsetTimes.of(runs, threshold, max(ends, default=0.0))
    return times


@dataclass(frozen=True)
class OnsetTimes:
    """Environment steps ``[n]`` at which runs began, and at which runs ended that never did."""

    begun: Floats
    never: Floats

    @classmethod
    def of(cls, runs: Sequence[Run], threshold: float, end: float) -> OnsetTimes:
        """:param end: when runs end that diverged."""
        begun, never = [], []
        for run in runs:
            above = run.scores > threshold
            if run.status == DIVERGED:
                never.append(end)
            elif above.any():
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

    def share_at(self, steps: Floats) -> Floats:
        """The share that has begun at each of some environment steps ``[S]``."""
        at, shares = self.share_begun()
        return shares[np.searchsorted(at, steps, side="right") - 1]

    @property
    def last(self) -> float:
        """Environment steps beyond which nothing is known, or all have begun."""
        return float(max(*self.begun, *self.never, 0.0))


def _onset(
    panel: str,
    variant: str,
    times: OnsetTimes,
    statistic: float,
    p_value: float,
    differs: bool,
    crosses: bool,
) -> Onset:
    begun, n = len(times.begun), len(times)
    interval = binomtest(begun, n).proportion_ci(method="exact")
    steps, shares = times.share_begun()
    half = np.flatnonzero(shares >= _HALF)
    median = float(steps[half[0]]) if len(half) else inf
    ends, later = (float(interval.low), float(interval.high)), statistic > 0.0
    return Onset(panel, variant, begun, n, *ends, median, p_value, differs, later, crosses)


def _cross(x: OnsetTimes, y: OnsetTimes) -> bool:
    """Whether X is ahead at some step and Y at another one."""
    steps = np.concatenate((x.begun, y.begun))
    steps = steps[steps <= min(x.last, y.last)]
    lead = x.share_at(steps) - y.share_at(steps)
    return bool((lead > _LEAD).any() and (lead < -_LEAD).any())


def _log_rank(x: OnsetTimes, y: OnsetTimes) -> tuple[float, float]:
    """Statistic, above 0 where X begins earlier, and two-sided p-value.

    The p-value is 1 if nothing tells them apart, as where no run has begun, or all at once; NaN if one of
    them has too few runs.
    """
    if min(len(x), len(y)) < LEAST_SEEDS:
        return nan, nan
    if not len(x.begun) and not len(y.begun):
        return 0.0, 1.0
    with np.errstate(invalid="ignore"):  # no variance: nobody was left to begin later, or not on both sides
        result = logrank(x.censored, y.censored)
    return (0.0, 1.0) if isnan(result.pvalue) else (float(result.statistic), float(result.pvalue))
