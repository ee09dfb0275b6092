"""The page of a report in a browser: curves to be asked, nothing cut, whole without scripts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remix.report.output import write_report
from remix.report.results import StudyResults
from remix.report.style import PALETTE
from tests.browser import chromium
from tests.report.samples import flat, make_heat_map, make_study

pytestmark = pytest.mark.slow

SCREENSHOTS = os.environ.get("REMIX_SCREENSHOTS")
"""A folder in which the pages are kept as pictures, for whoever wants to look at them."""

WIDE, PHONE = 1280, 390
REMIX = PALETTE["vermillion"].color

_COLOURED = """
const [[red, green, blue], least, most] = arguments, canvas = document.querySelector("canvas");
const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
let n = 0;
for (let i = 0; i < data.length; i += 4) {
  const near = Math.hypot(data[i] - red, data[i + 1] - green, data[i + 2] - blue) < 30;
  n += near && data[i + 3] >= least && data[i + 3] <= most;
}
return n;
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium(WIDE, 800) as browser:
        yield browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the report of a study of two panels."""
    [path, *_] = write_report(make_study(), tmp_path_factory.mktemp("duel"))
    return path.as_uri()


@pytest.fixture(scope="module")
def large_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a study of many panels and of variants with long names."""
    variants = ["remix", "qmix", "without_bellman_error_and_condition", "x" * 80, "ow_qmix", "vdn"]
    panels = [f"punishment of minus {number}" for number in range(5)]
    runs = [run for panel in panels for variant in variants for run in flat(panel, variant, [1.0, 2.0, 3.5])]
    maps = tuple(make_heat_map(panel, variant) for panel in panels for variant in variants[:3])
    results = StudyResults("large", "A title " + "that goes on " * 20, "test return", tuple(runs), maps)
    [path, *_] = write_report(results, tmp_path_factory.mktemp("large"))
    return path.as_uri()


def show(browser: Any, address: str, width: int = WIDE) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(address)


def find(browser: Any, selector: str) -> list[Any]:
    return list(browser.find_elements("css selector", selector))


def colour(browser: Any, written: str, least: int = 200, most: int = 255) -> int:
    """Pixels of a colour in the first chart, by their opacity: seeds and intervals shine through."""
    parts = [int(written[i : i + 2], 16) for i in (1, 3, 5)]
    return int(browser.execute_script(_COLOURED, parts, least, most))


def hover(browser: Any, across: float, down: float) -> str:
    """What is said of the place in the first chart, given as shares of its width and height."""
    from selenium.webdriver import ActionChains

    [over, *_] = find(browser, ".u-over")
    x, y = (across - 0.5) * over.size["width"], (down - 0.5) * over.size["height"]
    ActionChains(browser).move_to_element_with_offset(over, round(x), round(y)).perform()
    return str(find(browser, ".hover")[0].text)


def test_charts_stand_in_place_of_the_picture(browser: Any, page: str) -> None:
    show(browser, page)
    assert len(find(browser, ".chart.live canvas")) == 2
    assert not find(browser, ".chart img")[0].is_displayed()
    assert [title.text for title in find(browser, ".panel h3")] == ["p = 0", "p = -2"]
    assert [e for e in browser.get_log("browser") if e["level"] == "SEVERE"] == []


def test_hovering_tells_method_step_mean_and_interval(browser: Any, page: str) -> None:
    show(browser, page)
    # The highest curve is ReMIX's, whose evaluations lie at 0, 100 and 200 steps.
    assert hover(browser, 0.5, 0.1) == "ReMIX\n100 steps: 11.0 [10.0, 12.0]"
    assert re.match(r"without mixing gradient|QMIX", hover(browser, 0.95, 0.5))


def test_a_click_on_a_method_hides_and_shows_it(browser: Any, page: str) -> None:
    show(browser, page)
    before = colour(browser, REMIX)
    [button, *_] = find(browser, ".methods button")
    assert before > 100 and button.text == "ReMIX (n = 3)"
    button.click()
    assert colour(browser, REMIX) == 0 and button.get_attribute("aria-pressed") == "false"
    assert "ReMIX" not in hover(browser, 0.5, 0.1)
    button.click()
    assert colour(browser, REMIX) == pytest.approx(before, rel=0.05)


def test_a_switch_shows_seeds_one_by_one(browser: Any, page: str) -> None:
    show(browser, page)
    thin, interval = (100, 199), (30, 60)
    before = colour(browser, REMIX, *thin)
    assert colour(browser, REMIX, *interval) > 1000
    find(browser, ".methods input")[0].click()
    assert colour(browser, REMIX, *thin) > before + 100
    assert colour(browser, REMIX, *interval) < 1000
    assert hover(browser, 0.95, 0.02) == "ReMIX, seed 3\n200 steps: 12.0"
    find(browser, ".methods input")[0].click()
    assert colour(browser, REMIX, *thin) == before
    assert "seed" not in hover(browser, 0.95, 0.02)


def test_the_page_is_whole_without_scripts(browser: Any, page: str) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(browser, page)
        [picture, *_] = find(browser, ".chart img")
        assert picture.size["height"] > 100 and not find(browser, "canvas")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_answer_and_the_curves_are_on_the_first_screen(browser: Any, page: str) -> None:
    show(browser, page)
    for selector in (".lead", ".chart canvas", ".beside table", ".links"):
        found = find(browser, selector)[0]
        assert found.location["y"] + found.size["height"] <= 800, selector


@pytest.mark.parametrize("width", [WIDE, PHONE])
@pytest.mark.parametrize("which", ["page", "large_page"])
def test_nothing_is_cut(browser: Any, which: str, width: int, request: pytest.FixtureRequest) -> None:
    """Nothing reaches beyond the page, but for tables, which have a bar of their own."""
    show(browser, request.getfixturevalue(which), width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    beyond = browser.execute_script(
        "return [...document.querySelectorAll('body *')].filter(e => !e.closest('.table, .plot, svg') && "
        "e.getBoundingClientRect().right > arguments[0] + 1).map(e => e.outerHTML.slice(0, 80))",
        width,
    )
    assert beyond == []
    if SCREENSHOTS is not None:
        height = browser.execute_script("return document.documentElement.scrollHeight")
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width == PHONE}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.save_screenshot(str(Path(SCREENSHOTS, f"{which}_{width}.png")))
