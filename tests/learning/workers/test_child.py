"""Processes that end together with everything they have started."""

import os
import queue
import signal
import time
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from remix.learning.workers.base import WorkerError
from remix.learning.workers.child import Child, apart
from remix.settings.errors import SettingError
from tests.learning.workers.faulty import complain
from tests.programs import assert_running, noted, start_program


def start_and_hang(connection: Any, programs: Path) -> None:
    start_program(programs)
    time.sleep(1000)


def start_and_listen(connection: Any, programs: Path) -> None:
    start_program(programs)
    try:
        connection.recv()
    except EOFError:
        programs.with_name("farewell").touch()


def wait_until_started(programs: Path) -> None:
    while not programs.exists():
        time.sleep(0.02)


def test_killing_a_process_kills_what_it_has_started(tmp_path):
    child = Child(start_and_hang, tmp_path / "programs")
    wait_until_started(tmp_path / "programs")
    child.kill()
    child.kill()
    assert not child.process.is_alive()
    assert_running(noted(tmp_path / "programs"), 0)


def test_so_does_telling_it_to_end(tmp_path):
    """As Python does with its processes when it ends itself."""
    child = Child(start_and_hang, tmp_path / "programs")
    wait_until_started(tmp_path / "programs")
    os.kill(child.process.pid, signal.SIGTERM)
    assert_running(noted(tmp_path / "programs"), 0)
    child.kill()


def test_a_dismissed_process_may_end_in_its_own_way(tmp_path):
    child = Child(start_and_listen, tmp_path / "programs")
    wait_until_started(tmp_path / "programs")
    child.dismiss()
    child.kill(patience=120.0)
    assert child.process.exitcode == 0 and (tmp_path / "farewell").exists()
    assert_running(noted(tmp_path / "programs"), 0)  # of which it has forgotten to take leave


def test_a_process_can_be_killed_before_it_has_begun(tmp_path):
    child = Child(start_and_hang, tmp_path / "programs")
    child.kill()
    assert not child.process.is_alive()


def variable(name: str) -> str | None:
    return os.environ.get(name)


def test_a_task_apart(monkeypatch):
    monkeypatch.setenv("SOME_VARIABLE", "as it is now")
    assert apart(os.getpid, 60.0) != os.getpid()
    assert apart(partial(variable, "SOME_VARIABLE"), 60.0) == "as it is now"


def imported(name: str) -> str | None:
    return import_module(name).__file__


def test_a_folder_with_modules_called_as_pythons_own_does_no_harm(tmp_path, monkeypatch):
    """Not by a fork server: that of the tests has started elsewhere."""
    for name in ("types", "queue"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not this one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("remix.learning.workers.child._context", lambda: get_context("spawn"))
    place = apart(partial(imported, "queue"), 120.0)
    assert place == queue.__file__
    assert apart(partial(variable, "PYTHONSAFEPATH"), 120.0) is None
    assert "PYTHONSAFEPATH" not in os.environ


def refuse() -> None:
    raise SettingError("fps", 0, "must be positive")


def test_failures_of_a_task_apart():
    with pytest.raises(SettingError, match="fps=0: must be positive"):
        apart(refuse, 60.0)
    with pytest.raises(WorkerError, match=r"^a process raised RuntimeError: the game is broken$"):
        apart(complain, 60.0)
    with pytest.raises(WorkerError, match="a process died"):
        apart(partial(os._exit, 3), 60.0)


def test_a_task_that_takes_too_long_leaves_nothing_behind(tmp_path):
    (tmp_path / "programs").touch()
    with pytest.raises(WorkerError, match="did not end within 5 seconds"):
        apart(partial(start_and_hang, None, tmp_path / "programs"), 5.0)
    assert_running(noted(tmp_path / "programs"), 0)
