"""The numbers behind a report."""

import csv
from dataclasses import replace
from math import inf, isnan
from pathlib import Path

import numpy as np
import pytest

from remix.report.episodes import EpisodeScores
from remix.report.results import StudyResults
from remix.report.statistics import interquartile_mean
from remix.report.tables import improvements, over_all_panels, scores, write_scores
from tests.report.samples import flat, make_run, make_study


def study_of(*runs: list) -> StudyResults:
    return StudyResults("s", "s", "score", tuple(run for group in runs for run in group))


class TestScores:
    def test_one_row_per_curve_with_finished_runs(self) -> None:
        rows = scores(make_study())
        assert [(row.panel, row.variant, row.n) for row in rows] == [
            ("p = 0", "remix", 3),
            ("p = 0", "qmix", 3),
            ("p = 0", "without_mixing_gradient", 2),
            ("p = -2", "remix", 3),
            ("p = -2", "qmix", 2),
        ]
        assert (rows[0].final.value, rows[0].final.low, rows[0].final.high) == (11.0, 10.0, 12.0)
        # Up to the final score over the first of two intervals, then level.
        assert rows[0].area == pytest.approx(0.75 * 11.0)
        assert rows[0].best == 11.0 and rows[0].steps_to_90 == 100.0

    def test_runs_that_never_get_better_take_infinitely_long(self) -> None:
        slow, never = make_run("p", "a", 1, [0.0, 1.0, 9.0]), make_run("p", "a", 2, [5.0, 1.0, 1.0])
        quick = make_run("p", "a", 3, [0.0, 9.0, 9.0])
        [row] = scores(study_of([slow, never, quick]))
        assert row.steps_to_90 == 200.0
        [row] = scores(study_of([slow, never, never]))
        assert row.steps_to_90 == inf

    def test_absolute_metric_of_curves_whose_runs_all_have_it(self) -> None:
        runs = [
            replace(run, episodes=EpisodeScores(best=np.array([0.0, 2.0 * seed]), last=np.array([seed])))
            for seed, run in enumerate(flat("p", "remix", [1.0, 2.0, 3.0]), start=1)
        ]
        [row] = scores(study_of(runs))
        assert (row.absolute.value, row.absolute.low, row.absolute.high, row.last.value) == (
            2.0,
            1.0,
            3.0,
            2.0,
        )
        [row] = scores(study_of(runs, [make_run("p", "remix", 9)]))
        assert isnan(row.absolute.value) and isnan(row.last.value)

    def test_optimality_gap_where_the_best_score_is_known(self) -> None:
        runs = flat("p", "remix", [5.0, 10.0, 12.0])
        [row] = scores(study_of([replace(run, best_possible=10.0) for run in runs]))
        assert row.gap.value == pytest.approx(0.5 / 3)  # no credit for more than the best
        [row] = scores(study_of([replace(runs[0], best_possible=10.0), *runs[1:]]))
        assert isnan(row.gap.value)

    def test_numbers_in_the_file_have_all_digits(self, tmp_path: Path) -> None:
        table = scores(study_of(flat("p", "remix", [1 / 3, 2 / 3, 1e-9])))
        write_scores(table, tmp_path / "scores.csv")
        with (tmp_path / "scores.csv").open() as file:
            [row] = csv.DictReader(file)
        final = table[0].final
        assert [float(row[f"final_{end}"]) for end in ("iqm", "low", "high")] == [
            final.value,
            final.low,
            final.high,
        ]
        assert float(row["area_iqm"]) == table[0].area

    def test_table_as_a_file(self, tmp_path: Path) -> None:
        table = scores(study_of(flat("p", "remix", [1.0, 2.0, 3.0]), [make_run("p", "qmix", 1, [4.0, 4.0])]))
        write_scores(table, tmp_path / "scores.csv")
        with (tmp_path / "scores.csv").open() as file:
            first, second = csv.DictReader(file)
        assert first["panel"] == "p" and first["variant"] == "remix" and first["seeds"] == "3"
        assert [float(first[name]) for name in ("final_iqm", "final_low", "final_high")] == [2.0, 1.0, 3.0]
        assert isnan(float(second["final_low"])) and float(second["steps_to_90_percent"]) == inf


class TestImprovements:
    def test_mean_over_the_panels_that_both_have(self) -> None:
        found = improvements(make_study())
        assert list(found) == ["qmix", "without_mixing_gradient"]
        # At p = 0 all pairs are won; at p = -2 the lowest run, 5, loses against 5.5.
        assert found["qmix"].value == pytest.approx((1.0 + 5 / 6) / 2)
        assert found["without_mixing_gradient"].value == 1.0

    def test_nothing_to_compare(self) -> None:
        assert improvements(study_of(flat("p", "remix", [1.0]))) == {}
        assert improvements(study_of(flat("p", "remix", [1.0]), flat("q", "qmix", [1.0]))) == {}


class TestOverAllPanels:
    def test_panels_weigh_alike(self) -> None:
        study = study_of(
            flat("a", "remix", [100.0, 200.0]),
            flat("a", "qmix", [0.0, 0.0]),
            flat("b", "remix", [0.5, 0.75]),
            flat("b", "qmix", [1.0, 1.5]),
        )
        found = over_all_panels(study)
        expected = interquartile_mean(np.array([0.5, 1.0]), np.array([0.0, 0.25]))
        assert found["remix"] == expected
        assert found["qmix"].value == pytest.approx(np.mean([0.0, 0.5]))

    def test_variants_without_all_panels_are_left_out(self) -> None:
        assert list(over_all_panels(make_study())) == ["remix", "qmix"]

    def test_equal_scores_everywhere(self) -> None:
        assert over_all_panels(study_of(flat("a", "remix", [3.0, 3.0])))["remix"].value == 0.0
        rounded = study_of(flat("a", "remix", [0.1] * 3), flat("a", "qmix", [0.1 * (1 + 1e-15)] * 3))
        assert [found.value for found in over_all_panels(rounded).values()] == [0.0, 0.0]


def test_over_all_panels_as_shares_of_the_best_scores_that_there_are() -> None:
    runs = [*flat("p", "a", [5.0]), *flat("q", "a", [2.0]), *flat("p", "b", [0.0]), *flat("q", "b", [4.0])]
    known = [replace(run, best_possible=10.0 if run.panel == "p" else 4.0) for run in runs]
    assert {name: e.value for name, e in over_all_panels(study_of(known)).items()} == {"a": 0.5, "b": 0.5}
    assert {name: e.value for name, e in over_all_panels(study_of(runs)).items()} == {"a": 0.5, "b": 0.5}
    known[0] = replace(known[0], best_possible=20.0)
    assert over_all_panels(study_of(known))["a"].value == 0.375
