"""When runs begin to learn: against known curves, and by chance no oftener than stated."""

from dataclasses import replace
from math import inf, isnan

import numpy as np
import pytest

from remix.report.curve_figures import onset as onset_figure
from remix.report.onset import OnsetTimes, onset_times, onsets
from remix.report.results import Run, StudyResults
from tests.report.samples import make_run


def begins(panel: str, variant: str, seed: int, at: int | None, last: int = 1000) -> Run:
    """Evaluations every 100 steps: 0 before the run begins, 5 from then on."""
    steps = range(0, last + 1, 100)
    scores = [5.0 if at is not None and step >= at else 0.0 for step in steps]
    return make_run(panel, variant, seed, scores, env_steps=list(steps))


def study(starts: dict[tuple[str, str], list[int | None]]) -> StudyResults:
    runs = [begins(*key, seed, at) for key, every in starts.items() for seed, at in enumerate(every)]
    return StudyResults("s", "s", "score", tuple(runs), onset=1.0)


def test_a_run_begins_with_its_first_evaluation_above_the_threshold() -> None:
    times = OnsetTimes.of([begins("p", "remix", 1, 300), begins("p", "remix", 2, None, last=700)], 1.0, 0.0)
    assert (times.begun.tolist(), times.never.tolist()) == ([300.0], [700.0])
    at_the_threshold = OnsetTimes.of([begins("p", "remix", 1, 300)], 5.0, 0.0)
    assert at_the_threshold.never.tolist() == [1000.0]


def test_a_run_that_diverged_counts_as_one_that_never_began() -> None:
    """As it is preregistered; how many begin must not grow because those that fail are left out."""
    starts: dict[tuple[str, str], list[int | None]] = {("p", "remix"): [100, 200, 300]}
    diverged = replace(begins("p", "remix", 8, 100), status="DIVERGED")
    at_once = make_run("p", "remix", 9, [], "DIVERGED")
    failed = replace(begins("p", "remix", 10, 100), status="FAILED")
    results = study(starts)
    results = replace(results, runs=(*results.runs, diverged, at_once, failed))
    [found] = onsets(results, 1.0)
    assert (found.begun, found.n) == (3, 5)
    times = onset_times(results, 1.0)["p", "remix"]
    assert times.never.tolist() == [1000.0, 1000.0]
    figure = onset_figure(results)
    [axes] = figure.axes
    [ticks] = [line for line in axes.lines if line.get_marker() == "|"]
    assert np.asarray(ticks.get_xdata()).tolist() == [1000.0, 1000.0]
    assert np.asarray(ticks.get_ydata()).tolist() == pytest.approx([0.6, 0.6])
    [legend] = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == "ReMIX (n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}5)", "as in the table"


def test_a_method_half_of_whose_runs_diverge_does_not_begin_earlier() -> None:
    """They could begin no more, so that the others are no sample of all."""
    results = study({("p", "remix"): [500] * 10, ("p", "qmix"): [300] * 5})
    diverged = [make_run("p", "qmix", seed, [0.0, 0.0], "DIVERGED") for seed in range(5, 10)]
    results = replace(results, runs=(*results.runs, *diverged))
    _, other = onsets(results, 1.0)
    assert (other.begun, other.n) == (5, 10)
    assert other.p_value > 0.05 and not other.differs


def test_half_of_the_runs_are_half_of_them_whatever_is_rounded() -> None:
    for n in range(2, 50, 2):
        starts: list[int | None] = [100 * place for place in range(1, n // 2 + 1)]
        runs = [begins("p", "remix", seed, at, last=100 * n) for seed, at in enumerate(starts)]
        runs += [begins("p", "remix", seed, None, last=100 * n) for seed in range(n // 2, n)]
        [found] = onsets(StudyResults("s", "s", "score", tuple(runs)), 1.0)
        assert found.median == 50 * n, n


def test_curves_that_cross_show_no_earlier_side() -> None:
    """A third of one method's runs begin before any of the other, and the others never."""
    crossing: list[int | None] = [100] * 6 + [None] * 12
    _, other = onsets(study({("p", "remix"): [300] * 18, ("p", "qmix"): crossing}), 1.0)
    assert other.differs and other.crosses
    one_run: list[int | None] = [100] + [None] * 17
    _, other = onsets(study({("p", "remix"): [300] * 18, ("p", "qmix"): one_run}), 1.0)
    assert other.differs and not other.crosses


def test_beyond_the_end_of_one_side_nothing_is_known_to_cross() -> None:
    runs = [begins("p", "remix", seed, 100 if seed < 3 else None, last=500) for seed in range(6)]
    runs += [begins("p", "qmix", seed, 800) for seed in range(6)]
    _, other = onsets(StudyResults("s", "s", "score", tuple(runs)), 1.0)
    assert not other.crosses


def test_the_curve_is_that_of_kaplan_and_meier() -> None:
    """One of four ends at 400 without having begun; the two that are left count for it, too."""
    runs = [begins("p", "remix", seed, at) for seed, at in enumerate([200, 600, None])]
    runs.append(begins("p", "remix", 9, None, last=400))
    steps, shares = OnsetTimes.of(runs, 1.0, 0.0).share_begun()
    assert steps.tolist() == [0.0, 200.0, 400.0, 600.0, 1000.0]
    assert shares.tolist() == pytest.approx([0.0, 0.25, 0.25, 1 - 0.75 * 0.5, 1 - 0.75 * 0.5])


def test_shares_with_exact_intervals_and_medians() -> None:
    first, second = onsets(study({("p", "remix"): [100, 200, 300, None], ("p", "qmix"): [None] * 4}), 1.0)
    assert (first.begun, first.n, first.median) == (3, 4, 200.0)
    assert (first.low, first.high) == pytest.approx((0.1941, 0.9937), abs=1e-4)
    assert (second.begun, second.median, second.low) == (0, inf, 0.0)
    assert second.high == pytest.approx(0.6024, abs=1e-4)
    assert isnan(first.p_value) and isnan(second.p_value), "a reference, and too few seeds"


def test_an_onset_that_comes_earlier_is_a_difference() -> None:
    early: list[int | None] = [100, 100, 200, 200, 300, 300]
    late: list[int | None] = [700, 800, 900, None, None, None]
    starts = {("p", "remix"): early, ("p", "qmix"): late, ("p", "vdn"): early[::-1]}
    _, other, same = onsets(study(starts), 1.0)
    assert other.differs and other.p_value < 0.01 and other.later
    assert not same.differs and same.p_value == pytest.approx(1.0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("start", [None, 0, 300])
def test_where_nothing_begins_or_all_at_once_nothing_differs(start: int | None) -> None:
    _, other = onsets(study({("p", "remix"): [start] * 6, ("p", "qmix"): [start] * 6}), 1.0)
    assert other.p_value == 1.0 and not other.differs


def test_equal_methods_seldom_differ() -> None:
    random, reports = np.random.default_rng(3), 200

    def draw() -> list[int | None]:
        return [int(at) if at <= 1000 else None for at in random.integers(1, 16, 8) * 100]

    keys = [("p", "remix"), ("p", "qmix"), ("p", "vdn")]
    false = sum(
        any(onset.differs for onset in onsets(study({key: draw() for key in keys}), 1.0))
        for _ in range(reports)
    )
    assert false <= 0.05 * reports + 1.64 * (0.05 * 0.95 * reports) ** 0.5


def test_the_figure_shows_shares_and_runs_that_never_begin() -> None:
    figure = onset_figure(study({("p", "remix"): [100, None], ("p", "qmix"): [None, None]}))
    [axes] = figure.axes
    curves = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    assert [np.asarray(line.get_ydata())[-1] for line in curves] == [0.5, 0.0]
    ticks = [line for line in axes.lines if line.get_marker() == "|"]
    assert [len(np.asarray(line.get_xdata())) for line in ticks] == [1, 2]
