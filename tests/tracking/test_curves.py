"""What a learning curve comes down to."""

from math import inf, isfinite, isnan, nan

import pytest

from remix.tracking.curves import curve_summary


def test_numbers_of_a_curve():
    summary = curve_summary([0, 10, 20, 30], [0.0, 1.0, 5.0, 4.0])
    assert summary == {
        "final_return": 4.0,
        "best_return": 5.0,
        "area_under_curve": pytest.approx((5 + 30 + 45) / 30),
        "steps_to_90_percent": 20.0,
    }


def test_the_last_tenth_of_the_steps_counts_as_the_end():
    assert curve_summary(range(0, 101, 5), [0.0] * 18 + [3.0, 6.0, 9.0])["final_return"] == 6.0


def test_ninety_percent_of_a_negative_best_lies_below_it():
    assert curve_summary([0, 1, 2, 3], [-100.0, -11.0, -10.5, -10.0])["steps_to_90_percent"] == 1.0


def test_a_run_that_never_rose_has_no_steps_to_ninety_percent():
    assert "steps_to_90_percent" not in curve_summary([0, 1, 2], [0.0, -5.0, 0.0])


def test_single_points_and_none():
    assert curve_summary([7], [2.0]) == {"final_return": 2.0, "best_return": 2.0, "area_under_curve": 2.0}
    assert curve_summary([], []) == {}


def test_the_order_of_the_points_does_not_matter_and_of_equal_steps_the_last_counts():
    steps, returns = [0, 10, 20, 30], [0.0, 1.0, 5.0, 4.0]
    assert curve_summary(steps[::-1], returns[::-1]) == curve_summary(steps, returns)
    assert curve_summary([20, 0, *steps], [-7.0, 9.0, *returns]) == curve_summary(steps, returns)
    assert curve_summary([5, 5], [1.0, 2.0])["area_under_curve"] == 2.0


@pytest.mark.parametrize("worst", [inf, -inf, nan])
def test_a_return_that_is_no_finite_number_is_not_the_best(worst):
    summary = curve_summary([0, 10, 20, 30], [0.0, worst, 5.0, 4.0])
    assert (summary["best_return"], summary["final_return"], summary["steps_to_90_percent"]) == (5.0, 4.0, 20)
    assert not isfinite(summary["area_under_curve"])
    nothing = curve_summary([0, 10], [worst, worst])
    assert isnan(nothing["best_return"])
    assert not isfinite(nothing["final_return"])
    assert "steps_to_90_percent" not in nothing
