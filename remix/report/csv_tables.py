"""CSV files that spreadsheets may open and that anybody may have written."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from remix.settings.errors import SettingError, one_of

LARGEST_FILE = 64 * 2**20  # bytes
LARGEST_NUMBER = 1e150
"""Sums of squares of such numbers are finite."""

LARGEST_COUNT = 10**15
"""Up to here every whole number is a float."""

# Spreadsheets take cells that begin so for formulas. An apostrophe before them says that they are text.
_FORMULA = re.compile(r"'*\s*[=+\-@|%\t\r\n＝＋－＠]")
_GUARDED = re.compile(r"'" + _FORMULA.pattern)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|inf|nan)")


@dataclass(frozen=True)
class Row:
    """A line of a table, whose methods read one cell each and name the place of a wrong one.

    :ivar line: its number in the file, from 1.
    :ivar cells: by column.
    """

    path: Path
    line: int
    cells: dict[str, str]

    def text(self, column: str, valid: Sequence[str] = ()) -> str:
        """The text of a cell, which must be one of ``valid`` if any are given."""
        cell = self.cells[column]
        if not cell.strip():
            self.refuse(column, "must not be empty")
        if valid and cell not in valid:
            self.refuse(column, one_of(valid, cell))
        return cell

    def whole(self, column: str, least: int = 0) -> int:
        cell = self.cells[column]
        if not re.fullmatch(r"[0-9]{1,16}", cell) or not least <= int(cell) <= LARGEST_COUNT:
            self.refuse(column, f"must be a whole number from {least} to {LARGEST_COUNT:.0e}")
        return int(cell)

    def number(self, column: str, least: float = -LARGEST_NUMBER, most: float = LARGEST_NUMBER) -> float:
        value = self._float(column)
        if value is None or not least <= value <= most:
            self.refuse(column, f"must be a number from {least:g} to {most:g}")
        return value

    def score(self, column: str) -> float:
        """The number in a cell, which may be infinite or ``nan``."""
        value = self._float(column)
        if value is None:
            self.refuse(column, "must be a number")
        return value

    def _float(self, column: str) -> float | None:
        cell = self.cells[column]
        try:
            return float(cell) if cell.isascii() and "_" not in cell else None
        except ValueError:
            return None

    def refuse(self, column: str, expected: str) -> NoReturn:
        """:raises SettingError: naming the cell and what would be valid."""
        cell = self.cells[column]
        shown = cell if len(cell) <= 40 else f"{cell[:40]}..."
        raise SettingError("study", self.path, f"line {self.line}, column {column}: {shown!r} {expected}")


def write_table(path: Path, columns: Iterable[str], lines: Iterable[Iterable[Any]]) -> None:
    """Write a table. Text is written so that no spreadsheet takes it for a formula."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for line in (columns, *lines):
            writer.writerow([_guarded(cell) if isinstance(cell, str) else cell for cell in line])


def read_table(path: Path, columns: Sequence[str], others: int = 0) -> tuple[list[str], list[Row]]:
    """The names of all columns, and the lines below them.

    :param columns: names of columns that must be there.
    :param others: how many further columns there must be.
    :raises SettingError: if the file cannot be read, or is no such table, naming the line.
    """
    try:
        _check_file(path)
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = _lines(path, csv.reader(file, strict=True))
            _, header = next(lines, (1, []))
            _check_header(path, header, columns, others)
            return header, [
                Row(path, number, _by_column(path, number, header, cells)) for number, cells in lines
            ]
    except UnicodeDecodeError as error:
        raise SettingError("study", path, f"is not a table: byte {error.start} is not UTF-8 text") from error
    except OSError as error:
        raise SettingError("study", path, f"cannot be read ({error.strerror})") from error


def _check_file(path: Path) -> None:
    size = path.stat().st_size
    if not path.is_file():
        raise SettingError("study", path, "is not a file")
    if size > LARGEST_FILE:
        raise SettingError("study", path, f"has {size:,} bytes; at most {LARGEST_FILE:,} are read")


def _lines(path: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Lines that are not empty, with their numbers."""
    try:
        for cells in reader:
            if any("\0" in cell for cell in cells):
                raise SettingError(
                    "study", path, f"line {reader.line_num}: has a NUL character; must be text"
                )
            if cells:
                yield reader.line_num, [_unguarded(cell) for cell in cells]
    except csv.Error as error:
        expected = f"line {reader.line_num}: {error}; must be comma-separated values"
        raise SettingError("study", path, expected) from error


def _check_header(path: Path, header: Sequence[str], columns: Sequence[str], others: int) -> None:
    needed = ", ".join(columns) + (" and one for the scores" if others else "")
    if missing := [name for name in columns if name not in header]:
        expected = f"line 1: has no column {', '.join(sorted(missing))}; must have {needed}"
        raise SettingError("study", path, expected)
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise SettingError("study", path, f"line 1: has the column {twice!r} twice; must have {needed}")
    if others and (len(header) != len(columns) + others or not all(name.strip() for name in header)):
        expected = f"line 1: needs one column besides {', '.join(columns)}: the scores"
        raise SettingError("study", path, expected)


def _by_column(path: Path, number: int, header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    if len(cells) != len(header):
        raise SettingError("study", path, f"line {number}: has {len(cells)} cells; must have {len(header)}")
    return dict(zip(header, cells, strict=True))


def _guarded(text: str) -> str:
    return "'" + text if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _unguarded(text: str) -> str:
    return text[1:] if _GUARDED.match(text) and not _NUMBER.fullmatch(text[1:]) else text
