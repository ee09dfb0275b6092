"""What a learning curve comes down to."""

import pytest

from remix.curves import curve_summary


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
