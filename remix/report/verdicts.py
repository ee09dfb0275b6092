"""Which differences may be called one, with so few seeds and so many comparisons.

A difference is called one if two things agree. A rank test (Mann and Whitney's, exact for few seeds without
ties) finds one variant's runs higher than the other's; and the bootstrap interval of the difference of
interquartile means lies on that side of 0. Both are held to a level that Holm's method makes stricter with
the number of comparisons: of reports over equal methods, at most one in twenty calls any difference one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from math import isnan
from statistics import NormalDist

import numpy as np
from scipy.stats import mannwhitneyu

from remix.report.differences import is_mixed
from remix.report.resampling import CONFIDENCE
from remix.report.results import Floats, StudyResults
from remix.report.statistics import (
    Estimate,
    difference_of_means,
    pairs_won,
    probability_of_improvement,
    spread,
)
from remix.report.style import named

Key = tuple[str, str]
"""Panel and variant."""

LEAST_SEEDS = 5
"""Of both sides, before a difference is called one."""

EFFECT = 0.9
"""The difference whose power is told: how likely a run of the better method is the higher one."""

_TRIALS = 2_000
_RANDOM_STATE = 1


@dataclass(frozen=True)
class Comparison:
    """The reference against another variant in one panel.

    :ivar seeds: of the reference and of the other.
    :ivar difference: of interquartile means, the reference's minus the other's.
    :ivar probability: that a run of the reference has the higher score.
    :ivar confidence: of both intervals; more than 95 % where there are several comparisons.
    :ivar p_value: of the rank test; NaN if scores are no finite numbers.
    :ivar higher: the variant that is higher, None if no difference is shown.
    :ivar power: how likely such numbers of seeds show a difference of :data:`EFFECT`; 0 with too few.
    """

    panel: str
    variant: str
    seeds: tuple[int, int]
    difference: Estimate
    probability: Estimate
    confidence: float
    p_value: float
    higher: str | None
    power: float

    @property
    def tested(self) -> bool:
        """Whether there are numbers enough for a verdict."""
        return min(self.seeds) >= LEAST_SEEDS and not isnan(self.p_value)


@lru_cache(maxsize=1)
def compare(results: StudyResults) -> list[Comparison]:
    """One for each panel and each variant with finished runs beside the reference's, in the study's order.

    Curves whose runs have several configurations are compared with nothing.
    """
    reference = results.reference
    pairs = {
        (panel, variant): (ours, theirs)
        for panel in results.panels
        for variant in results.variants
        if variant != reference
        and len(ours := results.finals(panel, reference))
        and len(theirs := results.finals(panel, variant))
        and not is_mixed(results, panel, reference)
        and not is_mixed(results, panel, variant)
    }
    levels, shown = told_apart(pairs)
    return [_comparison(results, *key, levels.get(key), key in shown) for key in pairs]


def nothing_compared(results: StudyResults) -> str:
    """Why there is no comparison, if not because runs are of several configurations."""
    several = (len({run.variant for run in results.of_panel(panel)}) > 1 for panel in results.panels)
    if not any(several):
        return "There is nothing to compare: no panel has finished runs of two variants."
    return (
        f"There is nothing to compare with: {named(results, results.reference)} has no finished runs where "
        "others have; --reference compares with another."
    )


def told_apart(pairs: Mapping[Key, tuple[Floats, Floats]]) -> tuple[dict[Key, float], set[Key]]:
    """The level that each comparison is held to, and the comparisons that show a difference.

    Holm's method goes on to a less strict level only when the one before showed a difference. So all that
    show none have the level of the first of them: a difference in any would have been the first.

    :param pairs: scores of the reference and of another variant, by panel and variant.
    """
    p_values = {key: rank_test(*pair) for key, pair in pairs.items() if min(map(len, pair)) >= LEAST_SEEDS}
    tested = sorted((key for key, p in p_values.items() if not isnan(p)), key=p_values.__getitem__)
    levels = holm_levels(len(tested))
    last = len(tested)
    for place, key in enumerate(tested):
        if p_values[key] > levels[place] or not _one_sided(*pairs[key], 1.0 - levels[place]):
            last = place
            break
    return {key: levels[min(place, last)] for place, key in enumerate(tested)}, set(tested[:last])


def rank_test(x: Floats, y: Floats) -> float:
    """Two-sided p-value of Mann and Whitney's test; 1 for equal scores, NaN if some are no finite numbers."""
    every = np.concatenate((x, y))
    if not np.isfinite(every).all():
        return float("nan")
    # Scores that differ by rounding are equal.
    ranks = np.unique(np.round(every / (np.abs(every).max() or 1.0), 12), return_inverse=True)[1]
    return float(mannwhitneyu(ranks[: len(x)], ranks[len(x) :]).pvalue) if spread(every) else 1.0


def holm_levels(n: int) -> list[float]:
    """The levels of n comparisons, the one with the smallest p-value first."""
    return [(1.0 - CONFIDENCE) / (n - place) for place in range(n)]


def excludes_zero(estimate: Estimate) -> bool:
    """Whether its interval lies on one side of 0."""
    return estimate.low > 0.0 or estimate.high < 0.0


def _one_sided(x: Floats, y: Floats, confidence: float) -> bool:
    """Whether the interval of the difference lies on the side of the variant that is higher in most pairs."""
    difference, lead = difference_of_means(x, y, confidence), pairs_won(x, y).mean() - 0.5
    return excludes_zero(difference) and difference.low * lead > 0.0


@cache
def power(n: int, m: int, level: float, effect: float = EFFECT) -> float:
    """How likely the rank test shows a difference, by simulation with normal scores of equal spread.

    :param n: seeds of one side, and of the other.
    :param level: of the test.
    :param effect: how likely a run of the better method is the higher one.
    """
    if min(n, m) < LEAST_SEEDS:
        return 0.0
    shift = 2.0**0.5 * NormalDist().inv_cdf(effect)
    random = np.random.default_rng(_RANDOM_STATE)
    x, y = random.normal(shift, size=(_TRIALS, n)), random.normal(size=(_TRIALS, m))
    return float((mannwhitneyu(x, y, axis=-1).pvalue <= level).mean())


def _comparison(
    results: StudyResults, panel: str, variant: str, level: float | None, shown: bool
) -> Comparison:
    """:param level: that the comparison is held to; None if there is nothing to be said."""
    ours, theirs = results.finals(panel, results.reference), results.finals(panel, variant)
    seeds, confidence = (len(ours), len(theirs)), CONFIDENCE if level is None else 1.0 - level
    difference = difference_of_means(ours, theirs, confidence)
    higher = (results.reference if difference.value > 0.0 else variant) if shown else None
    return Comparison(
        panel,
        variant,
        seeds,
        difference,
        probability_of_improvement((ours, theirs), confidence=confidence),
        confidence,
        rank_test(ours, theirs),
        higher,
        0.0 if level is None else power(*seeds, level),
    )
