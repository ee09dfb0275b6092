"""What a person sees in the MLflow pages that ``remix ui`` opens, through a real browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from math import exp
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

from remix.tracking import store
from tests.browser import chromium

pytestmark = pytest.mark.slow

SCREENSHOTS = os.environ.get("REMIX_SCREENSHOTS")
"""A folder in which the pages are kept as pictures, for the documentation."""

SECONDS = 240.0

KIND = "workflowType=machine_learning"
CURVES, DOTS = ("test/return", "train/return"), ("absolute_best/return", "final/return")


@pytest.fixture(scope="module")
def study(migrated_database: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """The address of a store with a study, and the ids of its runs."""
    folder = tmp_path_factory.mktemp("browser")
    shutil.copy(migrated_database, folder / "mlflow.db")
    client = MlflowClient(uri := f"sqlite:///{folder}/mlflow.db")
    experiment = store.experiment_id(client, uri, "example")
    now, about = int(1000 * time.time()), {"kind": "study", "study": "example"}
    parent = client.create_run(experiment, now, about, "example").info.run_id
    ids = []
    for variant in ("first", "second"):
        for seed in (1, 2):
            tags = {"mlflow.parentRunId": parent, "variant": variant, "panel": "stags", "seed": str(seed)}
            name = f"{variant}, stags, seed {seed}"
            run_id = client.create_run(experiment, now + seed, tags, name).info.run_id
            top = {"first": 40.0, "second": 10.0}[variant] - seed
            points = [
                Metric(metric, top * (1.0 - exp(-step / 300_000)) + seed, now, step)
                for metric in (*CURVES, *DOTS)
                for step in (range(0, 1_000_001, 50_000) if metric in CURVES else [1_000_000])
            ]
            client.log_batch(run_id, metrics=points)
            client.set_terminated(run_id)
            ids.append(str(run_id))
    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, 1])
    figure.savefig(folder / "curves.png")
    plt.close(figure)
    client.log_artifact(ids[0], str(folder / "curves.png"))
    return uri, ids


@pytest.fixture(scope="module")
def address(study: tuple[str, list[str]]) -> Iterator[str]:
    """Of the page that ``remix ui example`` opens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["ui", "example", "--tracking-uri", study[0], "--port", str(port), "--no-open"]
    code = f"import sys; from remix.cli import main; sys.argv[1:] = {arguments}; main()"
    process = subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    [line] = [line for line in (process.stdout.readline() for _ in range(3)) if "compare the runs" in line]
    yield line.split()[-1]
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium(1500, 1000) as browser:
        yield browser


class Page:
    """A page in the browser."""

    def __init__(self, browser: Any, address: str) -> None:
        self._browser = browser
        browser.get("about:blank")  # a change behind the # alone would keep the page before
        browser.get(address)

    def shows(self, *texts: str) -> None:
        """Wait until all of the texts are to be seen."""
        deadline = time.monotonic() + SECONDS
        while missing := [wanted for wanted in texts if wanted not in self.text]:
            assert time.monotonic() < deadline, f"not to be seen: {missing} in {self.text}"
            time.sleep(0.2)

    def waits_for(self, selector: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not self._browser.find_elements("css selector", selector):
            assert time.monotonic() < deadline, f"there is no {selector}"
            time.sleep(0.2)

    @property
    def text(self) -> str:
        return str(self._browser.execute_script("return document.body.innerText"))

    def keep(self, name: str) -> None:
        """A picture of it, if pictures are wanted."""
        if SCREENSHOTS is not None:
            self._browser.save_screenshot(str(Path(SCREENSHOTS, f"{name}.png")))


def test_curves_by_variant_without_an_assistant(browser: Any, address: str) -> None:
    page = Page(browser, address)
    page.shows("example", "Group by: variant", "first, stags, seed 2", "Curves", "test/return")
    page.waits_for(".js-plotly-plot .scatterlayer .trace")
    page.keep("curves")
    text = page.text
    assert text.index("\nCurves") < text.index("\nScores")
    assert "Assistant" not in text and "telemetry" not in text.lower()


def test_headlines_are_columns_of_the_list(browser: Any, address: str) -> None:
    page = Page(browser, address.replace("CHART", "TABLE"))
    page.shows("first, stags, seed 2", "test/return", "absolute_best/r", "Duration", "seed")
    page.keep("list")


def test_runs_are_compared_side_by_side(browser: Any, address: str, study: tuple[str, list[str]]) -> None:
    server, _, rest = address.partition("/#/experiments/")
    runs = ",".join(f'"{run_id}"' for run_id in study[1])
    page = Page(
        browser, f'{server}/#/compare-runs?runs=[{runs}]&experiments=["{rest.partition("/")[0]}"]&{KIND}'
    )
    page.shows("Comparing 4 Runs", "first, stags, seed 1", "second, stags, seed 2")
    page.keep("compare")


def test_a_figure_among_the_artifacts_is_drawn(
    browser: Any, address: str, study: tuple[str, list[str]]
) -> None:
    experiment = address.partition("/runs?")[0]
    page = Page(browser, f"{experiment}/runs/{study[1][0]}/artifacts/curves.png?{KIND}")
    page.shows("curves.png", "first, stags, seed 1")
    page.waits_for("img[src^='blob:'], .js-plotly-plot")
    page.keep("figure")
