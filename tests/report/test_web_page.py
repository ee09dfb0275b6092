"""A page as one HTML file; what a browser makes of it is in ``test_browser.py``."""

from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import pytest

from remix.report.markup import Beside, Bullets, Chart, Lead, Links, Picture, Section, Table
from remix.report.web_page import to_html

PICTURE = Picture("figures/curves", "Curves")
SECTIONS = [
    Section(
        "Scores & more",
        [
            "ow_qmix < qmix | *really*",
            Table(["variant", "score"], [["a|b", "1"], ["<c>", "2"]]),
            Bullets(["first", "second"]),
            PICTURE,
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
    assert "script" not in {tag for tag, _ in page.elements}, "nothing to draw"


def test_html_fits_a_phone(folder: Path) -> None:
    page = Page(to_html("My study", SECTIONS, folder))
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.elements
    assert ("div", {"class": "table"}) in page.elements  # scrolls instead of the page


def test_a_chart_has_its_picture_its_data_and_what_draws_it(folder: Path) -> None:
    """All of it in the page, and nothing in the data ends the script that it is in."""
    chart = Chart(PICTURE, '{"name":"</script><b>"}')
    head = Section("", [Lead("Believe & see."), Beside(chart, Table(["variant"], [["qmix"]]))])
    text = to_html("My study", [head], folder)
    page = Page(text)
    assert page.open == [] and "b" not in {tag for tag, _ in page.elements}
    assert "Believe & see." in page.texts and "h2" not in {tag for tag, _ in page.elements}
    assert '{"name":"\\u003c/script>\\u003cb>"}' in page.texts
    assert [attributes for tag, attributes in page.elements if tag == "script"] == [
        {"type": "application/json"},
        {},
        {},
    ]
    [image] = [attributes for tag, attributes in page.elements if tag == "img"]
    assert str(image["src"]).startswith("data:image/svg+xml")
    assert "uPlot" in text and 'src="http' not in text


def test_the_browser_is_told_to_fetch_nothing(folder: Path) -> None:
    [policy] = [
        str(attributes["content"])
        for tag, attributes in Page(to_html("x", SECTIONS, folder)).elements
        if tag == "meta" and "http-equiv" in attributes
    ]
    assert policy.startswith("default-src 'none'; img-src data:;") and "http" not in policy


def test_links(folder: Path) -> None:
    links = Links("Made <today>.", [("PDF", "figures/a.pdf"), ("MLflow", 'http://h/?a=b&c="d"')])
    page = Page(to_html("x", [Section("", [links])], folder))
    assert [attributes for tag, attributes in page.elements if tag == "a"] == [
        {"href": "figures/a.pdf"},
        {"href": 'http://h/?a=b&c="d"'},
    ]
    assert page.texts[-4:] == ["Made <today>. ·", "PDF", "·", "MLflow"]
