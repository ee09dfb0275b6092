"""What there is below ``runs``, in lines."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from remix.records.directory import RunDirectory
from remix.records.record import RunRecord
from remix.report.listing import latest, list_runs
from remix.tracking.journal import Journal
from remix.tracking.plan_file import PLAN_FILE


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(folder: str, seconds: float, status: str, final: float | None = None) -> Path:
    """A run that began so many seconds ago."""
    path = Path("runs", folder)
    path.mkdir(parents=True)
    started = f"{datetime.now() - timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S.%f}"
    RunDirectory(path).write(RunRecord(started=started, status=status, final_return=final))
    return path


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[list[str]]:
    """The words of each line below the heading."""
    list_runs(arguments)
    return [line.split() for line in capsys.readouterr().out.splitlines()[1:]]


def test_the_newest_run_comes_first(capsys: pytest.CaptureFixture[str]):
    run("a", 3 * 86_400 + 5, "finished", 8.0)
    run("b", 7_300, "failed")
    run("c", 65, "stopped", -1.25)
    assert shown(capsys) == [
        ["stopped", "1", "min", "-1.25", "runs/c"],
        ["failed", "2", "h", "runs/b"],
        ["finished", "3", "d", "8.00", "runs/a"],
    ]


def test_a_run_that_has_not_ended_shows_its_last_evaluation(capsys: pytest.CaptureFixture[str]):
    journal = Journal(run("a", 5, "running"))
    for step, value in ((0, 1.0), (100, 2.5)):
        journal.append({"test/return": value}, step)
    journal.append({"train/loss": 7.0}, 120)
    [line] = shown(capsys)
    assert (line[0], line[-2:]) == ("interrupted", ["2.50", "runs/a"])  # nobody holds it


def test_a_study_is_one_line(capsys: pytest.CaptureFixture[str]):
    jobs = [
        {"panel": "p", "variant": "v", "algorithm": "v", "identity": "i", "seed": seed} for seed in range(3)
    ]
    plan = {"study": "duel", "title": "Duel", "metric": "test/return", "score": "return", "jobs": jobs}
    run("studies/duel/x/seed0", 90, "finished", 3.0)
    run("studies/duel/x/seed1", 30, "finished", 5.0)
    Path("runs/studies/duel", PLAN_FILE).write_text(json.dumps(plan))
    rest = ["5.00", "runs/studies/duel", "(2", "of", "3", "finished)"]
    assert shown(capsys)[0][0] == "interrupted" and shown(capsys)[0][3:] == rest
    run("studies/duel/x/seed2", 10, "failed")
    assert shown(capsys)[0][0] == "failed" and shown(capsys)[0][3:] == rest
    run("studies/duel/x/seed3", 5, "finished")  # of another machine, whose plan is not here
    assert shown(capsys)[0][-4:] == ["(3", "of", "4", "finished)"]


def test_the_latest_that_has_a_report():
    jobs = [{"panel": "p", "variant": "v", "algorithm": "v", "identity": "i", "seed": 1}]
    plan = {"study": "a duel", "title": "Duel", "metric": "test/return", "score": "return", "jobs": jobs}
    assert latest() is None
    run("without_metrics", 1, "failed")
    assert latest() is None
    run("studies/duel/x", 90, "finished")
    Path("runs/studies/duel", PLAN_FILE).write_text(json.dumps(plan))
    assert latest() == "a duel"
    Journal(run("alone", 30, "running")).append({"test/return": 1.0}, 0)
    assert latest() == "runs/alone"
    run("studies/duel/y", 10, "running")
    assert latest() == "a duel"


def test_only_the_newest_are_shown_unless_all_are_wanted(capsys: pytest.CaptureFixture[str]):
    for number in range(23):
        run(f"run{number}", number, "finished", 1.0)
    assert len(shown(capsys)) == 21 and shown(capsys)[-1] == ["3", "earlier:", "remix", "list", "--all"]
    assert len(shown(capsys, "--all")) == 23


def test_without_runs_there_is_advice(capsys: pytest.CaptureFixture[str]):
    list_runs([])
    assert "there are no runs below runs yet" in capsys.readouterr().out
