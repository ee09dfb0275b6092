"""What is searched: settings with their ranges and choices. Free of Optuna."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from remix.settings import checks
from remix.settings.errors import SettingError, one_of

if TYPE_CHECKING:
    from optuna.trial import Trial

Value = None | bool | int | float | str

_RANGE = ("type", "low", "high", "log")
_FIELDS = {"float": _RANGE, "int": _RANGE, "choice": ("type", "choices")}


@dataclass(frozen=True)
class Range:
    """Numbers between two ends, both included.

    :ivar key: of the setting, as on the command line.
    :ivar whole: whole numbers only.
    :ivar log: every order of magnitude is as likely as another.
    """

    key: str
    low: float
    high: float
    log: bool
    whole: bool

    @property
    def type(self) -> str:
        return "int" if self.whole else "float"

    @property
    def example(self) -> Value:
        return self.low

    def suggest(self, trial: Trial) -> Value:
        if self.whole:
            return trial.suggest_int(self.key, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(self.key, self.low, self.high, log=self.log)


@dataclass(frozen=True)
class Choice:
    """One of several values, or of the files of a configuration group."""

    key: str
    choices: tuple[Value, ...]

    @property
    def example(self) -> Value:
        return self.choices[0]

    def suggest(self, trial: Trial) -> Value:
        chosen: Value = trial.suggest_categorical(self.key, self.choices)
        return chosen


Dimension = Range | Choice


def read_space(space: object) -> tuple[Dimension, ...]:
    """The dimensions of ``search.space``, a plain mapping from settings to their definitions.

    A definition that is None takes its setting out.

    :raises SettingError: naming the first part of a definition that cannot work.
    """
    if not isinstance(space, Mapping):
        raise SettingError("search.space", space, "must be a mapping from settings to their definitions")
    dimensions = tuple(_read(str(key), given) for key, given in space.items() if given is not None)
    if not dimensions:
        raise SettingError("search.space", dict(space), "must have at least one setting to search")
    return dimensions


def _read(key: str, given: object) -> Dimension:
    place = f"search.space.{key}"
    if not isinstance(given, Mapping) or "type" not in given:
        raise SettingError(
            place, given, "must be {type: float or int, low, high, log} or {type: choice, choices}"
        )
    kind = checks.choice(f"{place}.type", given["type"], _FIELDS)
    for field, value in given.items():
        if field not in _FIELDS[kind]:
            valid = one_of(_FIELDS[kind], str(field))
            raise SettingError(f"{place}.{field}", value, f"unknown setting; type {kind} {valid}")
    if kind == "choice":
        return Choice(key, _choices(place, given.get("choices")))
    low, high = (_number(f"{place}.{end}", given.get(end), whole=kind == "int") for end in ("low", "high"))
    log = checks.flag(f"{place}.log", given.get("log", False))
    if low > high:
        raise SettingError(f"{place}.low", low, f"must be at most high={high}")
    if log and low <= 0:
        raise SettingError(f"{place}.low", low, "must be a number above 0 with log=true")
    return Range(key, low, high, log, whole=kind == "int")


def _number(place: str, value: object, whole: bool) -> float:
    if value is None:
        raise SettingError(place, value, "must be given")
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise SettingError(place, value, "must be a whole number" if whole else "must be a number")
    assert isinstance(value, (int, float))
    if not math.isfinite(value):
        raise SettingError(place, value, "must be finite")
    return value if whole else float(value)


def _choices(place: str, value: object) -> tuple[Value, ...]:
    if not isinstance(value, list) or not value:
        raise SettingError(f"{place}.choices", value, "must be given, as a list of at least one value")
    for choice in value:
        if not (choice is None or isinstance(choice, (bool, int, float, str))):
            raise SettingError(f"{place}.choices", choice, "must be numbers, text, true, false or null")
    return tuple(value)


def shown(values: Mapping[str, Any]) -> str:
    """Values of a trial for people, numbers rounded."""
    rounded = {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in values.items()}
    return " ".join(f"{key.removeprefix('+')}={value}" for key, value in rounded.items())
