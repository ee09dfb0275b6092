"""Runs in Weights & Biases, kept in their folders: no test sends anything anywhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from remix.records.record import RunRecord
from remix.settings.errors import SettingError
from remix.tracking.journal import Journal
from remix.tracking.wandb_logger import WandbLogger


@pytest.fixture(autouse=True)
def _nobody_is_logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not above: it takes seconds, of every process that looks for tests.
    pytest.importorskip("wandb", reason="the extra 'wandb' is not installed")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Of a run that has kept its configuration."""
    (folder := tmp_path / "run").mkdir()
    (folder / "config.yaml").write_text("algorithm_name: qmix\nenv_name: hunt\nseed: 3\n")
    return folder


def begun(directory: Path) -> WandbLogger:
    logger = WandbLogger(directory, "project", "name", offline=True)
    logger.begin(RunRecord(), Journal(directory))
    return logger


def kept(directory: Path) -> bytes:
    """What there is to be sent of a run that had one process; W&B's own process has then ended."""
    import wandb

    wandb.teardown()
    [file] = directory.glob("wandb/offline-run-*/*.wandb")
    return file.read_bytes()


def test_points_and_settings_are_kept_for_sending(directory: Path) -> None:
    logger = begun(directory)
    run: Any = logger._run
    assert (run.config["algorithm"], run.config["seed"]) == ("qmix", 3)
    logger.log_metrics({"test/return": 1.5}, step=100)
    logger.end(RunRecord(status="finished"))
    assert b"test/return" in kept(directory)


def test_a_run_goes_on_as_the_same_one(directory: Path, tmp_path: Path) -> None:
    first = begun(directory)
    first.end(RunRecord(status="interrupted"))
    again = begun(directory)
    again.end(RunRecord(status="finished"))
    assert first._run.id == again._run.id


def test_runs_of_one_process_keep_apart(directory: Path, tmp_path: Path) -> None:
    (other := tmp_path / "other").mkdir()
    (other / "config.yaml").write_bytes((directory / "config.yaml").read_bytes())
    one, two = begun(directory), begun(other)
    one.log_metrics({"first/return": 1.0}, step=1)
    two.log_metrics({"second/return": 2.0}, step=1)
    for logger in (one, two):
        logger.end(RunRecord(status="finished"))
    assert b"first/return" in kept(directory) and b"second/return" not in kept(directory)
    assert b"second/return" in kept(other) and b"first/return" not in kept(other)


def test_without_login(directory: Path) -> None:
    with pytest.raises(SettingError, match=r"offline=False: needs a login: run 'wandb login', or use true"):
        WandbLogger(directory, "project")


def test_without_the_package(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(SettingError, match=r"needs the package: pip install 'remix-marl\[wandb\]'"):
        WandbLogger(directory, "project")
