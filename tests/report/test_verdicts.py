"""What is called a difference: seldom by chance, reliably where there is one, the same from both sides."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from remix.report.results import Floats, Run, StudyResults
from remix.report.verdicts import compare, holm_levels, power, rank_test, told_apart
from tests.report.samples import make_run


def study(scores: dict[tuple[str, str], Floats]) -> StudyResults:
    """Runs of one evaluation, by panel and variant."""
    runs: list[Run] = [
        make_run(panel, variant, seed, [score])
        for (panel, variant), column in scores.items()
        for seed, score in enumerate(column.tolist())
    ]
    return StudyResults("s", "s", "score", tuple(runs))


def differences(results: StudyResults) -> dict[tuple[str, str], str]:
    return {(c.panel, c.variant): c.higher for c in compare(results) if c.higher is not None}


def catches(random: np.random.Generator, n: int) -> Floats:
    """Scores of runs that begin to learn or do not."""
    return np.where(random.random(n) < 0.7, random.normal(35.0, 1.0, n), random.normal(0.0, 0.1, n))


DRAWS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": lambda random, n: random.normal(size=n),
    "onset": catches,
    "two values": lambda random, n: random.integers(0, 2, n).astype(float),
}


@pytest.mark.parametrize("n", [5, 16])
@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_at_most_one_report_in_twenty_over_equal_methods_calls_a_difference_one(
    draw: Callable[[np.random.Generator, int], Floats], n: int
) -> None:
    random, reports = np.random.default_rng(7), 400
    keys = list(product(("p", "q"), ("qmix", "vdn")))
    false = sum(
        bool(told_apart({key: (draw(random, n), draw(random, n)) for key in keys})[1]) for _ in range(reports)
    )
    assert false <= 0.05 * reports + 1.64 * (0.05 * 0.95 * reports) ** 0.5


def test_what_is_far_apart_is_told_apart_from_both_sides() -> None:
    low, high = np.arange(5.0), np.arange(5.0) + 10.0
    assert differences(study({("p", "remix"): low, ("p", "qmix"): high})) == {("p", "qmix"): "qmix"}
    assert differences(study({("p", "remix"): high, ("p", "qmix"): low})) == {("p", "qmix"): "remix"}


def test_four_seeds_are_too_few_whatever_they_are() -> None:
    [comparison] = compare(study({("p", "remix"): np.arange(4.0), ("p", "qmix"): np.arange(40.0) + 100.0}))
    assert comparison.higher is None
    assert (comparison.seeds, comparison.power) == ((4, 40), 0.0)


def test_many_comparisons_ask_for_more_seeds() -> None:
    """Ranks of five seeds each cannot be surer than 2 of 252 orders."""
    names = [f"v{i}" for i in range(8)]
    for n, told in ((5, 0), (8, 8)):
        low = np.arange(n, dtype=np.float64)
        scores = {("p", "remix"): low, **{("p", name): low + 100.0 for name in names}}
        assert len(differences(study(scores))) == told


def test_levels_are_those_of_holm() -> None:
    assert holm_levels(3) == pytest.approx([0.05 / 3, 0.05 / 2, 0.05])
    assert holm_levels(0) == []


def test_what_shows_no_difference_is_held_to_the_level_of_the_first_that_shows_none() -> None:
    """Otherwise five seeds would have a power beside eight comparisons that they cannot have."""
    x, y = np.arange(5.0), np.arange(5.0) + 0.25
    comparisons = compare(study({("p", "remix"): x, **{("p", f"v{i}"): y + i / 8 for i in range(8)}}))
    assert {(c.confidence, c.power, c.higher) for c in comparisons} == {(1 - 0.05 / 8, 0.0, None)}


def test_a_test_and_an_interval_that_point_to_different_sides_show_nothing() -> None:
    """Most runs of X are a little higher, and the rest so low that the mean of the middle half is lower."""
    x, y = np.repeat([1.0, -100.0], [40, 24]), np.zeros(64)
    assert rank_test(x, y) < 0.01
    assert not differences(study({("p", "remix"): x, ("p", "qmix"): y}))
    assert not differences(study({("p", "remix"): y, ("p", "qmix"): x}))


def test_intervals_are_as_strict_as_the_test() -> None:
    x, y = np.arange(8.0), np.arange(8.0) + 100.0
    comparisons = compare(study({("p", "remix"): x, ("p", "qmix"): y, ("p", "vdn"): x + 1.0}))
    assert [c.confidence for c in comparisons] == pytest.approx([0.975, 0.95])


@pytest.mark.parametrize("score", [0.1, -0.7, 1e-300, 1e140])
def test_rounding_is_no_difference(score: float) -> None:
    off = np.full(6, score * (1 + 1e-15))
    assert rank_test(np.full(6, score), off) == 1.0
    assert not differences(study({("p", "remix"): np.full(6, score), ("p", "qmix"): off}))
    assert differences(study({("p", "remix"): np.full(6, score), ("p", "qmix"): off * (1 + 1e-9)}))


def test_the_rank_test_is_exact_without_ties() -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(1.0, size=6), random.normal(size=7)
    assert rank_test(x, y) == pytest.approx(mannwhitneyu(x, y, method="exact").pvalue)
    assert rank_test(np.arange(5.0), np.arange(5.0) + 10.0) == pytest.approx(2 / 252)


def test_power_grows_with_seeds_and_shrinks_with_the_level() -> None:
    assert power(5, 5, 0.05) < power(8, 8, 0.05) < power(16, 16, 0.05) <= 1.0
    assert power(8, 8, 0.01) < power(8, 8, 0.05)
    assert power(3, 100, 0.05) == 0.0
    assert power(8, 8, 0.05, effect=0.5) == pytest.approx(0.05, abs=0.015)
