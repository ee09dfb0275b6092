"""What a study cost, where, with which code, and in which settings its variants differ."""

from dataclasses import replace

from remix.report.differences import commits
from remix.report.findings import verdicts
from remix.report.machines import cost
from remix.report.markup import Bullets, Table
from remix.report.page import sections
from remix.report.results import Run, StudyResults
from remix.report.tables import scores
from tests.report.samples import flat, make_study

FACTS = {"processor": "Abacus", "git_commit": "ab12"}


def known(run: Run, **changes: str) -> Run:
    settings = {"algorithm": run.variant, "seed": str(run.seed), "algorithm.gamma": "0.99"}
    return replace(run, seconds=1_800.0, facts=FACTS | changes, settings=settings)


def study(*runs: Run) -> StudyResults:
    return StudyResults("s", "s", "score", runs)


def two_sides(**changes: str) -> StudyResults:
    ours = [known(run) for run in flat("p", "remix", [1.0, 2.0, 3.0, 4.0, 5.0])]
    theirs = [known(run, **changes) for run in flat("p", "qmix", [6.0, 7.0, 8.0, 9.0, 10.0])]
    return study(*ours, *theirs)


def test_times_places_and_settings() -> None:
    section = cost(two_sides(processor="Slide rule"))
    assert section is not None
    times, places, _, settings = section.blocks
    assert isinstance(times, Table) and isinstance(places, Bullets) and isinstance(settings, Table)
    assert times.rows == [["ReMIX", "5", "2.50", "30.0", "0"], ["QMIX", "5", "2.50", "30.0", "0"]]
    assert places.items == ["processor: Abacus (5 runs), Slide rule (5 runs)", "git commit: ab12"]
    assert settings.rows == [["algorithm", "remix", "qmix"]]


def test_nothing_is_said_of_runs_that_say_nothing() -> None:
    assert cost(make_study()) is None
    assert commits(make_study()) == []


def test_runs_of_two_commits_get_no_verdicts() -> None:
    one, mixed = two_sides(), two_sides(git_commit="cd34")
    [verdict] = verdicts(one, scores(one))
    assert "is higher" in verdict
    [line] = verdicts(mixed, scores(mixed))
    assert line.startswith("No verdicts: these are runs of 2 commits of the code (ab12, cd34)")


def test_onsets_of_two_commits_get_no_stars() -> None:
    def stars(study: StudyResults) -> int:
        sections_ = sections(replace(study, onset=5.5), scores(study), [])
        [table] = [
            block for s in sections_ if s.title == "Onset" for block in s.blocks if isinstance(block, Table)
        ]
        return sum("*" in row[-1] for row in table.rows)

    assert (stars(two_sides()), stars(two_sides(git_commit="cd34"))) == (1, 0)
