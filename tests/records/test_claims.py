"""Holding a directory: also on file systems without locks, and against holders of other hosts."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
from pathlib import Path

import pytest
from filelock import SoftFileLock

from remix.records import claims
from remix.records.claims import EXPIRY, LOCK, NOTE, TakenError, claim, holder, turn
from remix.records.directory import RunDirectory
from remix.records.record import RunRecord


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that a process of another host holds, on a file system without locks."""
    monkeypatch.setattr(claims, "FileLock", SoftFileLock)
    (tmp_path / LOCK).write_text("4242\nfar-away\n")
    about = {"host": "far-away", "pid": 4242, "born": "1", "since": "2026-01-01 00:00:00"}
    (tmp_path / NOTE).write_text(json.dumps(about))
    RunDirectory(tmp_path).write(RunRecord(status="running"))
    return tmp_path


def test_a_note_says_who_holds_a_directory(tmp_path: Path) -> None:
    with claim(tmp_path):
        found = holder(tmp_path)
        assert found is not None
        assert found.pid == os.getpid()
        assert RunDirectory(tmp_path).state == "running"
    assert holder(tmp_path) is None
    assert not (tmp_path / NOTE).exists()


def test_looking_takes_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with claim(tmp_path):
        pass
    monkeypatch.setattr(claims, "FileLock", None)
    assert RunDirectory(tmp_path).state == "new"


def test_another_host_holds_until_it_is_silent(elsewhere: Path) -> None:
    assert RunDirectory(elsewhere).state == "running"
    with (
        pytest.raises(TakenError, match=r"process 4242 on far-away, since .*; if that is gone"),
        claim(elsewhere),
    ):
        pytest.fail("held twice")
    past = time.time() - EXPIRY - 1
    os.utime(elsewhere / NOTE, (past, past))
    assert RunDirectory(elsewhere).state == "interrupted"
    with claim(elsewhere):
        assert RunDirectory(elsewhere).state == "running"


def test_a_killed_process_of_this_host_holds_nothing(elsewhere: Path) -> None:
    import socket
    import subprocess
    import sys

    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = socket.gethostname()
    (elsewhere / LOCK).write_text(f"{ended.pid}\n{here}\n")
    about = {"host": here, "pid": ended.pid, "born": "1", "since": ""}
    (elsewhere / NOTE).write_text(json.dumps(about))
    assert RunDirectory(elsewhere).state == "interrupted"
    with claim(elsewhere):
        pass
    # Another process that has its number since is not the holder.
    (elsewhere / NOTE).write_text(json.dumps(about | {"pid": os.getpid()}))
    assert holder(elsewhere) is None


@pytest.fixture
def without_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system whose processes ``ps`` alone tells of; the file says when all of them started."""
    started, tools = tmp_path / "started", tmp_path / "tools"
    started.write_text("Mon Nov 30 21:09:42 2026\n")
    tools.mkdir()
    (tools / "ps").write_text(f'#!/bin/sh\n[ "$TZ $LC_ALL" = "UTC C" ] && cat {started}\n')
    (tools / "ps").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    monkeypatch.setattr(claims, "PROCESSES", tmp_path / "nowhere")
    return started


def test_a_later_process_of_the_same_number_holds_nothing_without_proc(
    without_proc: Path, tmp_path: Path
) -> None:
    with claim(tmp_path / "run"):
        found = holder(tmp_path / "run")
        assert found is not None and found.born == "Mon Nov 30 21:09:42 2026"
        without_proc.write_text("Mon Nov 30 21:09:43 2026\n")
        assert holder(tmp_path / "run") is None
        without_proc.unlink()  # where nothing tells, the note of an earlier version and this one alike
        (tmp_path / "run" / NOTE).write_text(json.dumps({**vars(found), "born": ""}))
        assert holder(tmp_path / "run") is not None


def test_ps_tells_when_a_process_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(claims, "PROCESSES", tmp_path)
    if shutil.which("ps") is None:
        pytest.skip("needs ps")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert re.fullmatch(r"\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}", claims._born(os.getpid()))
    assert claims._born(2**22 + 1) == ""


def test_a_holder_gives_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "BEAT", 0.01)
    with claim(tmp_path):
        os.utime(tmp_path / NOTE, (0, 0))
        deadline = time.monotonic() + 120
        while (tmp_path / NOTE).stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (tmp_path / NOTE).stat().st_mtime > 0


def test_a_turn_comes_when_the_holder_lets_go(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with turn(tmp_path):
            order.append("second")

    waiting = threading.Thread(target=second)
    with turn(tmp_path):
        waiting.start()
        time.sleep(4 * claims.POLL)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def test_a_turn_that_a_killed_process_had_is_over(elsewhere: Path) -> None:
    past = time.time() - EXPIRY - 1
    os.utime(elsewhere / NOTE, (past, past))
    with turn(elsewhere):
        assert holder(elsewhere) is not None


@pytest.mark.parametrize("wrong", [{"pid": "abc"}, {"pid": None}, {"pid": 2**70}, {"more": 1}])
def test_a_note_that_cannot_be_read_names_nobody(tmp_path: Path, wrong: dict[str, object]) -> None:
    import socket

    about = {"host": socket.gethostname(), "pid": os.getpid(), "born": "1", "since": ""}
    (tmp_path / NOTE).write_text(json.dumps(about | wrong))
    assert holder(tmp_path) is None
