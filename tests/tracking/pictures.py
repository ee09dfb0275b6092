"""Pictures of a study's pages in MLflow, as in ``docs/mlflow.md``.

    python -m tests.tracking.pictures sqlite:///runs/mlflow.db onset_small docs/images --row 194.5

``remix ui`` arranges the page for it, as always; nothing else is written into the store.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from tests.browser import chromium
from tests.tracking.served import Page, served

WIDTH, HEIGHT = 1280, 940  # pixels of the window
ROW_HEIGHT = 32  # pixels

_SETTLED = 5.0  # seconds in which a page draws what it has
_SCROLL = "document.querySelector('.ag-body-viewport').scrollTop = arguments[0]"
_WITHOUT_TOOLS = "document.querySelectorAll('.modebar').forEach(bar => bar.style.display = 'none')"
_MORE = "//button[normalize-space()='Load more']"


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the pictures of docs/mlflow.md.")
    parser.add_argument("store", help="address of an MLflow store")
    parser.add_argument("study", help="name of a study there")
    parser.add_argument("folder", type=Path, help="where mlflow_curves.png and mlflow_list.png go")
    parser.add_argument("--row", type=float, default=0.0, help="first row of the list that is shown")
    options = parser.parse_args()
    with served(options.store, options.study) as address, chromium(WIDTH, HEIGHT) as browser:
        page = Page(browser, address)
        page.waits_for(".js-plotly-plot .scatterlayer .trace")
        _keep(page, options.folder / "mlflow_curves.png")
        page = Page(browser, address.replace("CHART", "TABLE"))
        page.waits_for(".ag-body-viewport [role=row]")
        _load_all(page)
        _keep(page, options.folder / "mlflow_list.png", options.row)


def _load_all(page: Page) -> None:
    """Press *Load more*, at the end of the list, as long as there are more runs."""
    while True:
        time.sleep(_SETTLED)
        page.browser.execute_script(_SCROLL, 1_000_000)
        time.sleep(_SETTLED)
        if not (buttons := page.browser.find_elements("xpath", _MORE)):
            return
        page.browser.execute_script("arguments[0].click()", buttons[0])


def _keep(page: Page, file: Path, row: float = 0.0) -> None:
    """A picture of the page, with its list from a row on."""
    page.browser.execute_script(_SCROLL, ROW_HEIGHT * row)
    page.browser.execute_script(_WITHOUT_TOOLS)
    time.sleep(_SETTLED)
    page.browser.save_screenshot(str(file))


if __name__ == "__main__":
    main()
