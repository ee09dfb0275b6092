"""Runs that are tracked in PostgreSQL without an MLflow server between."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest
from mlflow.tracking import MlflowClient
from omegaconf import OmegaConf

from remix.settings.errors import SettingError
from remix.tracking import courier, store
from remix.tracking.store import AwayError
from tests.command_line import TINY, CommandLine
from tests.postgres import Cluster, programs
from tests.studies.studies import STUDY, parent_and_children
from tests.tracking.training import Training, history, runs, wait_for

MIGRATED = "migrated"


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingError, match=r"psycopg; pip install 'remix-marl\[postgres\]'"):
        store.connect("postgresql://remix@127.0.0.1/tracking")


@pytest.mark.parametrize("address", ["postgresql://127.0.0.1:port/x", "mysql+x://127.0.0.1/x"])
def test_what_is_no_address_is_a_mistake(address: str) -> None:
    with pytest.raises(SettingError, match=r"is no address of a database") as refused:
        store.connect(address)
    assert not isinstance(refused.value, AwayError)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    pytest.importorskip("psycopg", reason="the extra 'postgres' is not installed")
    if (place := programs()) is None:
        pytest.skip("PostgreSQL is not installed")
    cluster = Cluster(place)
    cluster.start()
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def migrated(cluster: Cluster) -> str:
    """The name of a database with MLflow's tables."""
    store.connect(cluster.create(MIGRATED))
    cluster.disconnect(MIGRATED)  # what somebody uses is no template
    return MIGRATED


@pytest.fixture
def uri(cluster: Cluster, migrated: str) -> str:
    return cluster.create(uuid4().hex, migrated)


@pytest.fixture
def training(tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch) -> Training:
    monkeypatch.setattr(courier, "_LOOK", 0.02)
    monkeypatch.setattr(courier, "_LONGEST", 0.2)
    monkeypatch.chdir(tmp_path)
    return Training(tmp_path / "run", uri)


@pytest.mark.parametrize("wrong", ["password", "database"])
def test_what_cannot_be_used_is_one_line(remix: CommandLine, cluster: Cluster, wrong: str) -> None:
    uri = cluster.uri("postgres", "other-Geheim") if wrong == "password" else cluster.uri("nowhere")
    remix.monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    start = time.monotonic()
    done = remix("train", *TINY, "logger=mlflow")
    assert done.code == 2
    [line] = done.err.splitlines()
    assert "password authentication failed" in line or 'database "nowhere" does not exist' in line
    assert "Geheim" not in line
    assert time.monotonic() - start < 120.0  # seconds in fact; MLflow itself would try for minutes


def test_a_database_that_is_silent_is_away(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    store.load_mlflow()
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "2")
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(AwayError, match="timeout"):
        store.connect(f"postgresql://remix@127.0.0.1:{silent.getsockname()[1]}/x")


def test_a_run_is_there_as_a_whole(training: Training) -> None:
    logger = training.begin()
    training.log(10, 20)
    training.end(logger)
    [run] = runs(training.uri)
    assert run.info.status == "FINISHED" and run.data.params["algorithm.gamma"] == "0.99"
    assert history(training.uri, run.info.run_id) == [(10, 5.0), (20, 10.0)]
    files = {file.path for file in MlflowClient(training.uri).list_artifacts(run.info.run_id)}
    assert files == {"config.yaml", "metrics.jsonl"}
    assert Path.cwd().as_uri() in run.info.artifact_uri  # below runs, wherever the next command is given


def test_a_server_that_restarts_in_the_middle_loses_nothing(
    training: Training, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = training.begin()
    training.log(10)
    training.journal.keep()
    wait_for(lambda: logger.run_id and history(training.uri, logger.run_id))
    cluster.stop()
    training.log(20)
    training.journal.keep()
    told = ""
    deadline = time.monotonic() + 120
    while "training goes on" not in (told := told + capsys.readouterr().err):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    cluster.start()
    training.log(30)
    training.end(logger)
    [run] = runs(training.uri)
    assert run.info.status == "FINISHED"
    assert history(training.uri, run.info.run_id) == [(10, 5.0), (20, 10.0), (30, 15.0)]
    assert "remix sync" not in capsys.readouterr().err


def test_one_process_at_a_time_has_its_turn(uri: str) -> None:
    order: list[str] = []

    def second() -> None:
        with store.exclusive(uri):
            order.append("second")

    with store.exclusive(uri):
        thread = Thread(target=second)
        thread.start()
        thread.join(0.5)
        order.append("first")
    thread.join(60.0)
    assert order == ["first", "second"]


def test_names_as_long_as_there_may_be(training: Training) -> None:
    long = {f"{'k' * 300}{i}": "v" * 900 for i in range(2)}
    study = {"name": "s" * 250, "panel": "p" * 250, "variant": "v" * 250}
    OmegaConf.save(OmegaConf.create({"seed": 3} | long), training.directory / "config.yaml")
    logger = training.begin(
        {"seed": 3, "algorithm_name": "a" * 250, "env_name": "e" * 250, "study": study} | long,
        study=study,
        experiment_name="s" * 250,
        run_name="r" * 250,
    )
    training.log(10, name="test/" + "m" * 300)
    training.log(10, name="test/" + "m" * 301)
    training.end(logger)
    [run] = [run for run in runs(training.uri) if "variant" in run.data.tags]
    assert run.info.status == "FINISHED" and run.info.run_name == "r" * 250
    assert sorted(run.data.metrics.values()) == [5.0, 5.0]
    assert sum(key.startswith("kkk") for key in run.data.params) == 2
    assert run.data.tags["panel"] == "p" * 250


def test_a_study_whose_name_is_too_long_is_refused(remix: CommandLine, uri: str) -> None:
    remix.monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    done = remix(*STUDY, f"study.name={'s' * 300}")
    assert done.code == 2
    [line] = done.err.splitlines()
    assert "study.name=sss" in line and "at most 250 characters" in line


def test_jobs_side_by_side_on_a_new_database(remix: CommandLine, cluster: Cluster) -> None:
    """In threads; what is exclusive among processes is so among threads, each having its own connection."""
    uri = cluster.create(uuid4().hex)
    words = ("seed=1,2", "study.together=true", f"logger.mlflow.tracking_uri={uri}")
    done = remix(*STUDY, *words)
    assert done.code == 0, done.err
    assert "study games: 2 jobs: 2 finished\n" in done.out
    assert "remix sync" not in done.err
    parent, children = parent_and_children(uri, "games")
    assert len(runs(uri)) == 3 and parent.info.status == "FINISHED"
    assert sorted(child.data.tags["seed"] for child in children) == ["1", "2"]
    assert {len(history(uri, child.info.run_id)) for child in children} == {3}
