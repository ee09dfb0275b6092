"""The run of a study in MLflow while several commands work on the study."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from remix.records.directory import RunDirectory
from remix.records.record import RunRecord
from remix.studies.sync import sync
from remix.studies.tracked import CONFIGURATION_FILE, TrackedStudy
from remix.tracking.plan_file import PLAN_FILE, read_plan
from remix.tracking.store import store_uri
from tests.studies.studies import parent_and_children


def write(folder: Path, *seeds: int, directory: str = "nowhere") -> None:
    about = {"study": "games", "title": "Games", "metric": "test/return", "score": "return"}
    job = {"panel": "p", "variant": "qmix", "algorithm": "qmix", "identity": "ab", "directory": directory}
    (folder / PLAN_FILE).write_text(json.dumps(about | {"jobs": [job | {"seed": seed} for seed in seeds]}))


def test_jobs_that_another_command_plans_meanwhile_come_to_the_store(mlflow_uri: str, tmp_path: Path) -> None:
    folder = tmp_path / "games"
    folder.mkdir()
    (folder / CONFIGURATION_FILE).write_text("sweep: {seed: '1'}\n")
    write(folder, 1)
    study = TrackedStudy(folder, mlflow_uri)
    write(folder, 1, 2)
    study.begin()
    parent, _ = parent_and_children(mlflow_uri, "games")
    stored = read_plan(Path(str(parent.info.artifact_uri).removeprefix("file://")) / PLAN_FILE)
    assert [job["seed"] for job in stored["jobs"]] == [1, 2]
    assert study.is_complete("RUNNING")


@pytest.mark.parametrize("seen_from", ["project", "."])
def test_a_study_is_what_its_runs_are_wherever_the_command_is_given(
    seen_from: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project/runs/studies/games"
    place = folder / "p/qmix/seed1"
    place.mkdir(parents=True)
    RunDirectory(place).write(RunRecord(status="finished"))
    write(folder, 1, directory="runs/studies/games/p/qmix/seed1")
    monkeypatch.chdir(tmp_path / seen_from)
    assert TrackedStudy(folder, "sqlite:///runs.db").status() == "FINISHED"
    moved = folder.rename(tmp_path / "renamed")
    assert TrackedStudy(moved, "sqlite:///runs.db").status() == "FINISHED"


def test_a_copy_of_all_runs_delivers_to_its_own_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (first := tmp_path / "first").mkdir()
    monkeypatch.chdir(first)
    folder = Path("runs/studies/games")
    (place := folder / "p/qmix/seed1").mkdir(parents=True)
    RunDirectory(place).write(RunRecord(status="finished"))
    (folder / CONFIGURATION_FILE).write_text("sweep: {seed: '1'}\n")
    write(folder, 1, directory=str(place))
    TrackedStudy(folder, store_uri()).begin()
    second = shutil.copytree(first, tmp_path / "second")
    monkeypatch.chdir(second)
    sync([str(folder)])
    databases = (f"sqlite:///{project}/runs/mlflow.db" for project in (first, second))
    states = [parent_and_children(uri, "games")[0].info.status for uri in databases]
    assert states == ["RUNNING", "FINISHED"]
