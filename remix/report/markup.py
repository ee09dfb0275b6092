"""A page as a list of sections, and how Markdown writes it; :mod:`remix.report.web_page` writes HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from remix.report.text import printable

# A bracket may stand, unless a target follows; addresses and mentions would become links of themselves.
_MARKUP = re.compile(
    r"[\\`*_|<>#$~@]|\](?=[(\[:])|(?<=\])[(\[:]|&(?=[#\w])|:(?=//)|(?<=www)\.", re.IGNORECASE
)
_AT_THE_START = re.compile(r"^(\s*\d*)([-+=.)\[])")


@dataclass(frozen=True)
class Table:
    """Cells as text; the first ``text_columns`` columns are words, the others numbers."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    text_columns: int = 1


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]


@dataclass(frozen=True)
class Picture:
    """A figure that lies in the folder of the page as ``<name>.png`` and ``<name>.svg``."""

    name: str
    caption: str


@dataclass(frozen=True)
class Chart:
    """A picture that a browser draws itself where it can, for the reader to ask it for more.

    :ivar data: JSON, as :func:`remix.report.interactive.curves` makes it.
    """

    picture: Picture
    data: str


@dataclass(frozen=True)
class Lead:
    """The paragraph that is to be read first."""

    text: str


@dataclass(frozen=True)
class Links:
    """A small line of text, then names with the addresses that they lead to."""

    text: str
    targets: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Beside:
    """Two blocks side by side where there is room, else one below the other."""

    first: Chart | Picture
    second: Table


Block = str | Lead | Links | Table | Bullets | Picture | Chart | Beside
"""A string is a paragraph of plain text."""


@dataclass(frozen=True)
class Section:
    """A heading, which may be empty, and what is below it."""

    title: str
    blocks: Sequence[Block]


def to_markdown(title: str, sections: Sequence[Section]) -> str:
    """The page with links to its pictures."""
    parts = [f"# {_plain(title)}"]
    for section in sections:
        parts += [f"## {_plain(section.title)}"] if section.title else []
        parts += [_markdown(block) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case str():
            return _line(block)
        case Lead(text):
            return _line(text)
        case Links(text, targets):
            return " · ".join([_line(text), *(f"[{_plain(name)}](<{_target(to)}>)" for name, to in targets)])
        case Chart(picture, _):
            return _markdown(picture)
        case Beside(first, second):
            return f"{_markdown(first)}\n\n{_markdown(second)}"
        case Bullets(items):
            return "\n".join(f"* {_line(item)}" for item in items)
        case Picture(name, caption):
            return f"![{_plain(caption)}]({name}.png)\n\n*{_plain(caption)}*"
        case Table(header, rows, text_columns):
            rules = [":---" if column < text_columns else "---:" for column in range(len(header))]
            lines = [[_plain(cell) for cell in line] for line in (header, *rows)]
            return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rules, *lines[1:]))


def _target(address: str) -> str:
    """An address, as it may stand between angle brackets."""
    return quote(address, safe="/:?#&=%@+~.,-_")


def _plain(text: str) -> str:
    """Text that Markdown takes as it is, on one line: no markup, no links, no HTML."""
    return _MARKUP.sub(r"\\\g<0>", printable(text))


def _line(text: str) -> str:
    """Plain text that begins a line, where more is markup: the marks of lists, rules and headings."""
    return _AT_THE_START.sub(r"\1\\\2", _plain(text))
