"""What a person sees in the MLflow pages that ``remix ui`` opens, through a real browser."""

from __future__ import annotations

import shutil
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
from tests.tracking.served import Page, served

pytestmark = pytest.mark.slow

KIND = "workflowType=machine_learning"
CURVES, DOTS = ("test/return", "train/return"), ("absolute_best/return", "final/return")
HEADS = ["Run Name", "Created", "seed", "test/return", "absolute_best/return", "Duration"]


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
    with served(study[0], "example") as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium(1500, 1000) as browser:
        yield browser


def test_curves_by_variant_without_an_assistant(browser: Any, address: str) -> None:
    page = Page(browser, address)
    page.shows("example", "Group by: variant", "first, stags, seed 2", "Curves", "test/return")
    page.waits_for(".js-plotly-plot .scatterlayer .trace")
    text = page.text
    assert text.index("\nCurves") < text.index("\nScores")
    assert "Assistant" not in text and "telemetry" not in text.lower()


def test_headlines_are_columns_of_the_list(browser: Any, address: str) -> None:
    page = Page(browser, address.replace("CHART", "TABLE"))
    page.shows("first, stags, seed 2", "Duration")
    heads = [head for head in page.text.splitlines() if head in HEADS]
    assert heads == HEADS


def test_runs_are_compared_side_by_side(browser: Any, address: str, study: tuple[str, list[str]]) -> None:
    server, _, rest = address.partition("/#/experiments/")
    runs = ",".join(f'"{run_id}"' for run_id in study[1])
    page = Page(
        browser, f'{server}/#/compare-runs?runs=[{runs}]&experiments=["{rest.partition("/")[0]}"]&{KIND}'
    )
    page.shows("Comparing 4 Runs", "first, stags, seed 1", "second, stags, seed 2")


def test_a_figure_among_the_artifacts_is_drawn(
    browser: Any, address: str, study: tuple[str, list[str]]
) -> None:
    experiment = address.partition("/runs?")[0]
    page = Page(browser, f"{experiment}/runs/{study[1][0]}/artifacts/curves.png?{KIND}")
    page.shows("curves.png", "first, stags, seed 1")
    page.waits_for("img[src^='blob:'], .js-plotly-plot")
