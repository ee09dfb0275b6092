"""Runs brought to a store that is slow, broken, silent, gone or back: each thing once, and nobody waits."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from omegaconf import OmegaConf

from remix.records.record import RunRecord
from remix.settings.errors import SettingError
from remix.tracking import courier, store
from remix.tracking.delivery import Delivery, Target
from remix.tracking.journal import Journal
from remix.tracking.loggers import MLflowLogger
from remix.tracking.note import Note
from tests.faulty_server import FaultyServer
from tests.tracking.training import CONFIG, Training, history, runs, wait_for


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "_LOOK", 0.02)
    monkeypatch.setattr(courier, "_LONGEST", 0.2)
    monkeypatch.setattr(store, "PROBE_SECONDS", 1.0)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.fixture
def training(tmp_path: Path, mlflow_uri: str) -> Training:
    return Training(tmp_path / "run", mlflow_uri)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "END_SECONDS", 1.0)


def test_a_store_gets_parameters_tags_metrics_files_and_status(training: Training) -> None:
    logger = training.begin()
    training.log(10, 20)
    (training.directory / "checkpoints").mkdir()
    (training.directory / "checkpoints/best.ckpt").write_bytes(b"weights")
    training.end(logger)
    [run] = runs(training.uri)
    assert run.info.run_id == logger.run_id
    assert (run.info.status, run.info.run_name) == ("FINISHED", "mine")
    assert run.data.params == {
        "seed": "3", "algorithm": "qmix", "env": "game", "algorithm.gamma": "0.99"
    }  # fmt: skip
    tags = run.data.tags.items()
    assert {"seed": "3", "identity": "ab", "status": "finished"}.items() <= tags
    assert {"processor": "Abacus", "seconds": "1.5"}.items() <= tags
    assert history(training.uri, run.info.run_id) == [(10, 5.0), (20, 10.0)]
    files = {file.path for file in MlflowClient(training.uri).list_artifacts(run.info.run_id)}
    assert files == {"config.yaml", "checkpoints", "metrics.jsonl"}


def test_many_parameters_and_points_fit_in(training: Training) -> None:
    logger = training.begin(CONFIG | {"many": {f"p{i}": i for i in range(230)}})
    for step in range(700):
        training.journal.append({f"m{i}": float(i) for i in range(4)}, step)
    training.journal.append({f"wide{i}": 1.0 for i in range(1200)}, 700)
    training.end(logger)
    [run] = runs(training.uri)
    assert len(run.data.params) == 234
    assert [len(history(training.uri, run.info.run_id, f"m{i}")) for i in range(4)] == [700] * 4
    assert len(run.data.metrics) == 1204


def test_names_that_mlflow_would_refuse_keep_nothing_back(training: Training) -> None:
    pay = {"(0, 1)": 5, "(01)": 6, "größe": 7}
    logger = training.begin(CONFIG | {"env": {"pay": pay}}, tags={"what?": "this"})
    training.journal.append(
        {"test/勝率": 0.5, "test/%": 1.0, "hit%": 2.0, "hit": 3.0, "test/return": 4.0}, 10
    )
    training.end(logger)
    [run] = runs(training.uri)
    params, metrics = run.data.params, run.data.metrics
    assert sorted(value for key, value in params.items() if key.startswith("env.pay.")) == ["5", "6", "7"]
    assert params["env.pay.größe"] == "7"
    assert sorted(metrics.values()) == [0.5, 1.0, 2.0, 3.0, 4.0]
    assert metrics["test/勝率"] == 0.5 and metrics["hit"] == 3.0
    assert [value for key, value in run.data.tags.items() if key.startswith("what-")] == ["this"]


def test_only_what_no_resume_takes_back_is_delivered_on_the_way(training: Training) -> None:
    logger = training.begin()
    training.log(10)
    training.journal.keep()
    training.log(20)
    wait_for(lambda: logger.run_id and history(training.uri, logger.run_id))
    training.end(logger, "interrupted")
    assert history(training.uri, str(logger.run_id)) == [(10, 5.0)]
    assert runs(training.uri)[0].info.status == "KILLED"

    training.journal = Journal(training.directory)
    training.journal.cut(training.journal.kept)
    again = training.begin(CONFIG | {"algorithm": {"gamma": 0.9}, "threads": 2})
    wait_for(lambda: runs(training.uri)[0].info.status == "RUNNING")
    training.log(20, 30)
    training.end(again)
    [run] = runs(training.uri)
    assert again.run_id == logger.run_id == run.info.run_id
    assert history(training.uri, run.info.run_id) == [(10, 5.0), (20, 10.0), (30, 15.0)]
    assert run.data.params["algorithm.gamma"] == "0.99" and run.data.params["threads"] == "2"
    assert run.data.tags["changed_on_resume"] == "{'algorithm.gamma': '0.9'}"


def test_a_run_that_stops_twice_at_the_same_step_has_one_end(training: Training) -> None:
    logger = training.begin()
    training.log(10)
    training.journal.keep()
    training.log(10, name="final/return")
    training.end(logger, "stopped")
    training.journal = Journal(training.directory)
    training.journal.cut(training.journal.kept)
    again = training.begin()
    training.log(10, name="final/return")
    training.end(again, "stopped")
    training.journal.cut(training.journal.kept)
    last = training.begin()
    training.log(20)
    training.log(20, name="final/return")
    training.end(last)
    assert logger.run_id == again.run_id == last.run_id is not None
    assert history(training.uri, last.run_id, "final/return") == [(10, 5.0), (20, 10.0)]
    assert history(training.uri, last.run_id) == [(10, 5.0), (20, 10.0)]


def test_a_run_that_went_on_without_its_store_lacks_nothing(
    training: Training, server: FaultyServer, impatient: None
) -> None:
    training.uri = server.address
    logger = training.begin()
    training.log(10)
    training.journal.keep()
    training.log(*[10] * 20, name="final/return")
    training.end(logger, "stopped")
    server.stop()
    training.journal = Journal(training.directory)
    training.journal.cut(training.journal.kept)
    again = training.begin()
    training.log(20, 30)
    training.end(again)
    server.start()
    delivery = Delivery(training.directory, Target(server.address, "games", "mine", {}))
    delivery.contact()
    delivery.bring(training.record)
    assert history(training.uri, str(delivery.run_id)) == [(10, 5.0), (20, 10.0), (30, 15.0)]


def test_a_run_that_failed_and_then_finished_has_no_error(training: Training) -> None:
    logger = training.begin()
    training.log(10)
    training.journal.keep()
    training.record = replace(training.record, error="the disk is full")
    training.end(logger, "failed")
    assert runs(training.uri)[0].data.tags["error"] == "the disk is full"
    training.record = replace(training.record, error=None)
    training.journal.cut(training.journal.kept)
    training.end(training.begin())
    [run] = runs(training.uri)
    assert "error" not in run.data.tags and run.data.tags["status"] == "finished"


def test_points_that_no_longer_stand_are_in_no_run(training: Training) -> None:
    logger = training.begin()
    training.log(10)
    training.journal.keep()
    training.end(logger, "failed")
    training.journal.cut(0)  # there was no checkpoint after all
    again = training.begin()
    training.log(10, 20)
    training.end(again)
    [run] = runs(training.uri)
    assert run.info.run_id == again.run_id != logger.run_id
    assert history(training.uri, run.info.run_id) == [(10, 5.0), (20, 10.0)]


def test_a_run_that_never_begins_is_in_no_store(training: Training) -> None:
    logger = MLflowLogger(training.directory, "games", tracking_uri=training.uri)
    logger.end(RunRecord(status="failed"))
    assert not runs(training.uri)
    assert not list(training.directory.iterdir())


def test_a_run_that_was_deleted_is_made_anew(training: Training, capsys: pytest.CaptureFixture[str]) -> None:
    logger = training.begin()
    training.log(10)
    training.end(logger)
    MlflowClient(training.uri).delete_run(str(logger.run_id))
    again = MLflowLogger(training.directory, "games", tracking_uri=training.uri)
    again.end(training.record)
    assert f"the run {logger.run_id} was deleted from" in capsys.readouterr().out
    [run] = runs(training.uri)
    assert run.info.run_id == again.run_id and history(training.uri, run.info.run_id) == [(10, 5.0)]


def test_a_run_of_choice_goes_on_and_an_unknown_one_is_named(training: Training) -> None:
    client, artifacts = MlflowClient(training.uri), (training.directory / "artifacts").as_uri()
    wanted = client.create_run(client.create_experiment("games", artifacts)).info.run_id
    training.end(training.begin(run_id=wanted))
    assert [run.info.run_id for run in runs(training.uri)] == [wanted]
    with pytest.raises(SettingError, match=r"run_id=0123: is not a run in sqlite"):
        training.begin(run_id="0123")


@pytest.mark.parametrize("fault", ["slow", "error", "busy", "hang", "drop", "lose answer", "gone"])
def test_nobody_waits_for_a_server_and_nothing_is_lost_or_doubled(
    fault: str, server: FaultyServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], impatient: None
) -> None:
    training = Training(tmp_path / "run", server.address)
    logger = training.begin()
    training.log(10)
    training.journal.keep()
    wait_for(lambda: logger.run_id and history(server.address, logger.run_id))
    server.stop() if fault == "gone" else setattr(server, "fault", fault)
    slowest = 0.0
    for step in range(20, 60, 10):
        start = time.monotonic()
        training.log(step)
        training.journal.keep()
        slowest = max(slowest, time.monotonic() - start)
        time.sleep(0.3)
    assert slowest < 1.0
    training.end(logger)
    told = capsys.readouterr()
    assert ("remix sync" in told.err) == (fault != "slow")
    assert told.err.count("\n") <= 2
    server.start() if fault == "gone" else setattr(server, "fault", "none")
    again = MLflowLogger(training.directory, "games", tracking_uri=server.address)
    again.end(training.record)
    [run] = runs(server.address)
    assert run.info.status == "FINISHED"
    assert history(server.address, run.info.run_id) == [(step, step / 2) for step in range(10, 60, 10)]


def test_a_lost_answer_makes_no_second_run(server: FaultyServer, tmp_path: Path) -> None:
    training = Training(tmp_path / "run", server.address)
    logger = MLflowLogger(training.directory, "games", tracking_uri=server.address)
    server.fault = "lose answer"
    OmegaConf.save(OmegaConf.create(CONFIG), training.directory / "config.yaml")
    logger.begin(training.record, training.journal)
    before = server.requests
    wait_for(lambda: server.requests > before + 3)
    server.fault = "none"
    wait_for(lambda: logger.run_id)
    training.end(logger)
    assert len(runs(server.address)) == 1


def test_a_server_that_is_away_at_the_start_gets_the_run_when_it_is_there(
    server: FaultyServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.stop()
    training = Training(tmp_path / "run", server.address)
    logger = training.begin()
    training.log(10)
    assert "training goes on, metrics are kept in" in capsys.readouterr().err
    server.start()
    wait_for(lambda: logger.run_id)
    training.end(logger)
    assert history(server.address, str(logger.run_id)) == [(10, 5.0)]


def test_a_server_that_wants_another_password_is_a_mistake(server: FaultyServer, tmp_path: Path) -> None:
    server.fault = "no login"
    with pytest.raises(SettingError, match=r"tracking_uri=http.*cannot be used"):
        Training(tmp_path / "run", server.address).begin()


def test_a_database_that_is_locked_gets_the_rest_later(
    training: Training, capsys: pytest.CaptureFixture[str], impatient: None
) -> None:
    with closing(sqlite3.connect(training.uri.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN EXCLUSIVE")
        logger = training.begin()
        training.log(10)
        training.end(logger)
    assert "database is locked" in capsys.readouterr().err
    again = MLflowLogger(training.directory, "games", tracking_uri=training.uri)
    again.end(training.record)
    assert history(training.uri, str(again.run_id)) == [(10, 5.0)]


def test_a_run_is_imported_into_every_store_that_is_asked_for(
    training: Training, server: FaultyServer, mlflow_uri: str
) -> None:
    logger = training.begin()
    training.log(10)
    training.end(logger)
    for uri in (server.address, mlflow_uri, server.address):
        MLflowLogger(training.directory, "games", tracking_uri=uri).end(training.record)
    for uri in (server.address, mlflow_uri):
        [run] = runs(uri)
        assert history(uri, run.info.run_id) == [(10, 5.0)]


def test_a_job_of_a_study_writes_nothing_to_the_run_of_the_study(training: Training, tmp_path: Path) -> None:
    study = {"name": "games", "panel": "p", "variant": "v"}
    training.end(training.begin(study=study))  # makes it, as there was none
    [parent] = [run for run in runs(training.uri) if "mlflow.parentRunId" not in run.data.tags]
    other = Training(tmp_path / "other", training.uri)
    logger = other.begin(study=study)
    other.log(10)
    other.end(logger)
    assert len(runs(training.uri)) == 3
    after = MlflowClient(training.uri).get_run(parent.info.run_id)
    assert after.to_dictionary() == parent.to_dictionary()


def test_passwords_are_not_noted(tmp_path: Path) -> None:
    Training(tmp_path / "run", "http://me:S3cret@127.0.0.1:9").begin()
    note = Note.read(tmp_path / "run")
    assert note is not None and note.store == "http://me:***@127.0.0.1:9"
    assert "S3cret" not in json.dumps(note.__dict__)
