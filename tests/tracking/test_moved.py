"""Addresses of artifacts in databases that were moved, copied, or are shared with other programs."""

import shutil
from pathlib import Path

import pytest

from remix.tracking.store import connect

NAME = "mlflow.db"


@pytest.fixture
def store(tmp_path: Path, migrated_database: Path) -> Path:
    """The folder of a database whose artifacts lie beside it."""
    folder = tmp_path / "former"
    (folder / "artifacts").mkdir(parents=True)
    shutil.copy(migrated_database, folder / NAME)
    experiment(folder, "ours", folder / "artifacts")
    return folder


def experiment(folder: Path, name: str, artifacts: Path) -> None:
    connect(f"sqlite:///{folder / NAME}").create_experiment(name, artifact_location=artifacts.as_uri())


def place(folder: Path, name: str) -> str:
    found = connect(f"sqlite:///{folder / NAME}").get_experiment_by_name(name)
    assert found is not None
    return str(found.artifact_location)


def test_a_moved_database_brings_its_artifacts_along(store: Path, tmp_path: Path) -> None:
    here = store.rename(tmp_path / "here")
    assert place(here, "ours") == (here / "artifacts").as_uri()


def test_so_does_a_copy_and_the_first_one_stays(store: Path, tmp_path: Path) -> None:
    here = shutil.copytree(store, tmp_path / "here")
    assert place(here, "ours") == (here / "artifacts").as_uri()
    assert place(store, "ours") == (store / "artifacts").as_uri()


def test_artifacts_of_other_programs_stay_where_they_are(store: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs" / "artifacts"
    theirs.mkdir(parents=True)
    experiment(store, "theirs", theirs)
    assert place(store, "theirs") == theirs.as_uri()
