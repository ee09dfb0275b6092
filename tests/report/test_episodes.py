"""Scores of single episodes out of a run's journal."""

from math import inf, nan
from pathlib import Path

import pytest

from remix.report.episodes import read_episodes
from remix.tracking.journal import Journal


def test_the_episodes_of_the_metric_that_is_compared(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append_evaluation("test", {"return": [1.0, 2.0], "battle_won": [0.0, 1.0]}, 0)
    journal.append({"test/return": 1.5}, 0)
    journal.append_evaluation("test", {"return": [3.0, 5.0], "battle_won": [1.0, 1.0]}, 100)
    journal.append_evaluation("final", {"return": [9.0], "battle_won": [1.0]}, 100)
    journal.append_evaluation("absolute_best", {"return": [4.0, 6.0, 8.0], "battle_won": [0.0] * 3}, 100)
    journal.append_evaluation("absolute_last", {"return": [2.0, 2.0, 2.0], "battle_won": [0.0] * 3}, 100)
    found = read_episodes(tmp_path, "test/return")
    assert {s: e.tolist() for s, e in found.evaluations.items()} == {0: [1.0, 2.0], 100: [3.0, 5.0]}
    assert (found.best.tolist(), found.last.tolist()) == ([4.0, 6.0, 8.0], [2.0, 2.0, 2.0])
    assert read_episodes(tmp_path, "test/battle_won").evaluations[0].tolist() == [0.0, 1.0]


def test_what_is_not_there_is_empty(tmp_path: Path) -> None:
    Journal(tmp_path).append_evaluation("test", {"return": [1.0]}, 0)
    for folder, metric in ((tmp_path / "nowhere", "test/return"), (tmp_path, "test/battle_won")):
        found = read_episodes(folder, metric)
        assert (len(found.evaluations), len(found.best), len(found.last)) == (0, 0, 0)


@pytest.mark.parametrize("score", [nan, inf, 1e200])
def test_an_evaluation_with_an_absurd_score_is_not_known(tmp_path: Path, score: float) -> None:
    Journal(tmp_path).append_evaluation("test", {"return": [1.0, score]}, 0)
    Journal(tmp_path).append_evaluation("absolute_best", {"return": [score]}, 0)
    found = read_episodes(tmp_path, "test/return")
    assert (len(found.evaluations), len(found.best)) == (0, 0)
