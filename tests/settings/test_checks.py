"""Every check says in the same words what would be valid."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from remix.settings import checks
from remix.settings.errors import SettingError

Check = Callable[[str, Any], object]


def expected(check: Check, value: Any) -> str:
    with pytest.raises(SettingError) as caught:
        check("size", value)
    assert caught.value.setting == "size"
    return caught.value.expected


@pytest.mark.parametrize(
    ("check", "valid", "wrong", "phrase"),
    [
        (partial(checks.whole, minimum=1), (1, np.int64(7)), (0, 1.0, True, "x", None), "of at least 1"),
        (partial(checks.whole, minimum=1, maximum=3), (1, 3), (0, 4), "between 1 and 3"),
        (partial(checks.whole, minimum=0), (0,), (2**63,), f"between 0 and {2**63 - 1}"),
        (checks.seed, (0, 2**32 - 1), (-1, 2**32, 1.0), f"between 0 and {2**32 - 1}"),
    ],
)
def test_whole_numbers(check: Check, valid: tuple[Any, ...], wrong: tuple[Any, ...], phrase: str):
    for value in valid:
        assert type(check("size", value)) is int
    assert {expected(check, value) for value in wrong} == {f"must be a whole number {phrase}"}


@pytest.mark.parametrize("check", [partial(checks.whole, minimum=1), checks.number])
def test_a_number_in_quotation_marks_which_do_not_show(check: Check):
    assert expected(check, "1000").endswith(", without quotation marks")
    assert "quotation" not in expected(check, "nan")


@pytest.mark.parametrize(
    ("limits", "valid", "wrong", "phrase"),
    [
        ({}, (-1e300, 0, np.float64(1.5)), ("x", None, True), "must be a finite number"),
        ({"minimum": 0}, (0, 1), (-1e-9, float("nan")), "must be a number of at least 0"),
        ({"maximum": 0}, (0, -1), (1e-9,), "must be a number of at most 0"),
        ({"minimum": 0, "maximum": 1}, (0, 1), (-1, 2), "must be a number between 0 and 1"),
        ({"above": 0}, (1e-300,), (0, -1, float("nan")), "must be a number above 0"),
        ({"above": 0, "maximum": 1}, (1e-3, 1), (0, 1.1), "must be a number above 0 and at most 1"),
        ({"minimum": 0, "below": 1}, (0, 0.99), (1, -1), "must be a number of at least 0 and below 1"),
        ({"below": 1}, (0.99, -5), (1,), "must be a number below 1"),
        ({"minimum": 0}, (), (float("inf"), 10**400), "must be finite"),
    ],
)
def test_numbers(limits: dict[str, Any], valid: tuple[Any, ...], wrong: tuple[Any, ...], phrase: str):
    def check(setting: str, value: Any) -> float:
        return checks.number(setting, value, **limits)

    for value in valid:
        assert type(check("size", value)) is float
    assert {expected(check, value) for value in wrong} == {phrase}


def test_ends_of_a_range():
    assert checks.ordered("low", 0, "high", 1) == (0.0, 1.0)
    for low, high, said in (
        (2, 1, "low=2.0: must be at most high=1"),
        (-1, 1, "low=-1: must be a number of at least 0"),
        (0, "x", "high=x: must be a number of at least 0"),
    ):
        with pytest.raises(SettingError, match=f"^{said}$"):
            checks.ordered("low", low, "high", high)


def test_choices_and_flags():
    assert checks.choice("size", "small", ("small", "large")) == "small"
    assert expected(partial(checks.choice, valid=("small", "large")), "larg") == "must be one of large, small"
    assert expected(partial(checks.choice, valid=("1",)), 1) == "must be one of 1"
    assert checks.flag("size", False) is False
    assert expected(checks.flag, 0) == "must be true or false"


def test_parts_that_are_made():
    assert checks.built("size", int, int, "3") == 3
    with pytest.raises(SettingError, match=r"^size=str: must be an int$"):
        checks.built("size", int, str, 3)
    with pytest.raises(SettingError, match=r"^size\.number=a: must be true or false$"):
        checks.built("size", int, checks.flag, "number", "a")


def test_names_of_a_group():
    checks.known("range", {"min": 1}, ("min", "max"))
    with pytest.raises(SettingError, match=r"range\.maxx=1: unknown setting; range must be one of max, min"):
        checks.known("range", {"maxx": 1}, ("min", "max"))
    with pytest.raises(SettingError, match=r"range=3: must be settings; one is set by range\.min="):
        checks.known("range", 3, ("min", "max"))
