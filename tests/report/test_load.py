"""A study out of a store: which runs stand for its jobs, and what is said if there is no study."""

import socket
from math import nan
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mlflow.entities import Metric

from remix.records.directory import RunDirectory
from remix.records.record import RunRecord
from remix.report.files import read_heat_maps
from remix.report.folder import from_folder, known_metrics
from remix.report.load import load_study, studies
from remix.report.results import Run, StudyResults
from remix.report.stored_runs import status_of
from remix.settings.errors import Diverged, SettingError
from remix.tracking.artifacts import Artifacts
from remix.tracking.journal import JOURNAL, Journal
from remix.tracking.points import stored_key
from tests.report.stores import JOBS, METRIC, FakeStore


@pytest.fixture
def duel(store: FakeStore) -> StudyResults:
    return load_study("duel")


def run_of(study: StudyResults, *job: object) -> Run:
    [run] = [run for run in study.runs if (run.panel, run.variant, run.seed) == job]
    return run


def curve(run: Run) -> list[tuple[float, float]]:
    return list(zip(run.env_steps.tolist(), run.scores.tolist(), strict=True))


def test_jobs_in_the_order_of_the_plan(duel: StudyResults, run_ids: dict[str, str]) -> None:
    assert [(run.panel, run.variant, run.seed) for run in duel.runs] == JOBS
    assert {run.algorithm for run in duel.runs} == {"remix"}
    assert (duel.name, duel.title, duel.score_label) == ("duel", "About duel", "test return")
    assert duel.run_id == run_ids["duel"]


def test_learning_curves(duel: StudyResults, run_ids: dict[str, str]) -> None:
    run = run_of(duel, "p = 0", "remix", 2)
    assert curve(run) == [(0.0, 0.0), (100.0, 11.0)]
    assert run.run_id == run_ids["remix 2"]
    assert duel.finals("p = 0", "remix").tolist() == [10.0, 11.0, 12.0]


def test_statuses(duel: StudyResults) -> None:
    assert duel.status_counts == {"FINISHED": 7, "RUNNING": 1, "KILLED": 1, "FAILED": 1, "MISSING": 2}


def test_the_newest_of_several_finished_runs(duel: StudyResults) -> None:
    assert curve(run_of(duel, "p = 0", "qmix", 1)) == [(0.0, 0.0), (110.0, 7.0)]


def test_the_best_status_of_several_runs(duel: StudyResults) -> None:
    assert curve(run_of(duel, "p = 0", "qmix", 3)) == [(0.0, 0.0), (100.0, 9.0)]
    running = run_of(duel, "p = -2", "remix", 2)
    assert running.status == "RUNNING" and curve(running) == [(0.0, 0.0), (100.0, 50.0)]


def test_runs_of_another_configuration_are_not_of_the_job(duel: StudyResults) -> None:
    other = run_of(duel, "p = -2", "qmix", 2)
    assert other.status == "MISSING" and other.run_id is None and curve(other) == []
    assert run_of(duel, "p = 0", "qmix", 2).status == "FINISHED"  # does not say


def test_steps_that_were_logged_again_after_an_interruption(duel: StudyResults) -> None:
    assert curve(run_of(duel, "p = -2", "remix", 1)) == [(0.0, 0.0), (100.0, 5.0), (200.0, 6.0)]


def test_heat_maps_are_summed_over_seeds(duel: StudyResults) -> None:
    [heat] = duel.heat_maps
    assert (heat.panel, heat.variant, heat.n_runs) == ("p = 0", "remix", 2)
    assert heat.counts.tolist() == [[11, 22], [33, 44], [50, 60]]
    assert heat.env_steps.tolist() == [0.0, 100.0, 200.0, 300.0]
    assert heat.weights == pytest.approx(np.array([0.1, 0.55, 1.0]))


def test_scores_of_single_episodes(duel: StudyResults) -> None:
    episodes = run_of(duel, "p = 0", "remix", 1).episodes
    assert {step: scores.tolist() for step, scores in episodes.evaluations.items()} == {
        0: [-1.0, 1.0],
        100: [9.0, 11.0],
    }
    assert run_of(duel, "p = 0", "remix", 1).absolute == 8.5
    assert not run_of(duel, "p = 0", "remix", 2).episodes.evaluations


def test_what_runs_say_of_themselves(duel: StudyResults) -> None:
    run = run_of(duel, "p = 0", "remix", 1)
    assert (run.best_possible, run.seconds, run.facts) == (20.0, 60.5, {"git_commit": "ab12"})


def test_many_runs_come_in_pages(
    store: FakeStore, monkeypatch: pytest.MonkeyPatch, duel: StudyResults
) -> None:
    search, experiments = store.client.__class__.search_runs, store.client.__class__.search_experiments
    patched = store.client.__class__
    monkeypatch.setattr(patched, "search_runs", lambda *a, **k: search(*a, **(k | {"max_results": 2})))
    monkeypatch.setattr(
        patched, "search_experiments", lambda *a, **k: experiments(*a, **(k | {"max_results": 2}))
    )
    assert [curve(run) for run in load_study("duel").runs] == [curve(run) for run in duel.runs]
    assert studies() == ["begun", "duel", "planless"]


def test_scores_that_are_no_numbers_end_a_curve(store: FakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    points = [Metric("test/return", value, 0, step) for step, value in ((0, 1.0), (10, nan), (20, 2.0))]
    monkeypatch.setattr(type(store.client), "get_metric_history", lambda *_: points)
    with pytest.raises(SettingError, match=r"has no finished run .*: 7 diverged"):
        load_study("duel")


def test_a_heat_map_that_is_none_is_left_out(
    store: FakeStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "remix.report.folder.read_weights", lambda path, *_: read_heat_maps(path)
    )  # which needs other columns
    assert load_study("duel").heat_maps == ()
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith("warning: weight_heatmap.csv of run ")
    assert "line 1: has no column" in first


def test_a_plan_that_is_none_is_one_line(
    store: FakeStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "plan.json").write_text("{")
    monkeypatch.setattr(Artifacts, "download", lambda *_: tmp_path / "plan.json")
    with pytest.raises(SettingError, match=r"^study=duel: plan.json of its run \w+ is not the plan"):
        load_study("duel")


def test_files_that_are_too_large_stay_where_they_are(
    store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remix.report.load.LARGEST_PLAN", 10)
    with pytest.raises(SettingError, match=r"^study=duel: plan.json of .* has .* bytes; at most 10"):
        load_study("duel")


def test_studies_of_a_store(store: FakeStore) -> None:
    assert studies(store.uri) == ["begun", "duel", "planless"]


class TestMistakes:
    @pytest.mark.parametrize("name", ["dual", "ordinary"])
    def test_unknown_study_names_those_there_are(self, store: FakeStore, name: str) -> None:
        near = r"duel, begun, planless" if name == "dual" else r"begun, duel, planless"
        with pytest.raises(
            SettingError, match=rf"study={name}: must be one of {near}; .* in sqlite:.*mlflow.db"
        ):
            load_study(name)

    def test_store_without_studies(self, mlflow_uri: str) -> None:
        with pytest.raises(SettingError, match=r"study=duel: there are no studies in sqlite"):
            load_study("duel", mlflow_uri)

    def test_study_without_finished_runs_says_how_far_it_is(self, store: FakeStore) -> None:
        expected = (
            "study=begun: has no finished run with test/return yet: "
            "1 finished, 1 running, 1 failed, 1 missing of 4 planned runs"
        )
        with pytest.raises(SettingError) as error:
            load_study("begun")
        assert str(error.value) == expected

    def test_study_without_plan(self, store: FakeStore) -> None:
        with pytest.raises(SettingError, match=r"study=planless: its run \w+ has no plan.json"):
            load_study("planless")

    def test_database_that_does_not_exist_is_not_created(self, tmp_path: Path) -> None:
        with pytest.raises(SettingError, match="there are no runs yet"):
            load_study("duel", f"sqlite:///{tmp_path}/mlflow.db")
        assert list(tmp_path.iterdir()) == []

    def test_absent_server(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{probe.getsockname()[1]}"
        with pytest.raises(SettingError, match=rf"tracking_uri={address}: no MLflow server"):
            load_study("duel", address)


def test_what_a_journal_has_is_not_asked_for_run_by_run(
    migrated_database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = FakeStore(tmp_path / "store", migrated_database)
    jobs = [("p", "qmix", seed) for seed in range(12)]
    study = store.study("whole", jobs)
    for job in jobs:
        run_id = store.child(study, job, {0: 1.0})  # of which the journal knows better
        (folder := tmp_path / run_id).mkdir()
        for step in (0, 100):
            Journal(folder).append({METRIC: step / 2.0}, step)
        store.client.log_artifact(run_id, str(folder / JOURNAL))
    asked: list[str] = []
    for name in ("get_run", "get_metric_history", "list_artifacts", "download_artifacts"):
        monkeypatch.setattr(type(store.client), name, lambda *_, name=name: asked.append(name))
    assert [curve(run) for run in load_study("whole", store.uri).runs] == [[(0.0, 0.0), (100.0, 50.0)]] * 12
    assert asked == []


def test_metrics_that_only_a_later_job_has_are_known(tmp_path: Path) -> None:
    for name, metric in (("a", "test/return"), ("b", "weighting/mean")):
        (tmp_path / name).mkdir()
        Journal(tmp_path / name).append({metric: 1.0}, 0)
    plan = {"jobs": [{"directory": str(tmp_path / name)} for name in ("none", "a", "b")]}
    assert known_metrics(plan, "weighting/mean") == {"test/return", "weighting/mean"}
    assert known_metrics(plan, "test/return") == {"test/return"}


def test_a_metric_goes_by_its_name_however_the_store_calls_it(
    tmp_path: Path, migrated_database: Path
) -> None:
    store = FakeStore(tmp_path / "store", migrated_database)
    run_id = store.child(store.study("odd", [("p", "remix", 1)]), ("p", "remix", 1))
    store.client.log_metric(run_id, stored_key("test/hit%"), 0.5, step=10)
    [run] = load_study("odd", store.uri, metric="test/hit%").runs
    assert curve(run) == [(10.0, 0.5)]


def test_a_run_that_failed_as_learning_diverged_is_called_diverged(tmp_path: Path) -> None:
    for error, status in ((str(Diverged("loss", 1_200, 34_000)), "DIVERGED"), ("no room", "FAILED")):
        tags = {"status": "failed", "error": error}
        child = SimpleNamespace(info=SimpleNamespace(status="FAILED"), data=SimpleNamespace(tags=tags))
        assert status_of(child) == status  # type: ignore[arg-type]
        RunDirectory(tmp_path).write(RunRecord(identity="ab", status="failed", error=error))
        job = {"panel": "p", "variant": "v", "algorithm": "a", "seed": 1, "identity": "ab"}
        about = {"study": "s", "title": "s", "score": "return", "metric": "test/return"}
        [run] = from_folder(about | {"jobs": [job | {"directory": str(tmp_path)}]})[0].runs
        assert run.status == status
