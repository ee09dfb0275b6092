"""The profile of a small run: every stage is found, and the shares add up."""

import re
import subprocess
import sys
import time

import pytest

from tests.benchmarks.stopwatch import Stopwatch
from tests.command_line import SMALL_REMIX

STAGES = (
    "environment",
    "policy",
    "replay, write",
    "replay, sample",
    "unpack",
    "policy agent forward",
    "policy agent backward",
    "central agent forward",
    "central agent backward",
    "target_central agent forward",
    "central mixer forward",
    "central mixer backward",
    "mixer forward",
    "mixing layer backward",
    "targets",
    "weights",
    "optimizer",
    "gradient norms",
    "logging",
    "checkpoints",
    "everything else",
)


class Work:
    """Something that takes time."""

    def outer(self, seconds: float) -> str:
        time.sleep(seconds)
        self.inner(seconds)
        return "done"

    def inner(self, seconds: float) -> None:
        time.sleep(seconds)


class TestStopwatch:
    def test_a_stage_within_another_is_not_counted_twice(self):
        class Measured(Work):
            outer, inner = Work.outer, Work.inner

        watch = Stopwatch()
        watch.measure(Measured, "outer", "outside")
        watch.measure(Measured, "inner", lambda work, seconds: f"inside {seconds}", lambda work, seconds: 5.0)
        assert Measured().outer(0.02) == "done"
        watch.stop()
        assert watch.calls == {"outside": 1, "inside 0.02": 1}
        assert watch.operations == {"inside 0.02": 5.0}
        assert watch.seconds["outside"] >= 0.02
        assert sum(watch.seconds.values()) <= watch.elapsed

    def test_nothing_counts_after_the_end_and_all_is_forgotten_at_a_restart(self):
        class Measured(Work):
            inner = Work.inner

        watch = Stopwatch()
        watch.measure(Measured, "inner", "stage")
        Measured().inner(0.001)
        watch.restart()
        assert not watch.seconds
        watch.stop()
        Measured().inner(0.001)
        assert watch.calls["stage"] == 0 and watch.seconds["stage"] == 0.0


@pytest.mark.slow
def test_every_stage_of_a_run_has_its_share(mlflow_uri: str):
    settings = (*SMALL_REMIX, "callbacks.episode_video=null", f"logger.mlflow.tracking_uri={mlflow_uri}")
    command = [sys.executable, "-m", "tests.benchmarks.profile", *settings]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    table = output.split("stages of training")[1]
    shares = {
        name: float(share) for name, share in re.findall(r"^  (\S.*?) +([\d.]+)%", table, flags=re.MULTILINE)
    }
    assert shares.pop("all") == 100.0
    assert not [stage for stage in STAGES if stage not in shares]
    assert sum(shares.values()) == pytest.approx(100.0, abs=3.0)
