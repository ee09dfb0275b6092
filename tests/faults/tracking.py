"""A tracking server that is absent or hostile, at the start, in the middle or at the end of a run.

Training is done as if nothing were, a line says what the server does not have, and ``remix sync`` brings it
there, each point once.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random

from tests.command_line import NO_PICTURES, SMALL
from tests.faults.cases import Case, refused
from tests.faults.commands import PATIENCE, RUN_FOLDER, Outcome, Process
from tests.faults.runs import differences, empty_store, points, record, tracked, tracked_points
from tests.faulty_server import FaultyServer

FAULTS = ("refuses", "error", "hang", "drop", "lose answer")
"""Of :class:`FaultyServer`, and one that is not there."""

PASSING = ("refuses", "hang", "lose answer", "slow")
"""What also ends while a run goes on."""

PHASES = {"start": ".", "middle": f"{RUN_FOLDER}/checkpoints/last.ckpt", "end": f"{RUN_FOLDER}/episode.gif"}
"""What is there as soon as the fault begins, from then on for good."""

DRAWN = [word for word in SMALL if word not in NO_PICTURES]
LINE = ("train", *DRAWN, "algorithm=vdn", "threads=1", f"run_dir={RUN_FOLDER}")


def cases(seed: int) -> list[Case]:
    random = Random(seed)
    found = [
        Case(f"{fault} from the {phase} on", partial(_for_good, fault, phase))
        for fault in FAULTS
        for phase in PHASES
    ]
    for fault in PASSING:
        seconds = random.uniform(1.0, 4.0)
        name = f"{fault} for {seconds:.1f} s in the middle"
        found.append(Case(name, partial(_for_a_while, fault, seconds)))
    found += [
        Case("killed while the server is away", _killed),
        Case("a database that somebody else holds", _locked),
        Case("an address that is none", partial(_mistaken, "http://")),
        Case("a scheme that is none", partial(_mistaken, "nonsense://127.0.0.1:1/x")),
    ]
    return found


class _Server:
    """The server, its database, and a run that is to be tracked there."""

    def __init__(self, home: Path) -> None:
        self.home, self.store = home, empty_store(home / "server/mlflow.db")
        self.server = FaultyServer(home / "server/mlflow.db")

    def __enter__(self) -> _Server:
        return self

    def __exit__(self, *error: object) -> None:
        self.set("none")
        self.server.close()

    def start(self, *words: str, uri: str = "") -> Process:
        """:param uri: of the store, if the server is not to be asked."""
        return Process(self.home, *LINE, f"logger.mlflow.tracking_uri={uri or self.server.address}", *words)

    def set(self, fault: str) -> None:
        """From now on."""
        refused = self.server.fault == "refuses"
        if fault == "refuses" and not refused:
            self.server.stop()
        if fault != "refuses" and refused:
            self.server.start()
        self.server.fault = fault

    def trained(self, outcome: Outcome) -> None:
        """The run did what it was to do, and has it."""
        assert outcome.code == 0, f"exit status {outcome.code}: {outcome.end}"
        assert record(self.home)["status"] == "finished", f"its status is {record(self.home)['status']}"
        assert "Traceback" not in outcome.err, f"a traceback: {outcome.end}"
        lines = outcome.err.splitlines()
        other = [line for line in lines if not line.startswith("warning: ")]
        assert not other, f"other lines than warnings: {other[0][:120]}"
        assert len(lines) <= 2, f"{len(lines)} lines"  # when it was missed, and what is missing in the end

    def delivers(self) -> None:
        """A command brings the rest, and twice is once."""
        self.set("none")
        for _ in range(2):
            outcome = Process(self.home, "sync").wait()
            assert outcome.code == 0, f"remix sync ended with {outcome.code}: {outcome.end}"
        self.has_all()

    def has_all(self) -> None:
        """The server has the run once, finished, with each point of its folder once."""
        runs = tracked(self.store)
        assert len(runs) == 1, f"the server has {len(runs)} runs"
        assert runs[0].info.status == "FINISHED", f"MLflow's status is {runs[0].info.status}"
        differing = differences(tracked_points(self.store, runs[0]), points(self.home))
        assert not differing, f"on the server {differing}"


def _for_good(fault: str, phase: str, home: Path) -> None:
    with _Server(home) as server:
        if phase == "start":
            server.set(fault)
        process = server.start()
        _wait_for(home / PHASES[phase], process)
        server.set(fault)
        outcome = process.wait()
        server.trained(outcome)
        if fault != "lose answer":  # after which a server may have all the same
            assert "remix sync" in outcome.err, f"nobody says how to deliver: {outcome.end}"
        server.delivers()


def _for_a_while(fault: str, seconds: float, home: Path) -> None:
    with _Server(home) as server:
        process = server.start()
        _wait_for(home / PHASES["middle"], process)
        server.set(fault)
        time.sleep(seconds)
        server.set("none")
        server.trained(process.wait())
        server.delivers()


def _killed(home: Path) -> None:
    with _Server(home) as server:
        server.set("error")
        process = server.start()
        _wait_for(home / PHASES["middle"], process)
        process.process.kill()
        process.wait()
        server.set("none")
        server.trained(server.start("resume=auto").wait())
        server.delivers()


def _locked(home: Path) -> None:
    with _Server(home) as server:
        with closing(sqlite3.connect(home / "server/mlflow.db")) as other:
            other.execute("BEGIN EXCLUSIVE")
            outcome = server.start(uri=server.store).wait()
        server.trained(outcome)
        assert "remix sync" in outcome.err, f"nobody says how to deliver: {outcome.end}"
        server.delivers()


def _mistaken(address: str, home: Path) -> None:
    outcome = Process(home, *LINE, f"logger.mlflow.tracking_uri={address}").wait()
    refused(outcome, "tracking_uri")
    assert not (home / RUN_FOLDER).exists(), "a run folder is left"


def _wait_for(path: Path, process: Process) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists() and process.process.poll() is None:
        assert time.monotonic() < deadline, f"{path.name} does not come"
        time.sleep(0.02)
