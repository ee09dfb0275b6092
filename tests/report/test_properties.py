"""What holds for the report of any study."""

from __future__ import annotations

import random
from dataclasses import replace
from math import isfinite
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from remix.report.figures import save_figures
from remix.report.files import read_curves, write_curves
from remix.report.marl_eval import marl_eval
from remix.report.page import sections
from remix.report.results import STATUSES, Run, StudyResults
from remix.report.statistics import (
    difference_of_means,
    probability_of_improvement,
)
from remix.report.tables import scores
from remix.report.verdicts import excludes_zero, rank_test
from remix.report.web_page import to_html
from tests.report.samples import flat, make_run

FEW = settings(max_examples=30, deadline=None)
FINALS = st.lists(st.integers(-1000, 1000), min_size=1, max_size=7)
NUMBERS = st.lists(st.floats(-1e140, 1e140), min_size=1, max_size=7)
SCORES = st.floats(-1e100, 1e100) | st.sampled_from([0.1, -0.7])
PANELS = st.sampled_from(["p", "p", "p", "P"])
VARIANTS = st.sampled_from(["remix"] * 6 + ["qmix", "QMIX", "=1", "x\ny"])


@st.composite
def runs(draw: st.DrawFn, score: st.SearchStrategy[float]) -> Run:
    n = draw(st.integers(0, 5))
    steps = draw(st.lists(st.floats(0, 1e6) | st.integers(0, 50).map(float), min_size=n, max_size=n))
    curve = draw(st.lists(score, min_size=n, max_size=n))
    status = draw(st.sampled_from(["FINISHED"] * 5 + list(STATUSES)))
    return make_run(draw(PANELS), draw(VARIANTS), draw(st.integers(0, 9)), curve, status, steps)


@st.composite
def studies(draw: st.DrawFn, score: st.SearchStrategy[float]) -> StudyResults:
    """With at least one run that counts, and each job once."""
    every = draw(st.lists(runs(score), min_size=1, max_size=12))
    jobs = {(run.panel, run.variant, run.seed): run for run in every}
    assume(any(run.counts for run in jobs.values()))
    return StudyResults("study", "study", "score", tuple(jobs.values()))


def verdict(a: ArrayLike, b: ArrayLike) -> bool:
    """Without a correction for several comparisons."""
    x, y = (np.asarray(side, dtype=float) for side in (a, b))
    return rank_test(x, y) <= 0.05 and excludes_zero(difference_of_means(x, y))


@FEW
@given(studies(st.floats()))
def test_every_study_has_a_page_and_an_export(study: StudyResults) -> None:
    table = scores(study)
    assert "<h2>" in to_html("study", sections(study, table, []), Path())
    assert all(isfinite(number) for row in table for number in (row.final.value, row.best, row.area))
    entries = [
        run
        for task in marl_eval(study)["study"].values()
        for variant in task.values()
        for run in variant.values()
    ]
    assert len({len(entry) for entry in entries}) == 1


@FEW
@given(studies(SCORES))
def test_the_report_of_a_file_is_that_of_the_study(
    tmp_path_factory: pytest.TempPathFactory, study: StudyResults
) -> None:
    path = tmp_path_factory.mktemp("curves") / "study.csv"
    write_curves(study, path)
    again = read_curves(path)
    assert repr(scores(again)) == repr(scores(study))  # NaN is not equal to itself
    assert sections(again, scores(again), []) == sections(study, scores(study), [])
    assert marl_eval(again) == marl_eval(study)


@FEW
@given(studies(SCORES), st.randoms(use_true_random=False))
def test_the_order_of_runs_and_evaluations_does_not_matter(
    study: StudyResults, chance: random.Random
) -> None:
    def shuffled(run: Run) -> Run:
        order = chance.sample(range(len(run.scores)), len(run.scores))
        return replace(run, env_steps=run.env_steps[order], scores=run.scores[order])

    mixed = list(map(shuffled, study.runs))
    chance.shuffle(mixed)
    before, after = (
        {(row.panel, row.variant): repr(row) for row in scores(results)}
        for results in (study, replace(study, runs=tuple(mixed)))
    )
    assert before == after


@FEW
@given(FINALS, FINALS)
def test_a_verdict_is_the_same_from_both_sides(a: list[int], b: list[int]) -> None:
    assert verdict(a, b) == verdict(b, a)
    x, y = (np.array(side, dtype=float) for side in (a, b))
    assert probability_of_improvement((x, y)).value == pytest.approx(
        1.0 - probability_of_improvement((y, x)).value
    )


@FEW
@given(NUMBERS, st.randoms(use_true_random=False), st.integers(3, 60))
def test_equal_scores_never_differ(numbers: list[float], chance: random.Random, n: int) -> None:
    mixed = chance.sample(numbers, len(numbers))
    assert not verdict(numbers, mixed)
    assert not verdict(numbers[:1] * 3, numbers[:1] * n)


@FEW
@given(FINALS, FINALS, st.floats(0.01, 100.0), st.floats(-1000.0, 1000.0))
def test_the_unit_of_the_scores_does_not_matter(a: list[int], b: list[int], unit: float, zero: float) -> None:
    x, y = (np.array(side, dtype=float) for side in (a, b))
    other_x, other_y = zero + unit * x, zero + unit * y
    assert verdict(other_x, other_y) == verdict(x, y)
    before, after = probability_of_improvement((x, y)), probability_of_improvement((other_x, other_y))
    for end in ("low", "value", "high"):
        assert getattr(after, end) == pytest.approx(getattr(before, end), nan_ok=True)


CORNERS = {
    "one evaluation": [make_run("p", "remix", 1, [3.0], env_steps=[7])],
    "constant": [run for v in ("remix", "qmix") for run in flat("p", v, [0.1, 0.1, 0.1])],
    "nothing but rounding": [*flat("p", "remix", [0.1] * 3), *flat("p", "qmix", [0.1 * (1 + 1e-15)] * 3)],
    "smallest": [*flat("p", "remix", [5e-324, 0.0, 1e-323]), *flat("p", "qmix", [0.0, 0.0])],
    "largest": [*flat("p", "remix", [1e150, -1e150, 0.0]), *flat("p", "qmix", [1e149, 1.0, 1e-150])],
    "apart": [make_run("p", "remix", s, [0.0, 1.0], env_steps=at) for s, at in ((1, [0, 5]), (2, [6, 9]))],
    "never": [make_run("p", v, s, [0.0, 0.0, -1.0]) for v in ("remix", "qmix") for s in (1, 2, 3)],
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("corner", CORNERS)
def test_corners_can_be_drawn(tmp_path: Path, corner: str) -> None:
    study = StudyResults("s", "s", "score", tuple(CORNERS[corner]))
    assert len(save_figures(study, tmp_path)) in (6, 8)
    assert sections(study, scores(study), [])
