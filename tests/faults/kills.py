"""SIGKILL at random moments, then ``resume=auto``: in the end the same numbers as without, digit by digit."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from random import Random

from tests.command_line import SMALL
from tests.faults.cases import Case
from tests.faults.commands import PATIENCE, RUN_FOLDER, Process
from tests.faults.runs import alone, differences, points, record

KILLS = 3
"""Of one run, one after the other; of the first, which is quick, one."""

LINE = (
    "train",
    *SMALL,
    "threads=1",
    "max_env_steps=1600",
    "callbacks.episode_video=null",
    "callbacks.weight_heatmap=null",
    f"run_dir={RUN_FOLDER}",
)
RUNS = (
    ("algorithm=qmix", "logger=none"),
    ("algorithm=remix", "logger=csv"),
    ("algorithm=qplex", "logger=none", "workers=process", "workers.overlap=true"),
    ("algorithm=vdac_vmix", "logger=none", "workers=process"),
    ("algorithm=dop", "logger=none"),
    ("algorithm=fop", "logger=csv", "workers=process"),
    ("algorithm=qtran", "logger=none"),
    ("algorithm=iql", "logger=mlflow"),
    ("algorithm=cw_qmix", "logger=none", "trainer.precision=bf16-mixed"),
)


def cases(seed: int) -> list[Case]:
    random = Random(seed)
    found: list[Case] = []
    for settings in RUNS:
        shares = [random.random() for _ in range(KILLS if found else 1)]
        moments = ", ".join(f"{share:.3f}" for share in shares)
        found.append(Case(f"{' '.join(settings)}, killed at {moments}", partial(_check, settings, shares)))
    return found


def _check(settings: tuple[str, ...], shares: list[float], home: Path) -> None:
    words = (*LINE, *settings, "resume=auto")
    whole, killed = home / "whole", home / "killed"
    whole.mkdir()
    killed.mkdir()
    process = Process(whole, *words)
    begun = _begin(process, whole)
    outcome = process.wait()
    seconds = time.monotonic() - begun
    assert outcome.code == 0, f"without a kill: {outcome.end}"
    for share in shares:
        process = Process(killed, *words)
        _begin(process, killed)
        time.sleep(share * seconds)
        process.process.kill()
        process.process.wait()
        alone(process)
    outcome = Process(killed, *words).wait()
    assert outcome.code == 0, f"resume=auto ended with {outcome.code}: {outcome.end}"
    found, expected = record(killed), record(whole)
    assert found["status"] == "finished", f"its status is {found['status']}"
    assert found["final_return"] == expected["final_return"], (
        f"final return {found['final_return']!r}, without a kill {expected['final_return']!r}"
    )
    differing = differences(points(killed), points(whole))
    assert not differing, differing


def _begin(process: Process, home: Path) -> float:
    """The moment at which the run has begun, or goes on: from then on its folder says so."""
    path, start, deadline = home / RUN_FOLDER / "run.json", time.time(), time.monotonic() + PATIENCE
    while not (path.is_file() and path.stat().st_mtime >= start - 0.1) and process.process.poll() is None:
        assert time.monotonic() < deadline, "the run does not begin"
        time.sleep(0.02)
    return time.monotonic()
