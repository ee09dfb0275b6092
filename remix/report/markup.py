"""A page as a list of sections, written as Markdown or as one HTML file that holds its pictures."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from remix.report.text import printable

# A bracket may stand, unless a target follows; addresses and mentions would become links of themselves.
_MARKUP = re.compile(
    r"[\\`*_|<>#$~@]|\](?=[(\[:])|(?<=\])[(\[:]|&(?=[#\w])|:(?=//)|(?<=www)\.", re.IGNORECASE
)
_AT_THE_START = re.compile(r"^(\s*\d*)([-+=.)\[])")

_CSS = """\
body { font: 16px/1.55 system-ui, sans-serif; color: #222; max-width: 54rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 1rem 0; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid #ddd; padding-bottom: .2rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #e4e4e4; text-align: right; white-space: nowrap; }
th { border-bottom: 2px solid #999; }
th.text, td.text { text-align: left; }
figure { margin: 1rem 0; }
img { max-width: 100%; height: auto; }
figcaption { font-size: .9rem; color: #555; }
li { margin: .2rem 0; }
"""


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


Block = str | Table | Bullets | Picture
"""A string is a paragraph of plain text."""


@dataclass(frozen=True)
class Section:
    """A heading and what is below it."""

    title: str
    blocks: Sequence[Block]


def to_markdown(title: str, sections: Sequence[Section]) -> str:
    """The page with links to its pictures."""
    parts = [f"# {_plain(title)}"]
    for section in sections:
        parts.append(f"## {_plain(section.title)}")
        parts += [_markdown(block) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def to_html(title: str, sections: Sequence[Section], folder: Path) -> str:
    """The page as one file.

    :param folder: where the pictures are.
    """
    body = [f"<h1>{_escaped(title)}</h1>"]
    for section in sections:
        body.append(f"<h2>{_escaped(section.title)}</h2>")
        body += [_html(block, folder) for block in section.blocks]
    head = (
        '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_escaped(title)}</title>\n<style>\n{_CSS}</style>"
    )
    lines = "\n".join(body)
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{lines}\n</body>\n</html>\n'


def _markdown(block: Block) -> str:
    match block:
        case str():
            return _line(block)
        case Bullets(items):
            return "\n".join(f"* {_line(item)}" for item in items)
        case Picture(name, caption):
            return f"![{_plain(caption)}]({name}.png)\n\n*{_plain(caption)}*"
        case Table(header, rows, text_columns):
            rules = [":---" if column < text_columns else "---:" for column in range(len(header))]
            lines = [[_plain(cell) for cell in line] for line in (header, *rows)]
            return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rules, *lines[1:]))


def _plain(text: str) -> str:
    """Text that Markdown takes as it is, on one line: no markup, no links, no HTML."""
    return _MARKUP.sub(r"\\\g<0>", printable(text))


def _line(text: str) -> str:
    """Plain text that begins a line, where more is markup: the marks of lists, rules and headings."""
    return _AT_THE_START.sub(r"\1\\\2", _plain(text))


def _html(block: Block, folder: Path) -> str:
    match block:
        case str():
            return f"<p>{_escaped(block)}</p>"
        case Bullets(items):
            return "<ul>\n" + "\n".join(f"<li>{_escaped(item)}</li>" for item in items) + "\n</ul>"
        case Picture(name, caption):
            data = b64encode((folder / f"{name}.svg").read_bytes()).decode("ascii")
            image = f'<img alt="{_escaped(caption)}" src="data:image/svg+xml;base64,{data}">'
            return f"<figure>\n{image}\n<figcaption>{_escaped(caption)}</figcaption>\n</figure>"
        case Table(header, rows, text_columns):
            lines = [_html_row("th", header, text_columns)]
            lines += [_html_row("td", row, text_columns) for row in rows]
            return '<div class="table"><table>\n' + "\n".join(lines) + "\n</table></div>"


def _escaped(text: str) -> str:
    return escape(printable(text))


def _html_row(tag: str, cells: Sequence[str], text_columns: int) -> str:
    kinds = [' class="text"' if column < text_columns else "" for column in range(len(cells))]
    return (
        "<tr>"
        + "".join(f"<{tag}{kind}>{_escaped(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True))
        + "</tr>"
    )
