"""Intervals out of counts against SciPy's bootstrap of the scores themselves: equal to the last digit."""

from typing import Any

import numpy as np
import pytest

from remix.report import statistics
from remix.report.resampling import interval
from remix.report.results import Floats
from remix.report.statistics import Estimate, performance_profile, probability_of_improvement

RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize("sizes", [[(2, 2)], [(5, 9)], [(32, 31)], [(3, 3), (8, 5)]])
@pytest.mark.parametrize("digits", [0, 15])  # many ties, and none
def test_probabilities(sizes: list[tuple[int, int]], digits: int) -> None:
    tasks = [tuple(RANDOM.normal(size=n).round(digits) for n in pair) for pair in sizes]
    every: list[Floats] = [scores for pair in tasks for scores in pair]
    estimate: Estimate = probability_of_improvement(*((x, y) for x, y in tasks), confidence=0.99)
    assert (estimate.low, estimate.high) == interval(statistics._improvement, every, 0.99)


@pytest.mark.parametrize("n", [2, 7, 32])
def test_profiles(n: int) -> None:
    scores, thresholds = RANDOM.normal(size=n), np.linspace(-2, 2, 11)
    band = performance_profile(scores, thresholds)
    low, high = interval(statistics._mean, [(scores > thresholds[:, None]).astype(np.float64)])
    assert band.low.tolist() == low.tolist() and band.high.tolist() == high.tolist()


def test_one_run_has_no_interval() -> None:
    def never(*counts: Any) -> Any:
        raise AssertionError("nothing to draw from")

    assert np.isnan(interval(statistics._mean, [np.ones(1)], of_counts=never)).all()
