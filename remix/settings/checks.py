"""Checks of settings: each returns the value in its proper type or says what would be valid."""

from __future__ import annotations

import math
import sys
from numbers import Integral, Real
from typing import Any

from remix.settings.errors import SettingError

LARGEST_SEED = 2**32 - 1
"""What NumPy's global generator and Lightning take. A larger one would also be two words to a
``SeedSequence``, and streams of different seeds could be one."""


def integer(setting: str, value: Any, minimum: int, maximum: float = math.inf) -> int:
    """``value`` as an int between ``minimum`` and ``maximum``, both included."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not minimum <= int(value) <= maximum:
        limits = f"of at least {minimum}" if maximum == math.inf else f"between {minimum} and {maximum}"
        raise SettingError(setting, value, f"must be an integer {limits}")
    return int(value)


def seed(setting: str, value: Any) -> int:
    """``value`` as the seed of a run or an episode."""
    return integer(setting, value, minimum=0, maximum=LARGEST_SEED)


def number(setting: str, value: Any, minimum: float = -math.inf, maximum: float = math.inf) -> float:
    """``value`` as a finite float between ``minimum`` and ``maximum``, both included."""
    valid = isinstance(value, Real) and not isinstance(value, bool)
    if not valid or not minimum <= value <= maximum:
        raise SettingError(setting, value, _range_phrase(minimum, maximum))
    if abs(value) > sys.float_info.max:
        raise SettingError(setting, value, "must be finite")
    return float(value)


def flag(setting: str, value: Any) -> bool:
    """``value``, which must be true or false."""
    if not isinstance(value, bool):
        raise SettingError(setting, value, "must be true or false")
    return value


def integer_pair(setting: str, value: Any, minimum: int) -> tuple[int, int]:
    """``value`` as two ints of at least ``minimum``."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise SettingError(setting, value, "must be two integers (rows, columns)")
    return integer(setting, value[0], minimum), integer(setting, value[1], minimum)


def _range_phrase(minimum: float, maximum: float) -> str:
    if math.isinf(minimum) and math.isinf(maximum):
        return "must be a finite number"
    if math.isinf(maximum):
        return f"must be a number of at least {minimum:g}"
    if math.isinf(minimum):
        return f"must be a number of at most {maximum:g}"
    return f"must be a number between {minimum:g} and {maximum:g}"
