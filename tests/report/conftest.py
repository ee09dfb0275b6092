"""Fixtures of the report's tests."""

from pathlib import Path

import pytest

from tests.report.stores import FakeStore, fill


@pytest.fixture(scope="package")
def filled(
    migrated_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[FakeStore, dict[str, str]]:
    """A store with studies, made once; tests add files to runs at most."""
    store = FakeStore(tmp_path_factory.mktemp("studies") / "store", migrated_database)
    return store, fill(store)


@pytest.fixture
def store(filled: tuple[FakeStore, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    """The store, which is the one of ``MLFLOW_TRACKING_URI``."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", filled[0].uri)
    return filled[0]


@pytest.fixture
def run_ids(filled: tuple[FakeStore, dict[str, str]]) -> dict[str, str]:
    """Ids of some of its runs by a name."""
    return filled[1]
