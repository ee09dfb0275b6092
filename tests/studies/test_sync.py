"""Runs and studies whose store was away, and how they come to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from mlflow.tracking._tracking_service import utils

from remix.callbacks.summary import CurveSummary
from remix.records.directory import RunDirectory
from remix.settings.errors import SettingError
from remix.tracking import courier, store
from remix.tracking.journal import Journal
from remix.tracking.note import Note
from tests.command_line import CommandLine
from tests.faulty_server import FaultyServer
from tests.studies.studies import STUDY, TINY, parent_and_children

SEARCH = (
    "search=none",
    "search.name=games",
    "+search.space={algorithm.gamma: {type: float, low: 0.5, high: 1.0}}",
    *(setting for setting in TINY if "study" not in setting),
)
ALONE = ("train", *(setting for setting in TINY if "study" not in setting), "run_dir=runs/x")


pytestmark = pytest.mark.usefixtures("blank_figures")


@pytest.fixture
def remix(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.setattr(courier, "END_SECONDS", 5.0)
    monkeypatch.setattr(store, "PROBE_SECONDS", 1.0)
    return CommandLine(monkeypatch, capsys, tmp_path)


@pytest.fixture
def address(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
    return server.address


def curve(uri: str, run_id: str) -> list[tuple[int, float]]:
    return [(p.step, p.value) for p in MlflowClient(uri).get_metric_history(run_id, "test/return")]


def journal(directory: Path) -> list[tuple[int, float]]:
    entries = Journal(directory).entries()
    return [(e.step, e.values["test/return"]) for e in entries if "test/return" in e.values]


def test_a_run_trained_without_its_server(
    remix: CommandLine, server: FaultyServer, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stop()
    trained = remix(*ALONE)
    assert trained.code == 0
    assert f"{address} does not have all of this run" in trained.err
    assert "'remix sync runs/x' delivers it" in trained.err
    assert RunDirectory(Path("runs/x")).record.status == "finished"
    still_away = remix("sync")
    assert still_away.code == 1 and "not delivered: runs/x" in still_away.err
    server.start()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")  # the run knows where it belongs
    done = remix("sync")
    assert done.code == 0, done.err
    run_id = str(RunDirectory(Path("runs/x")).record.mlflow_run_id)
    assert f"delivered runs/x (run {run_id})" in done.out
    assert curve(address, run_id) == journal(Path("runs/x")) != []
    assert MlflowClient(address).get_run(run_id).info.status == "FINISHED"
    assert remix("sync").out == "everything is delivered\n"


def test_runs_that_no_store_was_to_have_are_counted(remix: CommandLine) -> None:
    assert remix(*ALONE, "logger=csv").code == 0
    outcome = remix("sync")
    assert outcome.code == 0
    assert "1 run(s) below runs were trained without logger=mlflow and stay in their folders" in outcome.out
    assert "run=runs/x: was trained without logger=mlflow" in remix("sync", "runs/x").err


def test_deleted_runs_are_told_of_and_come_back_when_they_are_named(
    remix: CommandLine, mlflow_uri: str
) -> None:
    assert remix(*STUDY, "seed=1,2").code == 0
    client, folder = MlflowClient(mlflow_uri), Path("runs/studies/games/matrix_game/qmix")
    parent, children = parent_and_children(mlflow_uri, "games")
    for run in (parent, *children):
        client.delete_run(run.info.run_id)
    told = remix("sync")
    assert told.code == 0, told.err
    assert told.out == (
        f"deleted in MLflow: runs/studies/games, {folder}/seed1, {folder}/seed2; 'remix sync FOLDER' makes a "
        "run anew of its folder\neverything else is delivered\n"
    )
    assert not client.search_runs([parent.info.experiment_id]), "nothing comes back unasked"
    asked = remix("sync", str(folder / "seed1"))
    assert asked.code == 0, asked.err
    again, [child] = parent_and_children(mlflow_uri, "games")
    assert again.info.status == "FINISHED" and "delivered study games" in asked.out
    assert child.data.tags["seed"] == "1" and curve(mlflow_uri, child.info.run_id)
    assert RunDirectory(folder / "seed1").record.mlflow_run_id == child.info.run_id
    assert "checkpoints" in {file.path for file in client.list_artifacts(child.info.run_id)}
    assert remix("sync", str(folder / "seed1")).out == "everything is delivered\n"
    assert "else is delivered" in remix("sync").out


def test_a_studys_own_run_that_was_deleted_comes_back_when_the_study_is_named(
    remix: CommandLine, mlflow_uri: str
) -> None:
    assert remix(*STUDY, "seed=1,2").code == 0
    client = MlflowClient(mlflow_uri)
    parent, children = parent_and_children(mlflow_uri, "games")
    client.delete_run(parent.info.run_id)
    folder, run = "runs/studies/games", "runs/studies/games/matrix_game/qmix/seed1"
    for words in (("sync",), ("sync", run)):
        told = remix(*words)
        assert told.out.startswith(f"deleted in MLflow: {folder}; "), told.err
        assert len(client.search_runs([parent.info.experiment_id])) == 2, "nothing comes back unasked"
    assert "delivered study games" in remix("sync", folder).out
    again, tied = parent_and_children(mlflow_uri, "games")
    assert again.info.run_id != parent.info.run_id and again.info.status == "FINISHED"
    assert {child.info.run_id for child in tied} == {child.info.run_id for child in children}
    assert remix("sync").out == "everything is delivered\n"


def test_a_deleted_run_that_is_not_whole_does_not_come_back_unasked(
    remix: CommandLine, mlflow_uri: str
) -> None:
    remix(*ALONE)
    record = RunDirectory(Path("runs/x")).record
    MlflowClient(mlflow_uri).delete_run(str(record.mlflow_run_id))
    (Path("runs/x") / "episode.gif").write_bytes(b"a picture more")
    assert "deleted in MLflow: runs/x; " in remix("sync").out
    assert RunDirectory(Path("runs/x")).record == record


def test_runs_that_were_moved_are_at_home_where_they_are(
    remix: CommandLine, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert remix(*STUDY, "seed=1,2").code == 0
    _, before = parent_and_children(mlflow_uri, "games")
    (moved := tmp_path / "moved").mkdir()
    Path("runs").rename(moved / "runs")
    monkeypatch.chdir(moved)
    utils._artifact_repos_cache.clear()  # MLflow's, of this process
    synced = remix("sync")
    assert synced.code == 0, synced.err
    assert "everything is delivered" in synced.out and "deleted" not in synced.out
    assert remix(*STUDY, "seed=1,2,3").code == 0
    assert not (tmp_path / "runs").exists()
    uri = f"sqlite:///{moved}/runs/mlflow.db"
    _, after = parent_and_children(uri, "games")
    assert {run.info.run_id for run in before} < {run.info.run_id for run in after}
    for run in after:
        assert run.info.artifact_uri == f"file://{moved}/runs/artifacts/{run.info.run_id}/artifacts"
        assert "config.yaml" in {file.path for file in MlflowClient(uri).list_artifacts(run.info.run_id)}
        directory = Path("runs/studies/games/matrix_game/qmix", f"seed{run.data.tags['seed']}")
        assert curve(uri, run.info.run_id) == journal(directory)
    assert remix("report", "games").err == ""


def test_a_store_that_is_away_does_not_tell_of_deleted_runs(
    remix: CommandLine, server: FaultyServer, address: str
) -> None:
    assert remix(*ALONE).code == 0
    server.stop()
    for named in ((), ("runs/x",)):
        done = remix("sync", *named)
        assert done.code == 0 and done.out == "everything is delivered\n"
        assert "whether runs were deleted there is not known" in done.err and done.err.count("\n") == 1


def test_a_run_whose_process_was_killed_is_set_right(remix: CommandLine, mlflow_uri: str) -> None:
    remix(*ALONE)
    record = RunDirectory(Path("runs/x")).record
    client = MlflowClient(mlflow_uri)
    client.update_run(str(record.mlflow_run_id), "RUNNING")
    RunDirectory(Path("runs/x")).write(replace(record, status="running"))
    assert remix("sync", "runs/x").code == 0
    run = client.get_run(str(record.mlflow_run_id))
    assert (run.info.status, run.data.tags["status"]) == ("KILLED", "interrupted")
    assert RunDirectory(Path("runs/x")).record.status == "interrupted"


def test_a_damaged_run_keeps_no_other_back(remix: CommandLine, mlflow_uri: str) -> None:
    for name in "ab":
        assert remix(*ALONE[:-1], f"run_dir=runs/{name}").code == 0
    (Path("runs/a") / "config.yaml").write_text("algorithm: [1")
    Note(mlflow_uri).write(Path("runs/b"))
    done = remix("sync")
    assert done.code == 1
    assert "delivered runs/b " in done.out
    assert "config.yaml, line 1, column 14" in done.err and "not delivered: runs/a" in done.err
    assert done.err.count("\n") == 2


@pytest.mark.parametrize(("arguments", "message"), [(["runs"], "run=runs: "), (["runs/x"], "run=runs/x: ")])
def test_folders_that_have_nothing_for_a_store_are_named(
    remix: CommandLine, arguments: list[str], message: str
) -> None:
    remix(*ALONE, "logger=csv")
    refused = remix("sync", *arguments)
    assert refused.code != 0
    assert message in refused.err


def test_a_study_without_its_server_is_reported_and_delivered_later(
    remix: CommandLine, server: FaultyServer, address: str
) -> None:
    server.stop()
    study = remix(*STUDY, "seed=1,2")
    assert study.code == 0, study.err
    assert "2 jobs: 2 finished" in study.out
    report = remix("report", "games")
    assert report.code == 0, report.err
    assert "reading the folders of its runs" in report.err
    page = (remix.home / "runs/reports/games/scores.csv").read_text()
    server.start()
    done = remix("sync")
    assert done.code == 0, done.err
    assert "delivered study games" in done.out
    parent, children = parent_and_children(address, "games")
    assert parent.info.status == "FINISHED" and len(children) == 2
    assert {child.info.status for child in children} == {"FINISHED"}
    report = remix("report", "games")
    assert "reading the folders" not in report.err
    assert (remix.home / "runs/reports/games/scores.csv").read_text() == page


def test_a_search_without_its_server_goes_on_and_is_delivered_later(
    remix: CommandLine, server: FaultyServer, address: str
) -> None:
    server.stop()
    searched = remix("search", *SEARCH, "search.trials=2")
    assert searched.code == 0, searched.err
    assert f"tracking_uri={address}: no MLflow server answers there" in searched.err
    assert "the search is in runs/searches/games, and 'remix sync' delivers it" in searched.err
    assert searched.err.count("the search is in") == 2, "at its start and at its end, not after every trial"
    assert remix("sync").code == 1
    server.start()
    done = remix("sync")
    assert done.code == 0, done.err
    assert "delivered search games" in done.out
    parent, children = parent_and_children(address, "games", kind="search")
    assert parent.info.status == "FINISHED" and len(children) == 2
    points = MlflowClient(address).get_metric_history(parent.info.run_id, "return")
    assert [point.step for point in points] == [1, 2]
    assert parent.data.metrics["best_return"] == max(point.value for point in points)
    assert parent.data.params["search.sampler_seed"] == "1"
    assert "remix train" in parent.data.tags["mlflow.note.content"]
    # Later trials come to the same run, each once.
    assert remix("search", *SEARCH, "search.trials=3").code == 0
    again, children = parent_and_children(address, "games", kind="search")
    assert again.info.run_id == parent.info.run_id and len(children) == 3
    points = MlflowClient(address).get_metric_history(parent.info.run_id, "return")
    assert [point.step for point in points] == [1, 2, 3]
    assert remix("sync").out == "everything is delivered\n"


def test_a_search_that_does_not_tell_what_it_is_costs_a_line(remix: CommandLine, mlflow_uri: str) -> None:
    assert remix("search", *SEARCH, "search.trials=1").code == 0
    (Path("runs/searches/games") / "search.yaml").write_text("search: [1")
    done = remix("sync")
    assert done.code == 1
    assert "search.yaml: does not tell what a search was begun with" in done.err
    assert done.err.count("\n") == 2


def test_a_study_comes_to_every_store_that_it_is_repeated_for(
    remix: CommandLine, server: FaultyServer, address: str
) -> None:
    assert remix(*STUDY, "logger=csv", "seed=1,2").code == 0
    repeated = remix(*STUDY, "seed=1,2")
    assert repeated.code == 0 and "2 skipped (finished before)" in repeated.out
    _, children = parent_and_children(address, "games")
    assert {child.data.tags["seed"] for child in children} == {"1", "2"}
    [first, _] = sorted(children, key=lambda child: child.data.tags["seed"])
    directory = Path("runs/studies/games/matrix_game/qmix/seed1")
    assert curve(address, first.info.run_id) == journal(directory)
    MlflowClient(address).delete_run(first.info.run_id)
    assert remix(*STUDY, "seed=1,2").code == 0
    _, children = parent_and_children(address, "games")
    assert {child.data.tags["seed"] for child in children} == {"1", "2"}
    assert remix("report", "games").code == 0


def test_a_run_that_stops_early_is_not_called_killed(remix: CommandLine, mlflow_uri: str) -> None:
    remix(*STUDY, "seed=1")
    remix(*STUDY, "seed=2", "trainer.max_epochs=1")
    assert "1 finished, 1 stopped of 2" in remix("report", "games").out


def test_a_mistake_in_setup_leaves_no_run(
    remix: CommandLine, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def setup(*arguments: object, **more: object) -> None:
        raise SettingError("metric", "nope", "must be another")

    monkeypatch.setattr(CurveSummary, "setup", setup)
    refused = remix(*ALONE)
    assert refused.code == 2, refused.err
    assert not Path("runs/x").exists()
    assert not [
        run
        for experiment in MlflowClient(mlflow_uri).search_experiments()
        for run in MlflowClient(mlflow_uri).search_runs([experiment.experiment_id])
    ]
