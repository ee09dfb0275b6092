"""The shortest cases of the campaign; ``make faults`` tries all of them."""

from __future__ import annotations

from importlib import import_module
from operator import attrgetter
from pathlib import Path

import pytest

pytest.importorskip("pettingzoo", reason="the extra 'pettingzoo' is not installed")
pytest.importorskip("jsonargparse", reason="the extra 'lightning-cli' is not installed")

from tests.faults.__main__ import PARTS
from tests.faults.attempts import attempt, cases
from tests.faults.signals import PHASES, Phase

SEED = 1
SHORT = {
    "configurations": range(0, 200, 50),
    "games": range(0, 140, 40),
    "files": range(0, 230, 80),
    "signals": (0,),
    "kills": (0,),
    "tracking": (-1,),
}
"""Numbers of cases, by part."""


@pytest.mark.parametrize(("part", "number"), [(part, number) for part in SHORT for number in SHORT[part]])
@pytest.mark.slow
def test_a_case_holds(part: str, number: int) -> None:
    assert attempt(part, number, SEED) == ""


def test_every_part_is_there_in_short() -> None:
    assert set(SHORT) == set(PARTS)
    assert all(cases(part, SEED) for part in PARTS)


@pytest.mark.parametrize("phase", PHASES, ids=[phase.name for phase in PHASES])
def test_signals_come_in_functions_that_there_are(phase: Phase) -> None:
    assert callable(attrgetter(phase.function)(import_module(phase.module)))


def test_a_case_that_falls_short_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fall(home: Path) -> None:
        raise AssertionError("another line")

    games = import_module("tests.faults.games")
    monkeypatch.setattr(games, "cases", lambda seed: [games.Case("a fault", fall)])
    assert attempt("games", 0, SEED) == "another line"
