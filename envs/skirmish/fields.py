"""Checked reading of data files. Every field is taken with its check; a field that nobody took is a mistake.

A mistake raises a :class:`remix.settings.errors.SettingError` of the setting that names the file. Its line
names the field by its place in the file (``allies[0].count``), its value and what would be valid.
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
    """The sorted names of the YAML files in a folder of the package's data."""
    return sorted(path.stem for path in (DATA / folder).glob("*.yaml"))


def read_fields(setting: str, folder: str, name: Any) -> tuple[Path, Fields]:
    """Find and read the file that a setting names.

    :param setting: name of the setting, for messages.
    :param folder: folder of the package's data that holds the known files.
    :param name: value of the setting: a known name, or the path of the user's own YAML file.
    :returns: the path of the file, and its fields.
    :raises SettingError: there is no such file, or it holds no mapping.
    """
    path = _find(setting, folder, name)
    try:
        content = _parse(read_text(path))
    except ValueError as error:
        raise SettingError(setting, name, f"cannot be read as YAML ({error})") from error
    return path, Fields(setting, name, "", content)


_parse = lru_cache(maxsize=64)(parse)


def _find(setting: str, folder: str, name: Any) -> Path:
    """The path of the file that a setting names. The user's own file must have a plain name."""
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
    """``name`` as a path if it ends like a YAML file and exists, else None."""
    if not isinstance(name, (str, Path)) or Path(name).suffix not in (".yaml", ".yml"):
        return None
    try:
        path = Path(name).expanduser()
        path.lstat()
    except (OSError, ValueError, RuntimeError):  # it is not there, holds a zero byte, or has an unknown home
        return None
    return path


PLAIN_NAME = "must consist of letters, digits, blanks and . _ + - and begin with a letter or digit"


def is_plain(name: str) -> bool:
    """Whether a name is of the form that :data:`PLAIN_NAME` describes."""
    return re.fullmatch(r"[^\W_][\w .+-]*", name) is not None


class Fields:
    """The fields of one mapping in a file.

    A method takes a field by its name, checks it and returns it. Each field can be taken once; :meth:`close`
    rejects those that nobody took. A field without a ``default`` must be present.

    :param setting: name of the setting that names the file.
    :param source: value of this setting.
    :param place: place of this mapping in the file, "" for the whole file.
    :param content: the mapping as it was read.
    :raises SettingError: by all methods, for a field that is missing or has a wrong value.
    """

    def __init__(self, setting: str, source: Any, place: str, content: Any) -> None:
        self._setting, self._source, self._place, self._known = setting, source, place, set[str]()
        if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
            self.fail("", content, "must be fields with names")
        self._content: dict[str, Any] = content

    def __contains__(self, name: str) -> bool:
        return name in self._content

    def names(self) -> list[str]:
        """The names of all fields in the order of the file."""
        return list(self._content)

    def fail(self, name: str, value: Any, expected: str) -> NoReturn:
        """Raise the error of the field ``name``. ``expected`` says what is valid instead of ``value``."""
        place = self._inside(name) or "the file"
        shown = " ".join(str(value).split())
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        raise SettingError(self._setting, self._source, f"{place}={shown}: {expected}")

    def number(self, name: str, minimum: float, maximum: float, default: float | None = None) -> float:
        """Take a number between ``minimum`` and ``maximum``."""
        return float(self._take(name, default, lambda value: checks.number("", value, minimum, maximum)))

    def whole(self, name: str, minimum: int, maximum: int) -> int:
        """Take an integer between ``minimum`` and ``maximum``."""
        return self._take(name, None, lambda value: checks.whole("", value, minimum, maximum))

    def flag(self, name: str, default: bool) -> bool:
        """Take a flag, true or false."""
        return self._take(name, default, lambda value: checks.flag("", value))

    def choice(self, name: str, valid: Iterable[str]) -> str:
        """Take one of the ``valid`` names."""
        return self._take(name, None, lambda value: checks.choice("", value, valid))

    def choices(
        self, name: str, valid: Iterable[str], default: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        """Take a list of ``valid`` names, none of them twice."""
        return self._take(name, default, lambda value: _choices(value, valid))

    def text(self, name: str, default: str | None = None) -> str:
        """Take a name of the form that :data:`PLAIN_NAME` describes."""
        return self._take(name, default, _text)

    def text_or_rows(self, name: str) -> str | tuple[str, ...]:
        """Take a name of that form, or a list of texts."""
        return self._take(name, None, lambda value: _rows(value) if isinstance(value, list) else _text(value))

    def numbers(
        self,
        name: str,
        default: tuple[float, ...] | None = None,
        sizes: tuple[int, ...] = (),
        minimum: float = -math.inf,
        maximum: float = math.inf,
    ) -> tuple[float, ...]:
        """Take a list of numbers between ``minimum`` and ``maximum``; ``sizes`` are its valid lengths."""
        return self._take(name, default, lambda value: _numbers(value, sizes, minimum, maximum))

    def rows(self, name: str, size: int, minimum: float, maximum: float) -> list[tuple[float, ...]]:
        """Take a list of lists of ``size`` numbers each, between ``minimum`` and ``maximum``."""

        def check(value: Any) -> list[tuple[float, ...]]:
            if not isinstance(value, list):
                raise SettingError("", value, "must be a list")
            return [_numbers(row, (size,), minimum, maximum) for row in value]

        return self._take(name, None, check)

    def part(self, name: str, default: dict[str, Any] | None = None) -> Fields:
        """Take the mapping in the field ``name``."""
        content = self._take(name, default, lambda value: value)
        return Fields(self._setting, self._source, self._inside(name), content)

    def parts(self, name: str) -> list[Fields]:
        """Take the list of mappings in the field ``name``, at least one."""
        values = self._take(name, None, lambda value: value)
        if not isinstance(values, list) or not values:
            self.fail(name, values, "must be a list of at least one entry")
        place = self._inside(name)
        return [Fields(self._setting, self._source, f"{place}[{k}]", value) for k, value in enumerate(values)]

    def close(self) -> None:
        """Reject the fields that nobody took, e.g. misspelt ones."""
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


def _rows(value: list[Any]) -> tuple[str, ...]:
    for row in value:
        if not isinstance(row, str):
            raise SettingError("", row, "must be a text; one that begins with # stands in quotes")
    return tuple(value)


def _numbers(value: Any, sizes: tuple[int, ...], minimum: float, maximum: float) -> tuple[float, ...]:
    if not isinstance(value, list) or (sizes and len(value) not in sizes):
        expected = " or ".join(map(str, sizes)) + " numbers" if sizes else "numbers"
        raise SettingError("", value, f"must be a list of {expected}")
    return tuple(checks.number("", item, minimum, maximum) for item in value)
