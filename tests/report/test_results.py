"""What runs come down to, and which of them count."""

from dataclasses import replace

import numpy as np
import pytest

from remix.report.results import HeatMap, StudyResults
from tests.report.samples import flat, make_heat_map, make_run, make_study


class TestRun:
    def test_numbers_of_its_curve(self) -> None:
        run = make_run("p", "remix", 1, [0.0, 10.0, 9.0], env_steps=[0, 100, 300])
        assert run.final == 9.0  # the only evaluation in the last tenth
        assert run.best == 10.0
        assert run.area == pytest.approx((500.0 + 1900.0) / 300.0)
        assert run.steps_to_90 == 100.0

    def test_a_run_that_never_got_better_has_no_steps_to_90(self) -> None:
        assert make_run("p", "remix", 1, [3.0, 1.0, 2.0]).steps_to_90 is None

    @pytest.mark.parametrize("status", ["STOPPED", "RUNNING", "FAILED", "KILLED", "MISSING"])
    def test_only_finished_runs_count(self, status: str) -> None:
        assert make_run("p", "remix", 1).counts
        assert not make_run("p", "remix", 1, status=status).counts
        assert not make_run("p", "remix", 1, []).counts

    def test_evaluations_are_put_in_order_and_of_equal_steps_the_last_counts(self) -> None:
        run = make_run("p", "remix", 1, [3.0, 9.0, 0.0, 1.0], env_steps=[20, 10, 0, 10])
        assert (run.env_steps.tolist(), run.scores.tolist()) == ([0, 10, 20], [0, 1, 3])

    @pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf, 1e300])
    def test_what_comes_after_a_score_that_is_no_finite_number_is_left_out(self, score: float) -> None:
        run = make_run("p", "remix", 1, [1.0, 2.0, score, 4.0])
        assert (run.status, run.counts, run.scores.tolist()) == ("DIVERGED", False, [1, 2])
        assert make_run("p", "remix", 1, [1.0, score], "KILLED").status == "KILLED"


class TestStudyResults:
    def test_a_curve_has_its_runs_by_seed(self) -> None:
        runs = tuple(make_run("p", "remix", seed, [0.0, seed]) for seed in (10, 9, 1))
        assert StudyResults("s", "s", "score", runs).finals("p", "remix").tolist() == [1, 9, 10]

    def test_panels_and_variants_in_order_of_the_plan(self) -> None:
        study = make_study()
        assert study.panels == ["p = 0", "p = -2"]
        assert study.variants == ["remix", "qmix", "without_mixing_gradient"]

    def test_a_curve_has_the_runs_that_count(self) -> None:
        study = make_study()
        assert [run.seed for run in study.of("p = 0", "without_mixing_gradient")] == [1, 2]
        assert study.finals("p = 0", "without_mixing_gradient").tolist() == [9.0, 9.5]
        assert study.finals("p = -2", "without_mixing_gradient").tolist() == []

    def test_what_is_left_out(self) -> None:
        study = make_study()
        left_out = [(run.panel, run.variant, run.seed) for run in study.left_out]
        assert left_out == [
            ("p = 0", "without_mixing_gradient", 3),
            ("p = -2", "qmix", 3),
            ("p = -2", "without_mixing_gradient", 1),
            ("p = -2", "without_mixing_gradient", 2),
        ]
        assert study.status_phrase == "14 finished, 1 running, 1 failed, 1 missing of 17 planned runs"

    @pytest.mark.parametrize(
        ("variants", "expected"), [(("qmix", "remix"), "remix"), (("full", "without"), "full")]
    )
    def test_reference_is_remix_else_the_first(self, variants: tuple[str, ...], expected: str) -> None:
        runs = [run for variant in variants for run in flat("p", variant, [1.0])]
        study = StudyResults("s", "s", "score", tuple(runs))
        assert study.reference == expected
        assert replace(study, chosen=variants[-1]).reference == variants[-1]
        assert replace(study, chosen="of another command").reference == expected


class TestHeatMap:
    def test_sum_covers_the_periods_of_the_longer(self) -> None:
        short, long = make_heat_map("p", "remix", 2, periods=2), make_heat_map("p", "remix", 1, periods=3)
        for both in (short.plus(long), long.plus(short)):
            assert both.n_runs == 3
            assert both.counts.tolist() == [[0, 2, 4], [3, 4, 5], [0, 0, 0]]
            assert both.env_steps.tolist() == [0.0, 100.0, 200.0, 300.0]
        assert short.counts.tolist() == [[0, 1, 2], [0, 0, 0]]

    @pytest.mark.parametrize("change", ["weights", "env_steps"])
    def test_a_map_with_other_borders_is_left_out(self, change: str) -> None:
        first = make_heat_map("p", "remix")
        other = {name: getattr(first, name) for name in ("counts", "env_steps", "weights")}
        other[change] = other[change] * 2
        same = first.plus(HeatMap("p", "remix", 1, **other))
        assert same.n_runs == 1
        assert np.array_equal(same.counts, first.counts)
