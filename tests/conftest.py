"""Fixtures that all tests share."""

import gc
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import chdir
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock

from remix.tracking.runs import git_commit
from tests.command_line import CommandLine
from tests.compositions import composed_once
from tests.faulty_server import FaultyServer
from tests.projects import forgotten

_SAID = pytest.StashKey[bool]()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: Sequence[str]) -> None:
    """How many tests there are and how long all of them take, which side by side pytest does not say."""
    reporter = node.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not node.config.stash.get(_SAID, False):
        node.config.stash[_SAID] = True
        reporter.write_line(f"{len(ids):,} tests chosen; all of them take more than 15 core-minutes")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take longest come first, so that side by side none is left alone at the end."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    every = Counter(item.path for item in items)
    items.sort(key=lambda item: -100 * slow[item.path] - every[item.path])


def pytest_configure() -> None:
    """Python's search for garbage, after every 700 objects, would be a tenth of the time of short runs."""
    gc.set_threshold(20_000)


def pytest_collection_finish() -> None:
    """What was loaded until here stays; to look for garbage in all of it takes 0.6 s each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _asked_once() -> Iterator[None]:
    """What every run asks Hydra and Git for stays the same while the tests run."""
    with composed_once(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("remix.tracking.runs.git_commit", cache(git_commit))
        yield


@pytest.fixture(autouse=True)
def _one_thread():
    """Tests run side by side; more threads in each would only get in each other's way."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _torch_seed():
    """Every test starts from the same random state, whatever ran before."""
    torch.manual_seed(1)


@pytest.fixture(autouse=True)
def _own_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a test imports from a folder of its own, a later one with a module of that name does not find."""
    with forgotten(tmp_path_factory.getbasetemp()):
        yield


@pytest.fixture
def remix(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    """The command, in an empty folder."""
    return CommandLine(monkeypatch, capsys, tmp_path)


@pytest.fixture
def blank_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports show a picture with nothing on it: drawing theirs takes longer than a small study."""

    def save(results: Any, directory: Path, pdf: bool = False) -> list[Path]:
        directory.mkdir(parents=True, exist_ok=True)
        paths = [directory / f"learning_curves.{form}" for form in ("png", "svg")]
        for path in paths:
            path.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
        return paths

    monkeypatch.setattr("remix.report.figures.save_figures", save)


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database, whose tables take seconds to create; made once for all test processes."""
    from remix.tracking.store import connect

    # Below xdist every process has a folder of its own in the common one.
    common = tmp_path_factory.getbasetemp()
    common = common.parent if "PYTEST_XDIST_WORKER" in os.environ else common
    database = common / "migrated-mlflow.db"
    with FileLock(common / "migrated-mlflow.lock"):
        if not database.exists():
            with chdir(common):  # where MLflow puts what belongs to no experiment
                connect(f"sqlite:///{database}")
    return database


@pytest.fixture
def mlflow_uri(migrated_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of an MLflow store of the test's own, ``<tmp_path>/runs/mlflow.db``."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    database = tmp_path / "runs/mlflow.db"
    database.parent.mkdir()
    shutil.copy(migrated_database, database)
    return f"sqlite:///{database}"


@pytest.fixture
def server(migrated_database: Path, tmp_path: Path) -> Iterator[FaultyServer]:
    """An MLflow server whose faults the test chooses."""
    folder = tmp_path / "server"
    folder.mkdir()
    shutil.copy(migrated_database, folder / "mlflow.db")
    server = FaultyServer(folder / "mlflow.db")
    yield server
    server.close()
