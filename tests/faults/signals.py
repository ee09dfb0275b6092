"""Signals in every phase of a command: exit status, children, what is kept, and whether it goes on."""

from __future__ import annotations

import signal
import time
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.command_line import SMALL
from tests.faults.cases import Case
from tests.faults.commands import RUN_FOLDER, Process
from tests.faults.runs import alone, empty_store, record, tracked

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
MODULE = "remix.algorithms.base", "MultiAgentModule"
STARTS = 4
"""Cases in which the signal comes at a random moment of the first seconds."""

PROGRAM = """
import os, signal, sys
from importlib import import_module
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs would ignore
module, path, calls, number = sys.argv[1:5]
del sys.argv[1:5]
*owners, name = path.split(".")
place = import_module(module)
for owner in owners:
    place = getattr(place, owner)
original, left = getattr(place, name), [int(calls)]
def signalled(*arguments, **named):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), int(number))
    return original(*arguments, **named)
setattr(place, name, signalled)
from remix.cli.command import main
main()
"""
"""The command, to which the signal comes in a certain call of a function."""


class Phase(NamedTuple):
    """:ivar begun: whether there is a run by then."""

    name: str
    module: str
    function: str
    calls: int
    begun: bool


PHASES = (
    Phase("composing", "remix.runs.config", "check", 1, False),
    Phase("building networks", MODULE[0], f"{MODULE[1]}.__init__", 1, False),
    Phase("first evaluation", MODULE[0], f"{MODULE[1]}.validation_step", 1, True),
    Phase("playing", "remix.learning.collector", "Collector.collect", 3, True),
    Phase("training", MODULE[0], f"{MODULE[1]}.training_step", 6, True),
    Phase("writing a checkpoint", "os", "fsync", 3, True),
    Phase("final test", MODULE[0], f"{MODULE[1]}.test_step", 1, True),
)
WORKERS = (
    ("algorithm=vdn",),
    ("algorithm=vdac_sum", "workers=process", "workers.n_workers=1"),
    ("algorithm=qmix", "workers=process", "workers.overlap=true"),
)
LINE = ("train", *SMALL, "threads=1", "callbacks.episode_video=null", "callbacks.weight_heatmap=null")


def cases(seed: int) -> list[Case]:
    random = Random(seed)
    found = []
    for number in SIGNALS:
        for place, phase in enumerate(PHASES):
            workers = WORKERS[(place + number) % len(WORKERS)]
            # One signal with a store: they all take the same way.
            logger = "mlflow" if number == signal.SIGTERM else "none"
            check = partial(_in_phase, phase, number, (*workers, f"logger={logger}"))
            found.append(Case(f"{number.name}, {phase.name}, {' '.join(workers)}, logger={logger}", check))
        found.append(Case(f"{number.name}, sweep", partial(_sweep, number)))
    for _ in range(STARTS):
        number, seconds = random.choice(SIGNALS), random.uniform(0.0, 4.0)
        found.append(Case(f"{number.name}, after {seconds:.2f} s", partial(_at_start, number, seconds)))
    return found


def _in_phase(phase: Phase, number: signal.Signals, settings: tuple[str, ...], home: Path) -> None:
    store = empty_store(home / "runs/mlflow.db") if "logger=mlflow" in settings else None
    words = (*LINE, *settings, f"run_dir={RUN_FOLDER}")
    place = (phase.module, phase.function, str(phase.calls), str(int(number)))
    process = Process(home, *place, *words, program=PROGRAM)
    outcome = process.wait()
    assert outcome.code == 128 + number, f"exit status {outcome.code}: {outcome.end}"
    assert "Traceback" not in outcome.err, f"a traceback: {outcome.end}"
    assert outcome.end == f"remix: stopped by {number.name}", f"the last line is: {outcome.end}"
    alone(process)
    status = record(home).get("status")
    assert status == ("interrupted" if phase.begun else None), f"the run's status is {status}"
    if store is not None:
        _agree(store, *["KILLED"] * phase.begun)
    if not phase.begun:
        return
    resumed = Process(home, *words, "resume=auto").wait()
    assert resumed.code == 0, f"resume=auto ended with {resumed.code}: {resumed.end}"
    assert record(home)["status"] == "finished", f"resumed, it is {record(home)['status']}"
    if store is not None:
        _agree(store, "FINISHED")


def _sweep(number: signal.Signals, home: Path) -> None:
    words = ("-m", *LINE[1:], "algorithm=vdn", "logger=none", "seed=1,2", "hydra.sweep.dir=runs/sweep")
    place = (MODULE[0], f"{MODULE[1]}.training_step", "3", str(int(number)))
    process = Process(home, *place, LINE[0], *words, program=PROGRAM)
    outcome = process.wait()
    assert outcome.code == 128 + number, f"exit status {outcome.code}: {outcome.end}"
    assert "Traceback" not in outcome.err, f"a traceback: {outcome.end}"
    alone(process)
    runs = len(list(home.glob("runs/sweep/**/run.json")))
    assert runs == 1, f"{runs} runs were begun, expected one"


def _at_start(number: signal.Signals, seconds: float, home: Path) -> None:
    words = (*LINE, "algorithm=vdn", "logger=none", f"run_dir={RUN_FOLDER}")
    interruptible = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    process = Process(home, *words, program=f"{interruptible}from remix.cli.command import main; main()")
    time.sleep(seconds)
    process.process.send_signal(number)
    outcome = process.wait()
    ended = process.process.returncode
    # Before the first line of ours runs, Python or the system ends it; a shell calls that the same.
    assert ended in (128 + number, -number), f"exit status {ended}: {outcome.end}"
    assert ended < 0 or "Traceback" not in outcome.err, f"a traceback: {outcome.end}"
    alone(process)
    resumed = Process(home, *words, "resume=auto").wait()
    assert resumed.code == 0, f"resume=auto ended with {resumed.code}: {resumed.end}"


def _agree(store: str, *expected: str) -> None:
    statuses = [run.info.status for run in tracked(store)]
    assert statuses == [*expected], f"MLflow's runs are {statuses}, expected {[*expected]}"
