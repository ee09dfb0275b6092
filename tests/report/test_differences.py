"""Settings in which variants differ, and runs that cannot be compared."""

from dataclasses import replace
from pathlib import Path

import pytest

from remix.report.differences import settings_table, with_settings, write_settings
from remix.report.findings import verdicts
from remix.report.onset import onsets
from remix.report.results import Run, StudyResults
from remix.report.tables import scores
from remix.settings.errors import SettingError
from tests.report.samples import flat


def curve(variant: str, finals: list[float], **settings: str) -> list[Run]:
    settings = {"algorithm": variant, "env": "hunt", **settings}
    return [replace(run, settings=settings, identity=variant) for run in flat("p", variant, finals)]


def study(*runs: Run) -> StudyResults:
    return StudyResults("s", "s", "score", runs)


LOW, HIGH = [1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0]


def test_the_table_comes_back_from_its_file(tmp_path: Path) -> None:
    runs = (*curve("remix", LOW, lr="0.1"), *curve("qmix", HIGH, lr="0.2", tau="1"))
    write_settings(study(*runs), tmp_path / "settings.csv")
    bare = [replace(run, settings={}) for run in runs]
    again = study(*with_settings(bare, tmp_path / "settings.csv"))
    table, known = settings_table(again), settings_table(study(*runs))
    assert table is not None and table == known
    assert table.rows == [["algorithm", "remix", "qmix"], ["lr", "0.1", "0.2"], ["tau", "–", "1"]]
    assert settings_table(study(*bare)) is None


def test_another_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "settings.csv").write_text("panel,variant,setting\np,remix,lr\n")
    with pytest.raises(SettingError, match="line 1: has no column value"):
        with_settings([], tmp_path / "settings.csv")


def test_runs_of_two_configurations_are_no_sample_of_one() -> None:
    ours, theirs = curve("remix", LOW), curve("qmix", HIGH)
    mixed = study(*ours, *theirs[:-1], replace(theirs[-1], identity="another"))
    [verdict] = verdicts(study(*ours, *theirs), scores(study(*ours, *theirs)))
    assert "QMIX is higher" in verdict
    [line] = verdicts(mixed, scores(mixed))
    assert line.startswith("No verdict on QMIX in p: its runs have several configurations")
    assert [onset.differs for onset in onsets(study(*ours, *theirs), 5.5)] == [False, True]
    assert [onset.differs for onset in onsets(mixed, 5.5)] == [False, False]


def test_variants_of_different_games_are_named() -> None:
    results = study(*curve("remix", LOW, **{"env.limit": "50"}), *curve("qmix", HIGH, **{"env.limit": "25"}))
    verdict, note = verdicts(results, scores(results))
    assert "QMIX is higher" in verdict
    assert note == "p: not all variants played the same game; env.limit is ReMIX 50, QMIX 25."
