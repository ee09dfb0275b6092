"""What the head of a page tells its reader to believe."""

from dataclasses import replace

import numpy as np

from remix.report.answer import answer, headline_table
from remix.report.findings import verdicts
from remix.report.results import Run, StudyResults
from remix.report.tables import scores
from tests.report.samples import flat, make_run, make_study

LOW = [1.0, 2.0, 3.0, 4.0, 5.0]
BETWEEN = [1.5, 2.5, 3.5, 4.5, 5.5]
HIGH = [6.0, 7.0, 8.0, 9.0, 10.0]


def study(*runs: Run, onset: float | None = None) -> StudyResults:
    return StudyResults("s", "s", "score", runs, onset=onset)


def test_differences_that_are_shown() -> None:
    ends_lower = study(*flat("p", "remix", LOW), *flat("p", "qmix", HIGH), *flat("p", "vdn", HIGH))
    assert answer(ends_lower) == "ReMIX has a lower final score than QMIX and VDN."
    ends_higher = study(*flat("p", "remix", HIGH), *flat("p", "qmix", LOW))
    assert answer(ends_higher) == "ReMIX has a higher final score than QMIX."


def test_no_difference_shown_says_what_would_have_been_seen() -> None:
    results = study(*flat("p", "remix", LOW), *flat("p", "vdn", BETWEEN))
    assert answer(results) == (
        "No difference is shown between ReMIX and VDN: with 5 seeds a side, a method that is ahead in 90% of "
        "all pairs of runs would have been seen as better 58% of the time, a smaller lead less often."
    )


def test_many_seeds_would_not_have_seen_a_difference_for_certain() -> None:
    scores = [float(score) for score in range(32)]
    text = answer(study(*flat("p", "remix", scores), *flat("p", "vdn", scores)))
    assert "with 32 seeds a side, a method that is ahead in 90% of all pairs of runs would have been " in text
    assert "seen as better over 99% of the time, a smaller lead less often." in text


def test_too_few_seeds() -> None:
    few = study(*flat("p", "remix", LOW), *flat("p", "qmix", HIGH), *flat("p", "iql", [9.0, 9.5]))
    assert answer(few) == (
        "ReMIX has a lower final score than QMIX. There are not enough seeds for a verdict of ReMIX against "
        "IQL: 2 to 5 seeds a side, and at least 5 are needed on both. The numbers say what these runs did, "
        "not which method is better."
    )
    assert answer(make_study()).startswith("There are not enough seeds for a verdict: 2 to 3 seeds a side, ")


def test_panels_are_named_where_there_are_several() -> None:
    runs = [
        *flat("p = 0", "remix", HIGH),
        *flat("p = 0", "qmix", LOW),
        *flat("p = 0", "vdn", LOW),
        *flat("p = -2", "remix", HIGH),
        *flat("p = -2", "qmix", LOW),
    ]
    assert answer(study(*runs)) == ("ReMIX has a higher final score than QMIX in all panels; VDN in p = 0.")


def test_many_groups_are_counted() -> None:
    variants = {"qmix": "abcd", "vdn": "ab", "iql": "a", "qtran": "d"}
    high, low = [*HIGH, 11.0, 12.0], [*LOW, 0.5, 0.0]  # seeds enough for so many comparisons
    runs = [run for panel in "abcd" for run in flat(panel, "remix", high)]
    runs += [run for v, panels in variants.items() for panel in panels for run in flat(panel, v, low)]
    assert answer(study(*runs)) == (
        "ReMIX has a higher final score than others in 8 of the comparisons below."
    )


def test_several_commits_allow_no_verdict() -> None:
    runs = [*flat("p", "remix", HIGH), *flat("p", "qmix", LOW)]
    runs = [replace(run, facts={"git_commit": commit}) for run, commit in zip(runs, "ab" * 5, strict=True)]
    results = study(*runs)
    assert answer(results).startswith("No verdicts: these are runs of 2 commits of the code")
    assert "against ReMIX" not in headline_table(results, scores(results)).header


def test_different_games_are_pointed_out() -> None:
    runs = [*flat("p", "remix", HIGH), *flat("p", "qmix", LOW)]
    runs = [replace(run, settings={"env": "stag" if run.variant == "remix" else "lamp"}) for run in runs]
    assert answer(study(*runs)).endswith(" Not all variants played the same game, as told below.")


def test_releases_stand_for_commits_where_packages_were_installed() -> None:
    runs = [*flat("p", "remix", HIGH), *flat("p", "qmix", LOW)]
    facts = {"remix": "0.2", "qmix": "0.1"}
    runs = [replace(r, facts={"git_commit": "unknown", "remix_version": facts[r.variant]}) for r in runs]
    assert answer(study(*runs)).startswith("No verdicts: these are runs of 2 releases of the code")


def test_different_lengths_are_pointed_out() -> None:
    short = [make_run("p", "qmix", seed, [0.0, low], env_steps=[0, 150]) for seed, low in enumerate(LOW)]
    results = study(*flat("p", "remix", HIGH), *short)
    assert answer(results).endswith("QMIX. Not all variants were trained equally long, as told below.")
    assert verdicts(results, scores(results))[1] == (
        "p: not all variants were trained equally long; environment steps are ReMIX 200, QMIX 150."
    )
    about_equal = [replace(run, env_steps=run.env_steps + 40) for run in short]
    assert "equally long" not in answer(study(*flat("p", "remix", HIGH), *about_equal))


def test_a_reference_that_has_no_runs_is_named() -> None:
    failed = [make_run("p", "remix", seed, [0.0], "FAILED") for seed in range(5)]
    results = study(*failed, *flat("p", "qmix", LOW), *flat("p", "vdn", HIGH))
    assert answer(results) == (
        "There is nothing to compare with: ReMIX has no finished runs where others have; --reference "
        "compares with another. Runs that ended and do not count: 5 of ReMIX (failed)."
    )
    [line] = verdicts(results, scores(results))
    assert answer(results).startswith(line)


def test_runs_of_several_configurations_are_not_called_nothing() -> None:
    qmix = [replace(run, identity="ab"[run.seed % 2]) for run in flat("p", "qmix", LOW)]
    line = "There is no verdict on QMIX, whose runs have several configurations."
    assert answer(study(*flat("p", "remix", HIGH), *qmix)) == line
    more = study(*flat("p", "remix", HIGH), *qmix, *flat("p", "vdn", LOW))
    assert answer(more) == f"ReMIX has a higher final score than VDN. {line}"


def test_runs_that_ended_without_counting_are_no_runs_to_come() -> None:
    failed = [make_run("p", "qmix", seed, [0.0], "FAILED") for seed in (6, 7)]
    diverged = make_run("p", "remix", 6, [0.0, float("nan")])
    runs = [*flat("p", "remix", HIGH), *flat("p", "qmix", LOW), *failed, diverged]
    line = "Runs that ended and do not count: 2 of QMIX (failed) and 1 of ReMIX (diverged)."
    assert answer(study(*runs)) == f"ReMIX has a higher final score than QMIX. {line}"
    more = study(*runs, make_run("p", "qmix", 9, [], "MISSING"))
    assert answer(more).endswith(f"So far 10 of 14 planned runs have finished with scores. {line}")
    other = [make_run("p", variant, 8, [], "FAILED") for variant in ("remix", "vdn")]
    assert answer(study(*runs, *other)).endswith("Runs that ended and do not count, as told below.")


def test_a_study_under_way_says_so() -> None:
    results = study(*flat("p", "remix", LOW), make_run("p", "remix", 9, [], "MISSING"))
    assert answer(results) == (
        "There is nothing to compare: no panel has finished runs of two variants. "
        "So far 5 of 6 planned runs have finished with scores."
    )


def begins(variant: str, *starts: int) -> list[Run]:
    steps = range(0, 1001, 100)
    return [
        make_run("p", variant, seed, [5.0 if step >= at else 0.0 for step in steps], env_steps=list(steps))
        for seed, at in enumerate(starts)
    ]


def test_onset_comes_first_where_a_study_asks_for_it() -> None:
    early, late = (100, 100, 200, 200, 300, 300), (700, 800, 900, 9999, 9999, 9999)
    runs = [*begins("remix", *early), *begins("qmix", *late), *begins("vdn", *early)]
    first, second = answer(study(*runs, onset=1.0)).split(". ")[:2]
    assert first == "ReMIX begins to learn earlier or more often than QMIX"
    assert second == "No difference in when runs begin is shown between ReMIX and VDN"
    turned = replace(study(*runs, onset=1.0), chosen="qmix")
    assert answer(turned).startswith("QMIX begins to learn later or less often than ReMIX and VDN. ")


def test_onsets_whose_curves_cross_are_not_called_earlier() -> None:
    runs = [*begins("remix", *[300] * 18), *begins("qmix", *[100] * 6, *[9999] * 12)]
    assert answer(study(*runs, onset=1.0)).startswith(
        "ReMIX begins to learn at other times than QMIX: their curves cross, so that neither is earlier "
        "throughout. "
    )


def test_headline_numbers_of_one_panel() -> None:
    results = study(*flat("p", "remix", LOW), *flat("p", "qmix", HIGH), *flat("p", "iql", [9.0]), onset=8.5)
    table = headline_table(results, scores(results))
    assert table.header == ["variant", "begun", "half after", "final score", "against ReMIX"]
    assert table.rows == [
        ["ReMIX", "0 of 5", "never", "3.00 [1.33, 4.67]", "–"],
        ["QMIX", "2 of 5", "never", "8.00 [6.33, 9.67]", "higher"],
        ["IQL", "1 of 1", "100", "9.00", "too few seeds"],
    ]
    results = replace(results, onset=None)
    table = headline_table(results, scores(results))
    assert table.header == ["variant", "final score", "seeds", "against ReMIX"]
    assert table.rows[2] == ["IQL", "9.00", "1", "too few seeds"]


def test_headline_numbers_of_several_panels() -> None:
    table = headline_table(make_study(), scores(make_study()))
    assert table.header == ["final test return", "p = 0", "p = -2"]
    assert table.rows[0] == ["ReMIX", "11.0 [10.0, 12.0]", "6.00 [5.00, 7.00]"]
    assert table.rows[2][2] == "–"
    asked = replace(make_study(), onset=11.0)
    table = headline_table(asked, scores(asked))
    assert table.header[1:] == ["p = 0: begun", "p = 0: final", "p = -2: begun", "p = -2: final"]
    assert table.rows[0][1:3] == ["1 of 3", "11.0 [10.0, 12.0]"] and table.rows[2][3:] == ["–", "–"]


def test_many_panels_are_counted_and_stand_one_below_the_other() -> None:
    low, between, high = (list(np.arange(8.0) + start) for start in (0.0, 0.5, 10.0))
    panels = [f"p = {panel}" for panel in range(6)]
    runs = [run for p in panels for run in [*flat(p, "remix", high), *flat(p, "qmix", low)]]
    results = study(*runs, *flat("p = 6", "remix", low), *flat("p = 6", "qmix", between))
    assert answer(results).startswith(
        "ReMIX has a higher final score than QMIX in 6 of 7 panels. No difference is shown between ReMIX and "
        "QMIX in p = 6: "
    )
    table = headline_table(results, scores(results))
    assert table.header == ["panel", "variant", "final score", "seeds", "against ReMIX"]
    assert table.rows[1] == ["p = 0", "QMIX", "3.50 [1.50, 5.50]", "8", "lower"]
    assert table.rows[-1][:2] == ["p = 6", "QMIX"] and table.rows[-1][-1] == "no difference shown"
