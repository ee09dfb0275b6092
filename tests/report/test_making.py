"""How the page says that it was made."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from remix.report.making import made
from tests.report.samples import make_study

FACTS = {"git_commit": "0123456789abcdef0123-dirty", "processor": "Some CPU"}


@pytest.fixture(autouse=True)
def _called(monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["/home/me/bin/remix", "report", "my duel", "--tracking-uri", "http://me:secret1@host"]
    monkeypatch.setattr("sys.argv", command)


def test_when_by_what_and_of_what() -> None:
    study = make_study()
    runs = tuple(replace(run, facts=FACTS) for run in study.runs)
    results = replace(study, runs=runs, store="http://host", address="http://host/#/runs/1")
    line = made(results, ["figures/learning_curves.svg", "figures/learning_curves.pdf", "scores.csv"])
    assert re.match(r"Made \d{4}-\d\d-\d\d \d\d:\d\d \S+ with ReMIX \S+ ", line.text)
    assert "by “remix report 'my duel' --tracking-uri http://me:***@host”" in line.text
    assert line.text.endswith(", 13 runs of commit 012345678-dirty on Some CPU, read from http://host.")
    assert line.targets == [
        ("SVG", "figures/learning_curves.svg"),
        ("PDF", "figures/learning_curves.pdf"),
        ("scores.csv", "scores.csv"),
        ("MLflow", "http://host/#/runs/1"),
    ]


def test_what_is_not_known_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = replace(make_study(), file=tmp_path / "duel/curves.csv")
    line = made(results, [])
    assert line.text.endswith("”, 13 runs, read from duel/curves.csv.") and line.targets == []
