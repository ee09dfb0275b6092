"""What only a process of its own can tell: memory and start-up time."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.timing import median_seconds

REMIX = "from remix.cli.command import main; main()"

# Fills the replay with full-length episodes before training, then learns on it.
FULL_REPLAY = """
from pathlib import Path
from remix.learning.datamodule import ReplayDataModule
from tests.benchmarks.training import full_length_episodes

setup = ReplayDataModule.setup
def filled(self, stage):
    setup(self, stage)
    if stage == "fit":
        few = full_length_episodes(50)
        while len(self.replay) < self.replay.capacity:
            self.replay.add(few)
ReplayDataModule.setup = filled
from remix.cli.command import main
main()
# Of getrusage, a child would have its parent's peak as well.
print([line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line][0])
"""


def start_up() -> list[tuple[str, str]]:
    """Seconds from the command to its first line, and to the end of a run of one round."""
    help_seconds = median_seconds(lambda: _run(REMIX, "--help"), 3)
    settings = [
        *("callbacks=none", "logger=none", "env.episode_limit=1", "replay.batch_size=8"),
        *("max_env_steps=1", "steps_per_epoch=1", "validation_episodes=1", "test_episodes=1"),
    ]

    def one_round() -> None:
        with tempfile.TemporaryDirectory() as directory:
            _run(REMIX, "train", f"run_dir={directory}/run", *settings)

    round_seconds = median_seconds(one_round, 3)
    return [
        ("remix --help, s", f"{help_seconds:.2f}"),
        ("remix train, from the command to the end of its first round, s", f"{round_seconds:.1f}"),
    ]


def memory() -> list[tuple[str, str]]:
    """Peak resident memory of training as by default, with 5,000 full-length episodes in the replay."""
    with tempfile.TemporaryDirectory() as directory:
        store = f"logger.mlflow.tracking_uri=sqlite:///{Path(directory) / 'mlflow.db'}"
        output = _run(
            FULL_REPLAY, "train", "env.punishment=-2", "max_env_steps=20000", f"run_dir={directory}", store
        )
    peak = int(output.split("VmHWM:")[1].split()[0]) * 1024
    return [("peak resident memory, 5,000 full-length episodes stored, GB", f"{peak / 1e9:.2f}")]


def _run(program: str, *arguments: str) -> str:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
