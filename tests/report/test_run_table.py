"""What is known of single runs, in a CSV file and back."""

from dataclasses import replace
from math import isnan
from pathlib import Path

import numpy as np
import pytest

from remix.report.episodes import EpisodeScores
from remix.report.results import Run, StudyResults
from remix.report.run_table import with_table, write_runs
from remix.settings.errors import SettingError
from tests.report.samples import make_run

KNOWN = replace(
    make_run("p", "remix", 1),
    episodes=EpisodeScores(best=np.array([1.0, 2.0]), last=np.array([0.0, 1.0])),
    best_possible=40.0,
    seconds=61.5,
    facts={"processor": "=Abacus", "git_commit": "ab12"},
)


def again(runs: tuple[Run, ...], path: Path) -> list[Run]:
    """The runs as they come back to curves alone."""
    write_runs(StudyResults("s", "s", "score", runs), path)
    return list(with_table([make_run(run.panel, run.variant, run.seed) for run in runs], path))


def test_everything_comes_back_but_single_episodes(tmp_path: Path) -> None:
    [run] = again((KNOWN,), tmp_path / "runs.csv")
    assert (run.absolute, run.last, run.best_possible, run.seconds) == (1.5, 0.5, 40.0, 61.5)
    assert run.facts == KNOWN.facts


def test_what_is_not_known_stays_unknown(tmp_path: Path) -> None:
    first, second, third = again(
        (KNOWN, make_run("p", "qmix", 1), make_run("p", "qmix", 2, status="FAILED")), tmp_path / "runs.csv"
    )
    assert first.seconds == 61.5
    for run in (second, third):
        assert isnan(run.absolute) and isnan(run.seconds) and not run.facts


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("61.5", "long", "line 2, column seconds: 'long' must be a number"),
        ("61.5", "inf", "line 2, column seconds: 'inf' must be a number"),
        ("remix,1", "remix,one", "line 2, column seed: 'one' must be a whole number"),
        ("seconds", "minutes", "line 1: has no column seconds"),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, before: str, after: str, complaint: str) -> None:
    path = tmp_path / "runs.csv"
    write_runs(StudyResults("s", "s", "score", (KNOWN,)), path)
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(SettingError, match=complaint):
        with_table([KNOWN], path)
