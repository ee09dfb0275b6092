"""One page in two languages."""

from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import pytest

from remix.report.markup import Bullets, Picture, Section, Table, to_html, to_markdown

SECTIONS = [
    Section(
        "Scores & more",
        [
            "ow_qmix < qmix | *really*",
            Table(["variant", "score"], [["a|b", "1"], ["<c>", "2"]]),
            Bullets(["first", "second"]),
            Picture("figures/curves", "Curves"),
        ],
    )
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/curves.svg").write_text("<svg/>")
    return tmp_path


class Page(HTMLParser):
    """Collects elements and texts, and that every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts += [data.strip()] if data.strip() else []


def test_markdown() -> None:
    assert to_markdown("My study", SECTIONS).splitlines() == [
        "# My study",
        "",
        "## Scores & more",
        "",
        r"ow\_qmix \< qmix \| \*really\*",
        "",
        "| variant | score |",
        "| :--- | ---: |",
        r"| a\|b | 1 |",
        r"| \<c\> | 2 |",
        "",
        "* first",
        "* second",
        "",
        "![Curves](figures/curves.png)",
        "",
        "*Curves*",
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("[x](javascript:alert(1))", r"\[x\]\(javascript:alert(1))"),
        ("![x](http://h/p.png)", r"![x\]\(http\://h/p.png)"),
        ("[x]: http://h", r"\[x\]\: http\://h"),
        ("<img src=x onerror=y>", r"\<img src=x onerror=y\>"),
        ("&lt;b&gt; & c", r"\&lt;b\&gt; & c"),
        ("www.h.org you@h.org", r"www\.h.org you\@h.org"),
        ("- x", r"\- x"),
        ("1. x", r"1\. x"),
        ("=== x", r"\=== x"),
        ("a\n\n# b\u202ec\0", "a  \\# b\N{REPLACEMENT CHARACTER}c\N{REPLACEMENT CHARACTER}"),
        ("final [1.0, 2.0] (3 of 4)", "final [1.0, 2.0] (3 of 4)"),
    ],
)
def test_markdown_of_text_from_elsewhere(text: str, written: str) -> None:
    assert to_markdown("x", [Section("y", [text])]).splitlines()[-1] == written


def test_cells_stay_in_their_rows() -> None:
    table = Table(["variant"], [["a\n| b |"], ["-1.5"]])
    assert to_markdown("x", [Section("y", [table])]).splitlines()[-2:] == [r"| a \| b \| |", "| -1.5 |"]


def test_html_holds_everything(folder: Path) -> None:
    page = Page(to_html("My <study>", SECTIONS, folder))
    assert page.open == []
    for text in (
        "My <study>",
        "Scores & more",
        "ow_qmix < qmix | *really*",
        "a|b",
        "<c>",
        "second",
        "Curves",
    ):
        assert text in page.texts
    [image] = [attributes for tag, attributes in page.elements if tag == "img"]
    assert image["src"] == "data:image/svg+xml;base64," + b64encode(b"<svg/>").decode()
    assert ("th", {"class": "text"}) in page.elements and ("th", {}) in page.elements
    outside = [
        a for _, attributes in page.elements for a in attributes.values() if a and a.startswith("http")
    ]
    assert outside == []


def test_html_fits_a_phone(folder: Path) -> None:
    page = Page(to_html("My study", SECTIONS, folder))
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.elements
    assert ("div", {"class": "table"}) in page.elements  # scrolls instead of the page
