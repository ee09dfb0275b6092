"""Estimates against closed forms and against rliable, intervals against what they must be for few runs."""

from math import isnan

import numpy as np
import pytest
from rliable import metrics as rliable

from remix.report.statistics import (
    common_grid,
    comparable,
    curve_over_tasks,
    difference_of_means,
    interquartile_mean,
    learning_curve,
    on_grid,
    performance_profile,
    probability_of_improvement,
    smoothed,
)
from tests.report.samples import make_run

RANDOM = np.random.default_rng(3)


class TestInterquartileMean:
    def test_is_the_mean_of_the_middle_half(self) -> None:
        assert interquartile_mean(np.array([100.0, 1.0, 2.0, -50.0])).value == 1.5
        assert interquartile_mean(np.array([100.0, 1.0, 4.0])).value == 35.0

    @pytest.mark.parametrize(("n", "tasks"), [(3, 1), (5, 1), (4, 3), (10, 2)])
    def test_agrees_with_rliable(self, n: int, tasks: int) -> None:
        scores = RANDOM.normal(size=(n, tasks))
        estimate = interquartile_mean(*scores.T)
        assert estimate.value == pytest.approx(rliable.aggregate_iqm(scores))
        assert estimate.n == n * tasks

    def test_interval_of_three_runs_reaches_from_lowest_to_highest(self) -> None:
        estimate = interquartile_mean(np.array([3.0, 7.0, 5.0]))
        assert (estimate.low, estimate.high) == (3.0, 7.0)

    def test_interval_of_many_runs_is_that_of_their_mean(self) -> None:
        # The interquartile mean of normal scores has about 1.08 times the standard error of the mean.
        scores = np.random.default_rng(0).normal(size=400)
        estimate = interquartile_mean(scores)
        assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * 1.08 / 20, rel=0.1)
        assert estimate.low < estimate.value < estimate.high

    def test_runs_are_drawn_within_their_task(self) -> None:
        # Equal scores within tasks leave nothing to chance, however much tasks differ.
        estimate = interquartile_mean(np.full(4, 1.0), np.full(4, 9.0))
        assert (estimate.low, estimate.value, estimate.high) == (5.0, 5.0, 5.0)
        assert interquartile_mean(np.repeat([1.0, 9.0], 4)).low < 4.0

    def test_tasks_weigh_alike_whatever_their_numbers_of_runs(self) -> None:
        easy, hard = np.array([7.0, 9.0, 11.0, 9.0]), np.array([1.0, 3.0])
        whole = interquartile_mean(easy, np.repeat(hard, 2))
        estimate = interquartile_mean(easy, hard)
        assert estimate.value == pytest.approx(whole.value) == 5.5
        assert (estimate.n, whole.n) == (6, 8)
        assert estimate.low < estimate.value < estimate.high
        points = curve_over_tasks(np.array([5.0]), [easy[:, None], hard[:, None]])
        assert (points.value.item(), points.low.item()) == pytest.approx((estimate.value, estimate.low))

    @pytest.mark.parametrize("tasks", [[[4.0]], [[4.0], [4.0, 4.0]]])
    def test_one_run_has_no_interval(self, tasks: list[list[float]]) -> None:
        estimate = interquartile_mean(*map(np.array, tasks))
        assert estimate.value == 4.0
        assert isnan(estimate.low) and isnan(estimate.high)

    def test_is_the_same_every_time(self) -> None:
        scores = RANDOM.normal(size=7)
        assert interquartile_mean(scores) == interquartile_mean(scores)


class TestProbabilityOfImprovement:
    @pytest.mark.parametrize(
        ("x", "y", "expected"),
        [
            ([2.0, 3.0], [0.0, 1.0], 1.0),
            ([0.0, 1.0], [2.0, 3.0], 0.0),
            ([1.0, 1.0], [1.0, 1.0], 0.5),
            ([1.0, 3.0], [2.0, 0.0], 0.75),
            ([1.0, 2.0, 3.0], [2.0], 0.5),
        ],
    )
    def test_counts_pairs_and_half_of_the_ties(self, x: list[float], y: list[float], expected: float) -> None:
        assert probability_of_improvement((np.array(x), np.array(y))).value == expected

    def test_agrees_with_rliable(self) -> None:
        x, y = RANDOM.integers(0, 6, size=(5, 3)).astype(float), RANDOM.integers(0, 6, (4, 3)).astype(float)
        estimate = probability_of_improvement(*zip(x.T, y.T, strict=True))
        assert estimate.value == pytest.approx(rliable.probability_of_improvement(x, y))
        assert 0.0 <= estimate.low < estimate.value < estimate.high <= 1.0

    def test_is_the_mean_over_tasks(self) -> None:
        won = np.array([2.0, 3.0]), np.array([0.0, 1.0])
        assert probability_of_improvement(won, won[::-1], won).value == pytest.approx(2 / 3)

    def test_certain_cases_have_intervals_without_width(self) -> None:
        estimate = probability_of_improvement((np.array([2.0, 3.0]), np.array([0.0, 1.0])))
        assert (estimate.low, estimate.high) == (1.0, 1.0)


class TestDifferenceOfMeans:
    def test_is_that_of_the_means_and_turns_with_the_sides(self) -> None:
        x, y = RANDOM.normal(2.0, size=9), RANDOM.normal(size=7)
        estimate, back = difference_of_means(x, y), difference_of_means(y, x)
        expected = interquartile_mean(x).value - interquartile_mean(y).value
        assert estimate.value == pytest.approx(expected) == -back.value
        assert estimate.low < estimate.value < estimate.high
        assert (back.low, back.high) == pytest.approx((-estimate.high, -estimate.low), abs=0.15)

    def test_more_confidence_is_a_wider_interval(self) -> None:
        x, y = RANDOM.normal(size=9), RANDOM.normal(size=7)
        usual, sure = difference_of_means(x, y), difference_of_means(x, y, confidence=0.99)
        assert sure.low < usual.low < usual.high < sure.high


class TestCurves:
    def test_evaluations_at_other_steps_are_interpolated(self) -> None:
        runs = [
            make_run("p", "remix", 1, [0.0, 10.0, 20.0], env_steps=[0, 100, 200]),
            make_run("p", "remix", 2, [0.0, 5.0, 21.0], env_steps=[0, 50, 210]),
        ]
        grid = common_grid(runs)
        assert grid.tolist() == [0.0, 100.0, 200.0]
        assert on_grid(runs, grid).tolist() == [[0.0, 10.0, 20.0], [0.0, 10.0, 20.0]]
        band = learning_curve(runs)
        assert band.value.tolist() == band.low.tolist() == band.high.tolist() == [0.0, 10.0, 20.0]
        assert band.n == 2

    def test_band_is_the_interval_at_each_point(self) -> None:
        scores = RANDOM.normal(size=(5, 4)).tolist()
        runs = [make_run("p", "remix", seed, curve) for seed, curve in enumerate(scores)]
        band = learning_curve(runs)
        for point, column in enumerate(np.array(scores).T):
            estimate = interquartile_mean(column)
            assert (band.value[point], band.low[point], band.high[point]) == pytest.approx(
                (estimate.value, estimate.low, estimate.high)
            )

    def test_one_run_has_a_curve_without_band(self) -> None:
        band = learning_curve([make_run("p", "remix", 1, [1.0, 2.0, 4.0])])
        assert band.value.tolist() == [1.0, 2.0, 4.0]
        assert np.isnan(band.low).all() and len(band.low) == 3

    def test_runs_with_a_single_evaluation_have_one_point(self) -> None:
        band = learning_curve([make_run("p", "remix", seed, [score]) for seed, score in ((1, 2.0), (2, 4.0))])
        assert band.at.tolist() == [0.0] and band.value.tolist() == [3.0]

    def test_a_run_that_covers_less_than_most_does_not_shrink_their_curve(self) -> None:
        whole = [make_run("p", "remix", seed, np.arange(11.0).tolist()) for seed in (1, 2)]
        late = make_run("p", "remix", 3, [10.0], env_steps=[1000])
        early = make_run("p", "remix", 4, [0.0, 1.0], env_steps=[0, 100])
        slightly = make_run("p", "remix", 5, [0.0, 1.0], env_steps=[60, 930])
        for others in ([late], [early], [late, early]):
            assert comparable([*others, *whole]) == whole
            band = learning_curve([*others, *whole])
            assert (band.n, band.at.tolist()) == (2, np.linspace(0, 1000, 11).tolist())
        assert comparable([*whole, slightly]) == [*whole, slightly]
        assert common_grid([*whole, slightly])[[0, -1]].tolist() == [60, 930]

    @pytest.mark.parametrize(
        "spans", [[(0, 50), (50, 99)], [(0, 1), (0, 1), (5, 9), (6, 9)], [(9, 9), (0, 0)]]
    )
    def test_runs_with_nothing_in_common_still_have_a_curve(self, spans: list[tuple[int, int]]) -> None:
        runs = [make_run("p", "remix", seed, [0.0, 1.0], env_steps=span) for seed, span in enumerate(spans)]
        assert comparable(runs)
        assert len(learning_curve(runs).at) >= 1


class TestPerformanceProfile:
    def test_share_of_runs_above_each_threshold(self) -> None:
        profile = performance_profile(np.array([1.0, 2.0, 2.0, 5.0]), np.array([0.0, 1.0, 2.0, 4.9, 5.0]))
        assert profile.value.tolist() == [1.0, 0.75, 0.25, 0.25, 0.0]
        assert profile.low[0] == profile.high[0] == 1.0  # nothing to doubt about all
        assert profile.low[1] < 0.75 < profile.high[1]

    def test_band_is_that_of_a_share(self) -> None:
        profile = performance_profile(np.arange(100.0), np.array([49.5]))
        assert profile.high[0] - profile.low[0] == pytest.approx(2 * 1.96 * 0.05, rel=0.1)


def test_a_huge_score_leaves_those_after_it_their_digits_when_smoothed() -> None:
    run = make_run("p", "remix", 1, [-1e20, 1.0, 2.0, 4.0])
    assert smoothed(run, 2).scores.tolist() == [-1e20, -5e19, 1.5, 3.0]
    assert smoothed(run, 10**18).scores[0] == -1e20, "more than there are"
