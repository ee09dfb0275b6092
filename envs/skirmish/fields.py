"""Checked reading of data files: every field is taken with its check, and what is left over is a mistake.

A mistake is a :class:`remix.settings.errors.SettingError` of the setting that names the file. Its line says
the field, by its place in the file (``allies[0].count``), its value and what would be valid.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from remix.envs.skirmish.plain_yaml import parse, read_text
from remix.settings import checks
from remix.settings.errors import SettingError, one_of

DATA = Path(__file__).parent / "data"

_T = TypeVar("_T")


def names_in(folder: str) -> list[str]:
    """Names of the YAML files in a folder of the package's data, sorted."""
    return sorted(path.stem for path in (DATA / folder).glob("*.yaml"))


def read_fields(setting: str, folder: str, name: Any) -> tuple[Path, Fields]:
    """The file that a setting names, and its fields.

    :param setting: the setting, for messages.
    :param folder: where in the package's data the known names are.
    :param name: one of the known names, or the path of a YAML file of the user's own.
    :raises SettingError: if there is no such file, or it holds no fields.
    """
    path = _find(setting, folder, name)
    try:
        content = _parse(read_text(path))
    except ValueError as error:
        raise SettingError(setting, name, f"cannot be read as YAML ({error})") from error
    return path, Fields(setting, name, "", content)


_parse = lru_cache(maxsize=64)(parse)


def _find(setting: str, folder: str, name: Any) -> Path:
    """The file that a setting names; one of the user's own must have a name that can be shown anywhere."""
    known = names_in(folder)
    if name in known:
        return DATA / folder / f"{name}.yaml"
    own = _own_file(name)
    if own is None:
        raise SettingError(setting, name, f"{one_of(known, str(name))}, or the path of a .yaml file")
    if not is_plain(own.name):
        raise SettingError(setting, name, f"the file's name {PLAIN_NAME}")
    return own


def _own_file(name: Any) -> Path | None:
    """The path of something that is there and called like a YAML file."""
    if not isinstance(name, (str, Path)) or Path(name).suffix not in (".yaml", ".yml"):
        return None
    try:
        path = Path(name).expanduser()
        path.lstat()
    except (OSError, ValueError, RuntimeError):  # not there, a zero byte, nobody's home
        return None
    return path


PLAIN_NAME = "must consist of letters, digits, blanks and . _ + - and begin with a letter or digit"


def is_plain(name: str) -> bool:
    """Whether a name is as :data:`PLAIN_NAME` says."""
    return re.fullmatch(r"[^\W_][\w .+-]*", name) is not None


class Fields:
    """Fields of a mapping in a file; each is taken once, and :meth:`close` rejects those not taken.

    Fields without a ``default`` must be there.

    :param setting: the setting that names the file.
    :param source: its value.
    :param place: where in the file this mapping is, "" for the whole file.
    :param content: the mapping as read.
    """

    def __init__(self, setting: str, source: Any, place: str, content: Any) -> None:
        self._setting, self._source, self._place, self._known = setting, source, place, set[str]()
        if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
            self.fail("", content, "must be fields with names")
        self._content: dict[str, Any] = content

    def __contains__(self, name: str) -> bool:
        return name in self._content

    def names(self) -> list[str]:
        """Names of all fields, in the order of the file."""
        return list(self._content)

    def fail(self, name: str, value: Any, expected: str) -> NoReturn:
        """Reject ``value`` of field ``name``; ``expected`` says what would be valid."""
        place = self._inside(name) or "the file"
        shown = " ".join(str(value).split())
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        raise SettingError(self._setting, self._source, f"{place}={shown}: {expected}")

    def number(self, name: str, minimum: float, maximum: float, default: float | None = None) -> float:
        """A number."""
        return float(self._take(name, default, lambda value: checks.number("", value, minimum, maximum)))

    def whole(self, name: str, minimum: int, maximum: int) -> int:
        """An integer."""
        return self._take(name, None, lambda value: checks.whole("", value, minimum, maximum))

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        return self._take(name, default, lambda value: checks.flag("", value))

    def choice(self, name: str, valid: Iterable[str]) -> str:
        """One of the ``valid`` names."""
        return self._take(name, None, lambda value: checks.choice("", value, valid))

    def choices(
        self, name: str, valid: Iterable[str], default: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        """A list of different ones of the ``valid`` names."""
        return self._take(name, default, lambda value: _choices(value, valid))

    def text(self, name: str) -> str:
        """A name, as :data:`PLAIN_NAME` says."""
        return self._take(name, None, _text)

    def numbers(
        self,
        name: str,
        default: tuple[float, ...] | None = None,
        sizes: tuple[int, ...] = (),
        minimum: float = -math.inf,
        maximum: float = math.inf,
    ) -> tuple[float, ...]:
        """A list of numbers, of one of the given ``sizes``."""
        return self._take(name, default, lambda value: _numbers(value, sizes, minimum, maximum))

    def rows(self, name: str, size: int, minimum: float, maximum: float) -> list[tuple[float, ...]]:
        """A list of lists of ``size`` numbers each."""

        def check(value: Any) -> list[tuple[float, ...]]:
            if not isinstance(value, list):
                raise SettingError("", value, "must be a list")
            return [_numbers(row, (size,), minimum, maximum) for row in value]

        return self._take(name, None, check)

    def part(self, name: str, default: dict[str, Any] | None = None) -> Fields:
        """The mapping inside field ``name``."""
        content = self._take(name, default, lambda value: value)
        return Fields(self._setting, self._source, self._inside(name), content)

    def parts(self, name: str) -> list[Fields]:
        """The mappings in the list in field ``name``, at least one."""
        values = self._take(name, None, lambda value: value)
        if not isinstance(values, list) or not values:
            self.fail(name, values, "must be a list of at least one entry")
        place = self._inside(name)
        return [Fields(self._setting, self._source, f"{place}[{k}]", value) for k, value in enumerate(values)]

    def close(self) -> None:
        """Reject fields that nobody took, e.g. misspelt ones."""
        for name in self._content:
            if name not in self._known:
                self.fail(name, self._content[name], f"unknown field, {one_of(self._known, name)}")

    def _inside(self, name: str) -> str:
        return ".".join(part for part in (self._place, name) if part)

    def _take(self, name: str, default: _T | None, check: Callable[[Any], _T]) -> _T:
        self._known.add(name)
        if name not in self._content:
            if default is not None:
                return default
            raise SettingError(self._setting, self._source, f"{self._inside(name)} is missing")
        try:
            return check(self._content[name])
        except SettingError as error:
            self.fail(name, error.value, error.expected)


def _choices(value: Any, valid: Iterable[str]) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise SettingError("", value, "must be a list")
    chosen = tuple(checks.choice("", item, valid) for item in value)
    if len(set(chosen)) < len(chosen):
        raise SettingError("", value, "must not repeat itself")
    return chosen


def _text(value: Any) -> str:
    if not isinstance(value, str) or not is_plain(value):
        raise SettingError("", value, f"the name {PLAIN_NAME}")
    return value


def _numbers(value: Any, sizes: tuple[int, ...], minimum: float, maximum: float) -> tuple[float, ...]:
    if not isinstance(value, list) or (sizes and len(value) not in sizes):
        expected = " or ".join(map(str, sizes)) + " numbers" if sizes else "numbers"
        raise SettingError("", value, f"must be a list of {expected}")
    return tuple(checks.number("", item, minimum, maximum) for item in value)
