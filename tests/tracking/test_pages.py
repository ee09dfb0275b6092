"""Which page of MLflow shows what, and how it is arranged."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Metric, Run, RunData, RunInfo
from mlflow.tracking import MlflowClient

from remix import tracking
from remix.settings.errors import SettingError
from remix.tracking.note import Note
from remix.tracking.pages import page_of
from remix.tracking.view import TAG, view_of

CURVES = "/#/experiments/{}/runs?viewStateShareKey=remix&compareRunsMode=CHART&workflowType=machine_learning"


@pytest.fixture
def client(mlflow_uri: str) -> MlflowClient:
    return MlflowClient(mlflow_uri)


def experiment(client: MlflowClient, name: str) -> str:
    return str(client.create_experiment(name))


def run(client: MlflowClient, experiment: str, metrics: tuple[str, ...] = (), **tags: object) -> str:
    run_id = client.create_run(experiment, tags={key: str(value) for key, value in tags.items()}).info.run_id
    client.log_batch(run_id, metrics=[Metric(name, 1.0, 0, 0) for name in metrics])
    return str(run_id)


def test_the_only_experiment_is_shown_and_several_are_listed(client: MlflowClient) -> None:
    games = experiment(client, "games")
    assert page_of(client, None) == CURVES.format(games)
    experiment(client, "others")
    assert page_of(client, None) == "/#/experiments?workflowType=machine_learning"
    assert page_of(client, "games") == CURVES.format(games)


def test_a_run_is_shown_by_its_id_and_by_its_folder(client: MlflowClient, tmp_path: Path) -> None:
    number = experiment(client, "games")
    run_id = run(client, number)
    page = f"/#/experiments/{number}/runs/{run_id}?workflowType=machine_learning"
    assert page_of(client, run_id) == page
    Note("sqlite:///x.db", run_id=run_id).write(tmp_path)
    assert page_of(client, str(tmp_path)) == page


def test_what_there_is_not_is_named(client: MlflowClient) -> None:
    with pytest.raises(SettingError, match=r"^run or study=gamse: must be the folder or the id of a run$"):
        page_of(client, "gamse")
    experiment(client, "games")
    with pytest.raises(SettingError, match=r"^run or study=gamse: must be one of games, which are exp"):
        page_of(client, "gamse")


def view(client: MlflowClient, number: str) -> dict[str, Any]:
    return json.loads(client.get_experiment(number).tags[TAG])


def test_a_study_is_grouped_by_what_differs_and_headlines_come_first(client: MlflowClient) -> None:
    number = experiment(client, "games")
    parent = run(client, number, kind="study")
    metrics = ("absolute_best/return", "final/return", "test/return", "train/loss")
    for variant in ("qmix", "remix"):
        for seed in (1, 2):
            about = {"mlflow.parentRunId": parent, "variant": variant, "panel": "p", "seed": seed}
            run(client, number, metrics, **about)
    page_of(client, "games")
    state = view(client, number)
    assert state["groupBy"] == {
        "aggregateFunction": "average",
        "groupByKeys": [{"mode": "tag", "groupByData": "variant"}],
    }
    assert [(chart["type"], chart["metricKey"]) for chart in state["compareRunCharts"]] == [
        ("LINE", "test/return"),
        ("BAR", "absolute_best/return"),
    ]
    scores = ["metrics.`test/return`", "metrics.`absolute_best/return`"]
    assert state["selectedColumns"] == ["tags.`seed`", *scores, "tags.`variant`", "attributes.`Duration`"]
    name, created, seed, *rest = state["columnOrder"]
    assert (name, created, seed) == ("attributes.`Run Name`", "runDateAndNestInfo", "tags.`seed`")
    assert rest == [*scores, "duration", "tags.`variant`"]
    assert state["runsExpanded"] == {parent: True}


def test_names_are_shown_whole(client: MlflowClient) -> None:
    number = experiment(client, "games")
    client.create_run(number, run_name="short")
    assert view_of(client.search_runs([number]))["columnWidths"]["attributes.`Run Name`"] == 190
    client.create_run(number, run_name="a very long variant, on a panel with a long name, s101")
    assert view_of(client.search_runs([number]))["columnWidths"]["attributes.`Run Name`"] > 350


@pytest.mark.parametrize(("second", "smoothness"), [([0, 10, 20], 0), ([0, 10], 0), ([0, 11, 21], 67)])
def test_means_over_runs_that_were_evaluated_at_different_steps_are_smoothed(
    client: MlflowClient, second: list[int], smoothness: int
) -> None:
    number = experiment(client, "games")
    parent = run(client, number)
    for variant in ("qmix", "remix"):
        for steps in ([0, 10, 20], second, second):
            run_id = run(client, number, (), **{"mlflow.parentRunId": parent, "variant": variant})
            client.log_batch(run_id, metrics=[Metric("test/return", 1.0, 0, step) for step in steps])
    page_of(client, "games")
    state = view(client, number)
    assert state["globalLineChartConfig"]["lineSmoothness"] == smoothness
    assert {chart["lineSmoothness"] for chart in state["compareRunCharts"]} == {smoothness}


def test_single_runs_are_not_grouped(client: MlflowClient) -> None:
    number = experiment(client, "games")
    for algorithm in ("qmix", "vdn"):
        run(client, number, ("test/return",), algorithm=algorithm, seed=1)
    state = view_of(client.search_runs([number]))
    assert state["groupBy"] is None
    assert "tags.`algorithm`" in state["selectedColumns"]


def test_a_thousand_single_runs_have_a_page() -> None:
    """MLflow takes 20,000 characters of a tag, older servers 5,000."""
    infos = [RunInfo(f"{n:032}", "1", "me", "FINISHED", 0, 1, "active", run_name="a") for n in range(1000)]
    assert len(json.dumps(view_of([Run(info, RunData()) for info in infos]))) < 2_000


def test_an_experiment_without_runs_has_a_page(client: MlflowClient) -> None:
    number = experiment(client, "games")
    page_of(client, "games")
    assert view(client, number)["compareRunCharts"] == []


def test_a_page_of_a_server_is_printed_without_its_password_and_opened(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    number = experiment(client, "games")
    opened: list[str] = []
    monkeypatch.setattr(import_module("remix.tracking.ui"), "connect", lambda uri: client)
    monkeypatch.setattr("webbrowser.open", opened.append)
    tracking.ui(["games", "--tracking-uri", "http://me:Geheim-1@tracking.example.org/", "--open"])
    address = f"http://tracking.example.org{CURVES.format(number)}"
    assert capsys.readouterr().out == f"compare the runs at {address}\n"
    assert opened == [address]
