"""A command on a leash ends with whoever started it, and so does what the command has started."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from remix.tracking import leash
from tests.programs import assert_running, noted

# A command with a process of its own, which writes both numbers down.
COMMAND = """
import os, subprocess, sys, time
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(sys.argv[1], "w") as file:
    print(os.getpid(), file=file)
    print(other.pid, file=file)
time.sleep(600)
"""
OWNER = """
import subprocess, sys, time
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, start_new_session=True)
sys.exit(process.wait())
"""


def line(*command: str) -> list[str]:
    return [sys.executable, "-c", OWNER, sys.executable, str(leash.__file__), *command]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no process groups")
def test_nothing_outlives_an_owner_that_is_killed(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    owner = subprocess.Popen(line(sys.executable, "-c", COMMAND, str(programs)))
    while not programs.is_file() or len(noted(programs)) < 2:
        assert owner.poll() is None
        time.sleep(0.05)
    assert_running(noted(programs), 2)
    owner.kill()
    owner.wait()
    assert_running(noted(programs), 0)


def test_the_status_is_that_of_the_command() -> None:
    assert subprocess.run(line(sys.executable, "-c", "import sys; sys.exit(7)")).returncode == 7
