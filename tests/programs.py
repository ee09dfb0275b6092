"""Programs that tests have run, as games do, and whether they have ended."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

HALTING = """
import signal, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs would ignore
import remix.algorithms.base as base
step, steps = base.MultiAgentModule.training_step, []
def halting(self, batch, batch_idx):
    if any(Path("runs").glob("**/last.ckpt")):
        steps.append(batch_idx)
    if len(steps) > 2:
        time.sleep(1000)
    return step(self, batch, batch_idx)
base.MultiAgentModule.training_step = halting
from remix.cli.command import main
main()
"""
"""The command, whose training stands still, to be killed, a little after the first checkpoint."""


def start_program(programs: Path) -> None:
    """Start a program that would run for long, and note its process id."""
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    with programs.open("a") as file:
        file.write(f"{program.pid}\n")


def noted(programs: Path) -> list[int]:
    """Process ids of the programs that were started."""
    return [int(line) for line in programs.read_text().splitlines()]


def is_running(pid: int) -> bool:
    """Whether a program is running; one that only its parent has not waited for yet is not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    try:
        return state.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return not Path("/proc/self/stat").exists()  # elsewhere than on Linux its state is not known


def assert_running(pids: Iterable[int], count: int) -> None:
    """So many are running, as soon as those that are being ended have ended."""
    pids, deadline = list(pids), time.monotonic() + 120
    while (now := sum(map(is_running, pids))) != count:
        assert time.monotonic() < deadline, f"{now} of {len(pids)} are running, expected {count}"
        time.sleep(0.02)
