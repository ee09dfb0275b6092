"""Checks of settings: each returns the value in its proper type or says what would be valid.

All checks of numbers are here, so that all errors sound alike: ``must be a whole number of at least 1``,
``must be a number above 0 and at most 1``. A constructor checks its own arguments by their own names. Whoever
builds the object puts the full name of its place in front (:func:`remix.settings.errors.part`).
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from numbers import Integral, Real
from typing import Any, TypeVar

from remix.settings.errors import SettingError, one_of, part
from remix.settings.signatures import as_whole, with_article

PartT = TypeVar("PartT")

LARGEST = 2**63 - 1
"""What tensors and stores can count to."""

LARGEST_SEED = 2**32 - 1
"""What NumPy's global generator and Lightning take. A larger one would also be two words to a
``SeedSequence``, and streams of different seeds could be one."""


def whole(setting: str, value: Any, minimum: int, maximum: int = LARGEST) -> int:
    """``value`` as an int between ``minimum`` and ``maximum``, both included."""
    valid = isinstance(value, Integral) and not isinstance(value, bool)
    if not valid or not minimum <= int(value) <= maximum:
        wide = maximum == LARGEST and not (valid and value > maximum)
        limits = f"of at least {minimum}" if wide else f"between {minimum} and {maximum}"
        raise SettingError(setting, value, f"must be a whole number {limits}{_not_text(value)}")
    return int(value)


def count(settings: MutableMapping[Any, Any], name: str, minimum: int, group: str = "") -> int:
    """The int of at least ``minimum`` that is set under a name; 1e6 is written out there.

    :param group: of the settings, with its dot, for errors.
    """
    value = settings[name]
    number = whole(f"{group}{name}", as_whole(value), minimum)
    if isinstance(value, float):  # what refers to another setting keeps doing so
        settings[name] = number
    return number


def whole_pair(setting: str, value: Any, minimum: int) -> tuple[int, int]:
    """``value`` as two ints of at least ``minimum``."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise SettingError(setting, value, "must be two whole numbers (rows, columns)")
    return whole(setting, value[0], minimum), whole(setting, value[1], minimum)


def seed(setting: str, value: Any) -> int:
    """``value`` as the seed of a run or an episode."""
    return whole(setting, value, minimum=0, maximum=LARGEST_SEED)


def number(
    setting: str,
    value: Any,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    *,
    above: float | None = None,
    below: float | None = None,
) -> float:
    """``value`` as a finite float within limits.

    :param minimum: the lowest valid number.
    :param maximum: the highest valid number.
    :param above: a lower limit that is not valid itself, in place of ``minimum``.
    :param below: an upper limit that is not valid itself, in place of ``maximum``.
    """
    valid = isinstance(value, Real) and not isinstance(value, bool)
    if valid and above is not None:
        valid = value > above
    if valid and below is not None:
        valid = value < below
    if not valid or not minimum <= value <= maximum:
        expected = f"must be {_limits(minimum, maximum, above, below)}{_not_text(value)}"
        raise SettingError(setting, value, expected)
    if abs(value) > sys.float_info.max:
        raise SettingError(setting, value, "must be finite")
    return float(value)


def ordered(low_setting: str, low: Any, high_setting: str, high: Any) -> tuple[float, float]:
    """Both ends of a range as finite floats of at least 0, the first no larger than the second."""
    low, high = number(low_setting, low, minimum=0), number(high_setting, high, minimum=0)
    if low > high:
        raise SettingError(low_setting, low, f"must be at most {high_setting}={high:g}")
    return low, high


def flag(setting: str, value: Any) -> bool:
    """``value``, which must be true or false."""
    if not isinstance(value, bool):
        raise SettingError(setting, value, "must be true or false")
    return value


def text(setting: str, value: Any, meaning: str) -> str:
    """``value``, which must be a text that is not empty; ``meaning`` says of what."""
    if not isinstance(value, str) or not value:
        raise SettingError(setting, value, f"must be {meaning}")
    return value


def packages(setting: str, value: Any) -> list[str]:
    """``value`` as names of packages."""
    names = value if isinstance(value, (list, tuple)) else [None]
    if not all(isinstance(name, str) and re.fullmatch(r"\w+(\.\w+)*", name) for name in names):
        raise SettingError(setting, value, f"must be a list of packages, as in {setting}=[mypackage]")
    return list(names)


def choice(setting: str, value: Any, valid: Iterable[str]) -> str:
    """``value``, which must be one of ``valid``."""
    valid = tuple(valid)
    if not isinstance(value, str) or value not in valid:
        raise SettingError(setting, value, one_of(valid, str(value)))
    return value


def instance(setting: str, value: PartT, kind: type) -> PartT:
    """``value``, which must be an object of this kind."""
    if not isinstance(value, kind):
        raise SettingError(setting, type(value).__name__, f"must be {with_article(kind)}")
    return value


def built(setting: str, kind: type, build: Callable[..., PartT], *arguments: Any) -> PartT:
    """The part that ``build`` makes of the arguments, which must be of this kind.

    Errors of its own settings get the name of this one in front.
    """
    with part(setting):
        made = build(*arguments)
    return instance(setting, made, kind)


def known(group: str, settings: Any, valid: Iterable[str]) -> None:
    """Refuse ``settings`` of a group that are no mapping, or that hold another name than ``valid`` ones."""
    valid = tuple(valid)
    if not isinstance(settings, Mapping):
        raise SettingError(group, settings, f"must be settings; one is set by {group}.{valid[0]}=...")
    for name, value in settings.items():
        if name not in valid:
            expected = f"unknown setting; {group} {one_of(valid, str(name))}"
            raise SettingError(f"{group}.{name}", value, expected)


def _not_text(value: Any) -> str:
    """What to add about a number in quotation marks, which do not show."""
    try:
        return ", without quotation marks" if isinstance(value, str) and math.isfinite(float(value)) else ""
    except ValueError:
        return ""


def _limits(minimum: float, maximum: float, above: float | None, below: float | None) -> str:
    if above is None and below is None and math.isfinite(minimum) and math.isfinite(maximum):
        return f"a number between {minimum:g} and {maximum:g}"
    limits = []
    if above is not None or math.isfinite(minimum):
        limits.append(f"of at least {minimum:g}" if above is None else f"above {above:g}")
    if below is not None or math.isfinite(maximum):
        of = "" if limits else "of "
        limits.append(f"{of}at most {maximum:g}" if below is None else f"below {below:g}")
    return f"a number {' and '.join(limits)}" if limits else "a finite number"
