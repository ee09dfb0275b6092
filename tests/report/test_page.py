"""What the page of a report says."""

from dataclasses import replace

import numpy as np
import pytest

from remix.report.episodes import EpisodeScores
from remix.report.findings import verdicts
from remix.report.markup import Beside, Bullets, Chart, Lead, Picture, Section, Table, to_markdown
from remix.report.page import sections
from remix.report.results import StudyResults
from remix.report.tables import scores
from tests.report.samples import flat, make_run, make_study


def page(study: StudyResults) -> dict[str, Section]:
    return {section.title: section for section in sections(study, scores(study), ["learning_curves"])}


def table(section: Section, number: int = 0) -> Table:
    return [block for block in section.blocks if isinstance(block, Table)][number]


def test_the_answer_comes_first_and_the_costs_last() -> None:
    titles = [section.title for section in sections(make_study(), scores(make_study()), ["learning_curves"])]
    assert titles == [
        "",
        "ReMIX against the others",
        "Final scores",
        "Figures",
        "What was run",
        "Runs that are left out",
        "How to read the intervals",
    ]


def test_the_head_has_sentences_curves_and_numbers() -> None:
    lead, beside = page(make_study())[""].blocks
    assert isinstance(lead, Lead) and lead.text.startswith("There are not enough seeds")
    assert isinstance(beside, Beside) and isinstance(beside.first, Chart)
    assert beside.first.picture.name == "figures/learning_curves" and beside.second.header[1] == "p = 0"


def test_the_head_of_a_study_of_onset_begins_with_it() -> None:
    study = replace(make_study(), onset=8.0)
    blocks = sections(study, scores(study), ["learning_curves", "onset"])[0].blocks
    assert isinstance(blocks[1], Beside) and isinstance(blocks[1].first, Picture)
    assert blocks[1].first.name == "figures/onset" and isinstance(blocks[2], Chart)


def test_what_was_run() -> None:
    section = page(make_study())["What was run"]
    assert section.blocks[0] == (
        "Study duel: 14 finished, 1 running, 1 failed, 1 missing of 17 planned runs. Finished runs have 200 "
        "environment steps and 3 evaluations. Finished seeds:"
    )
    assert table(section).header == ["variant", "p = 0", "p = -2"]
    assert table(section).rows == [
        ["ReMIX", "3", "3"],
        ["QMIX", "3", "2 of 3"],
        ["without mixing gradient", "2 of 3", "0 of 2"],
    ]


def test_absolute_metric_beside_the_final_scores() -> None:
    def row(study: StudyResults) -> dict[str, str]:
        scores_of = table(page(study)["Final scores"])
        return dict(zip(scores_of.header, scores_of.rows[0], strict=True))

    study = make_study()
    assert "absolute" not in row(study)
    fresh = EpisodeScores(best=np.array([10.0, 11.0]), last=np.array([9.0, 10.0]))
    fresh_study = replace(study, runs=tuple(replace(run, episodes=fresh) for run in study.runs))
    found = row(fresh_study)
    assert (found["absolute"], found["last policy"], found["best evaluation"]) == ("10.5", "9.50", "11.0")


def test_lengths_that_differ_are_a_range() -> None:
    runs = (
        make_run("p", "remix", 1, env_steps=[0, 1_000_300]),
        make_run("p", "remix", 2, [0, 1, 2], env_steps=[0, 1, 1_020_000]),
    )
    text = page(StudyResults("s", "s", "score", runs))["What was run"].blocks[0]
    assert "have 1.00M to 1.02M environment steps and 2 to 3 evaluations" in str(text)


def test_runs_that_are_too_short_for_the_curves_are_named() -> None:
    study = make_study()
    single = make_run("p = 0", "qmix", 4, [8.0], env_steps=[200])
    slower = [make_run("p = -2", "vdn", seed, [0.0, 1.0], env_steps=[0, 50]) for seed in (10, 9)]
    section = page(replace(study, runs=(*study.runs, single, *slower)))["What was run"]
    assert section.blocks[2:] == [
        "Left out of their learning curve, because they span less of it than most of its runs (their scores "
        "count all the same):",
        Bullets(["p = 0, QMIX, seed 4: 1 evaluation, at 200 steps"]),
        "Left out of marl_eval.json and of the sample efficiency, because they span less than most runs of "
        "their panel (their scores count all the same):",
        Bullets(
            [
                "p = 0, QMIX, seed 4: 1 evaluation, at 200 steps",
                "p = -2, VDN, seed 9: 2 evaluations, at 0 to 50 steps",
                "p = -2, VDN, seed 10: 2 evaluations, at 0 to 50 steps",
            ]
        ),
    ]


def test_names_that_would_look_the_same_are_told_apart() -> None:
    runs = [run for variant in ("qmix", "QMIX") for run in flat("p", variant, [1.0, 2.0, 3.0])]
    study = StudyResults("s", "s", "score", tuple(runs))
    assert [row[1] for row in table(page(study)["Final scores"]).rows] == ["qmix", "QMIX"]
    assert "qmix 2.00 [1.00, 3.00] against QMIX" in verdicts(study, scores(study))[0]


def test_final_scores() -> None:
    rows = table(page(make_study())["Final scores"]).rows
    assert rows[0] == ["p = 0", "ReMIX", "11.0", "[10.0, 12.0]", "11.0", "8.25", "100", "3"]
    assert len(rows) == 5


def test_final_score_of_one_seed_that_never_improved() -> None:
    study = StudyResults("s", "s", "score", (make_run("p", "remix", 1, [2.0, 1.0]),))
    assert table(page(study)["Final scores"]).rows == [
        ["p", "ReMIX", "1.00", "–", "2.00", "1.50", "never", "1"]
    ]


def test_verdicts_say_what_may_be_said() -> None:
    study = StudyResults(
        "s",
        "s",
        "score",
        tuple(
            flat("p", "remix", [1.0, 2.0, 3.0, 4.0, 5.0])
            + flat("p", "qmix", [6.0, 7.0, 8.0, 9.0, 10.0])
            + flat("p", "vdn", [2.5, 4.5, 5.5, 1.5, 3.5])
            + flat("p", "iql", [9.0])
        ),
    )
    higher, unclear, few = verdicts(study, scores(study))
    assert higher.startswith("p: ReMIX 3.00 [1.33, 4.67] against QMIX 8.00 [6.33, 9.67]: QMIX is higher ")
    assert higher.endswith("higher in 0% of pairs, p = 0.0079, 5 seeds each).")
    assert "ReMIX 3.00 [1.33, 4.67] against VDN 3.50 " in unclear
    assert ": no difference shown (difference -0.50 [" in unclear
    assert unclear.endswith("p = 0.69, 5 seeds each; power 0.58).")
    assert few == (
        "p: ReMIX 3.00 [1.33, 4.67] against IQL 9.00: no difference shown "
        "(5 and 1 seeds; a verdict needs at least 5 on both sides)."
    )


def test_onset_is_a_section_where_a_study_asks_for_it() -> None:
    runs = [*flat("p", "remix", [4.0, 5.0]), make_run("p", "qmix", 1, [0.0, 1.0])]
    study = StudyResults("s", "s", "score", tuple(runs), onset=2.0)
    assert table(page(study)["Onset"]).rows == [
        ["p", "ReMIX", "2 of 2", "[16%, 100%]", "100", "–"],
        ["p", "QMIX", "0 of 1", "[0%, 98%]", "never", "–"],
    ]
    assert "Onset" not in page(StudyResults("s", "s", "score", tuple(runs)))


@pytest.mark.parametrize("threshold", ["0.004", "12.345", "1234567", "-0.5"])
def test_the_threshold_of_onset_is_told_as_it_is(threshold: str) -> None:
    study = StudyResults("s", "s", "score", tuple(flat("p", "remix", [4.0])), onset=float(threshold))
    assert page(study)["Onset"].blocks[0] == f"A run has begun with its first evaluation above {threshold}."


def test_scores_that_are_no_finite_numbers_allow_no_verdict() -> None:
    runs = flat("p", "remix", [1.0, 2.0, 3.0, 4.0, 5.0]) + flat("p", "qmix", [6.0, 7.0, 8.0, 9.0, 9.5])
    runs[0] = make_run("p", "remix", 1, [0.0, 1.0])
    object.__setattr__(runs[0], "scores", np.array([0.0, np.inf]))
    study = StudyResults("s", "s", "score", tuple(runs))
    [verdict] = verdicts(study, scores(study))
    assert verdict.endswith("no difference shown (not all scores are finite numbers, 5 seeds each).")


def test_comparison_over_all_panels() -> None:
    section = page(make_study())["ReMIX against the others"]
    assert table(section, 0).header[1] == "normalised score"
    assert [row[0] for row in table(section, 0).rows] == ["ReMIX", "QMIX"]
    assert [row[:2] for row in table(section, 1).rows] == [
        ["QMIX", "0.92"],
        ["without mixing gradient", "1.00"],
    ]


def test_a_chosen_reference_without_runs_is_named() -> None:
    study = replace(make_study(), chosen="ow_qmix")
    assert page(study)["ReMIX against the others"].blocks[0] == (
        "There are no runs of ow_qmix, the study's own reference."
    )


def test_a_single_variant_has_nothing_to_be_compared_with() -> None:
    study = StudyResults("s", "s", "score", tuple(flat("p", "remix", [1.0, 2.0])))
    text = to_markdown("s", list(page(study).values()))
    assert "There is nothing to compare" in text
    assert "Runs that are left out" not in text


def test_runs_that_are_left_out_are_listed() -> None:
    assert table(page(make_study())["Runs that are left out"]).rows == [
        ["p = 0", "without mixing gradient", "running", "3", "100", "50.0"],
        ["p = -2", "QMIX", "missing", "3", "–", "–"],
        ["p = -2", "without mixing gradient", "failed", "1", "0", "-1.00"],
        ["p = -2", "without mixing gradient", "finished, no scores", "2", "–", "–"],
    ]


def test_figures_and_caution() -> None:
    text = to_markdown("s", list(page(make_study()).values()))
    assert "](figures/learning_curves.png)" in text
    assert "95% interval is a percentile bootstrap with 5,000 resamples" in text
    assert "No difference" in text or "no difference is shown" in text
