"""A page as one HTML file that holds its pictures and asks nothing of the network."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from remix.report.markup import Beside, Block, Bullets, Chart, Lead, Links, Picture, Section, Table
from remix.report.text import printable

_ASSETS = Path(__file__).parent / "assets"
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""Whatever a name from elsewhere may hold, the browser fetches nothing for this page."""


def to_html(title: str, sections: Sequence[Section], folder: Path) -> str:
    """The page as one file.

    :param folder: where the pictures are.
    """
    body = [f"<h1>{_escaped(title)}</h1>"]
    for section in sections:
        body += [f"<h2>{_escaped(section.title)}</h2>"] if section.title else []
        body += [_html(block, folder) for block in section.blocks]
    styles, scripts = ["page.css"], []
    if any(_has_chart(section.blocks) for section in sections):
        styles, scripts = ["uPlot.min.css", *styles], ["uPlot.iife.min.js", "curves.js"]
    head = [
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{_escaped(title)}</title>",
        *(f"<style>\n{_asset(name)}</style>" for name in styles),
    ]
    body += [f"<script>\n{_asset(name)}</script>" for name in scripts]
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        *head,
        "</head>",
        "<body>",
        *body,
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _has_chart(blocks: Sequence[Block]) -> bool:
    return any(isinstance(block.first if isinstance(block, Beside) else block, Chart) for block in blocks)


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8").rstrip() + "\n"


def _html(block: Block, folder: Path) -> str:
    match block:
        case str():
            return f"<p>{_escaped(block)}</p>"
        case Lead(text):
            return f'<p class="lead">{_escaped(text)}</p>'
        case Links(text, targets):
            links = (f'<a href="{_escaped(to)}">{_escaped(name)}</a>' for name, to in targets)
            return f'<p class="links">{" · ".join([_escaped(text), *links])}</p>'
        case Bullets(items):
            return "<ul>\n" + "\n".join(f"<li>{_escaped(item)}</li>" for item in items) + "\n</ul>"
        case Picture(_, caption):
            return _figure("", [_image(block, folder)], caption)
        case Chart(picture, data):
            # The text of a script ends at its end tag only, wherever that stands.
            harmless = data.replace("<", "\\u003c")
            script = f'<script type="application/json">{harmless}</script>'
            return _figure(' class="chart"', [_image(picture, folder), script], picture.caption)
        case Beside(first, second):
            return f'<div class="beside">\n{_html(first, folder)}\n{_html(second, folder)}\n</div>'
        case Table():
            return '<div class="table"><table>\n' + "\n".join(_rows(block)) + "\n</table></div>"


def _figure(attributes: str, content: Sequence[str], caption: str) -> str:
    lines = [f"<figure{attributes}>", *content, f"<figcaption>{_escaped(caption)}</figcaption>", "</figure>"]
    return "\n".join(lines)


def _image(picture: Picture, folder: Path) -> str:
    data = b64encode((folder / f"{picture.name}.svg").read_bytes()).decode("ascii")
    return f'<img alt="{_escaped(picture.caption)}" src="data:image/svg+xml;base64,{data}">'


def _escaped(text: str) -> str:
    return escape(printable(text))


def _rows(table: Table) -> Iterator[str]:
    for tag, cells in [("th", table.header), *(("td", row) for row in table.rows)]:
        kinds = [' class="text"' if column < table.text_columns else "" for column in range(len(cells))]
        pairs = zip(kinds, cells, strict=True)
        yield "<tr>" + "".join(f"<{tag}{kind}>{_escaped(cell)}</{tag}>" for kind, cell in pairs) + "</tr>"
