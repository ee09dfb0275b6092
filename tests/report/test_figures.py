"""What the figures show, read back from Matplotlib's objects."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from remix.report import curve_figures, figures
from remix.report.results import StudyResults
from remix.report.style import settings, styles
from tests.report.samples import flat, make_heat_map, make_run, make_study

STYLES = styles(["remix", "qmix", "without_mixing_gradient"])


def lines(axes: Axes, variant: str) -> list[Any]:
    return [line for line in axes.lines if line.get_color() == STYLES[variant].color]


def legend(figure: Figure) -> list[str]:
    return [plain(text.get_text()) for text in figure.legends[0].get_texts()]


def plain(text: str) -> str:
    return text.replace("\xa0", " ")


def texts(figure: Figure) -> list[Text]:
    """All that is written, tick labels within the axes' limits included."""
    found = [text for axes in figure.axes for text in (axes.title, axes.xaxis.label, axes.yaxis.label)]
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        found += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    found += [text for legend in figure.legends for text in legend.get_texts()]
    return [text for text in found if text.get_text() and text.get_visible()]


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that are drawn over each other."""
    boxes = [(text.get_text(), text.get_window_extent().shrunk(0.95, 0.95)) for text in texts(figure)]
    return [(a, b) for i, (a, x) in enumerate(boxes) for b, y in boxes[:i] if x.overlaps(y)]


class TestLearningCurves:
    def test_shows_the_interquartile_mean_and_its_interval(self) -> None:
        figure = curve_figures.learning_curves(make_study())
        first, second = figure.axes
        assert [axes.get_title() for axes in figure.axes] == ["p = 0", "p = -2"]
        [line] = lines(first, "remix")
        assert line.get_xdata().tolist() == [0.0, 100.0, 200.0]
        assert line.get_ydata().tolist() == [0.0, 11.0, 11.0]
        [band] = [
            c
            for c in first.collections
            if c.get_facecolor()[0] == pytest.approx(to_rgba(STYLES["remix"].color, 0.16))
        ]
        assert isinstance(band, PolyCollection)
        assert band.get_paths()[0].get_extents().ymax == 12.0
        assert first.get_ylabel() == "test return" and second.get_ylabel() == ""

    def test_variants_without_finished_runs_are_not_drawn(self) -> None:
        figure = curve_figures.learning_curves(make_study())
        assert len(lines(figure.axes[0], "without_mixing_gradient")) == 1
        assert lines(figure.axes[1], "without_mixing_gradient") == []

    def test_legend_says_how_many_seeds(self) -> None:
        assert legend(curve_figures.learning_curves(make_study())) == [
            "ReMIX (n = 3)",
            "QMIX (n = 2–3)",
            "without mixing gradient (n = 0–2)",
        ]

    def test_smoothed_over_evaluations_with_the_raw_curve_behind(self) -> None:
        runs = tuple(make_run("p", "remix", seed, [0.0, 4.0, 8.0, 4.0]) for seed in (1, 2))
        figure = curve_figures.learning_curves(StudyResults("s", "s", "score", runs, smooth=2))
        raw, smooth = lines(figure.axes[0], "remix")
        assert raw.get_ydata().tolist() == [0.0, 4.0, 8.0, 4.0] and raw.get_linewidth() < 1
        assert smooth.get_ydata().tolist() == [0.0, 2.0, 6.0, 6.0]
        assert figure.axes[0].get_ylabel() == "score\nmean of 2 evaluations"

    def test_panels_of_like_scores_share_their_scale(self) -> None:
        def scales(second: float) -> list[tuple[float, float]]:
            runs = (*flat("p", "remix", [0.0, 10.0]), *flat("q", "remix", [0.0, second]))
            figure = curve_figures.learning_curves(StudyResults("s", "s", "s", runs))
            return [axes.get_ylim() for axes in figure.axes]

        like, unlike = scales(20.0), scales(1000.0)
        assert like[0] == like[1] and unlike[0] != unlike[1]


class TestSampleEfficiency:
    def test_nothing_is_drawn_beyond_the_end_of_a_run(self) -> None:
        runs = [run for panel in ("p", "q") for v in ("remix", "qmix") for run in flat(panel, v, [1.0, 2.0])]
        short = [make_run(panel, "vdn", 1, [0.0, 1.0]) for panel in ("p", "q")]
        [axes] = curve_figures.sample_efficiency(StudyResults("s", "s", "s", (*runs, *short))).axes
        assert [np.asarray(line.get_xdata())[-1] for line in axes.lines] == [200.0, 200.0]

    def test_shares_of_the_best_scores_over_all_panels(self) -> None:
        runs = [*flat("p", "remix", [10.0]), *flat("q", "remix", [4.0]), *flat("p", "qmix", [1.0])]
        known = tuple(replace(run, best_possible=20.0 if run.panel == "p" else 4.0) for run in runs)
        figure = curve_figures.sample_efficiency(StudyResults("s", "s", "s", known))
        [line] = lines(figure.axes[0], "remix")
        assert line.get_xdata().tolist() == [0.0, 100.0, 200.0]
        assert line.get_ydata().tolist() == [0.0, 0.75, 0.75]
        assert lines(figure.axes[0], "qmix") == []  # lacks a panel


class TestFinalScores:
    def test_point_interval_and_seeds(self) -> None:
        axes = figures.final_scores(make_study()).axes[0]
        interval, point = lines(axes, "remix")
        assert list(interval.get_xdata()) == [10.0, 12.0] and list(interval.get_ydata()) == [0, 0]
        assert list(point.get_xdata()) == [11.0] and list(point.get_ydata()) == [0]
        seeds = [np.asarray(line.get_xdata()).tolist() for line in axes.lines if line.get_marker() == "|"]
        assert seeds[0] == [10.0, 11.0, 12.0]
        names = [tick.get_text() for tick in axes.get_yticklabels()]
        assert plain(names[0]) == "ReMIX (n = 3)" and names[2].count("\n") == 1
        assert axes.yaxis.get_inverted()


class TestPerformanceProfiles:
    def test_shares(self) -> None:
        axes = figures.performance_profiles(make_study()).axes[0]
        [line] = lines(axes, "remix")
        thresholds, shares = line.get_xdata(), line.get_ydata()
        assert thresholds[0] < 7.0 and thresholds[-1] > 12.0
        assert shares[thresholds < 10.0].tolist() == [1.0] * int((thresholds < 10.0).sum())
        assert shares[(thresholds > 10.0) & (thresholds < 11.0)] == pytest.approx(2 / 3)
        assert shares[-1] == 0.0


class TestProbabilityOfImprovement:
    def test_reference_against_each_other(self) -> None:
        [axes] = figures.probability_of_improvement(make_study()).axes
        assert [tick.get_text() for tick in axes.get_yticklabels()] == ["QMIX", "without mixing gradient"]
        _, point = lines(axes, "qmix")
        assert point.get_xdata() == [pytest.approx(11 / 12)]
        assert "ReMIX has the higher final test return" in axes.get_xlabel()


def test_all_figures_as_png_and_svg(tmp_path: Path) -> None:
    paths = figures.save_figures(make_study(), tmp_path / "new/figures")
    names = [
        "learning_curves",
        "sample_efficiency",
        "final_scores",
        "performance_profiles",
        "probability_of_improvement",
        "weight_heatmaps",
    ]
    assert [path.name for path in paths] == [f"{name}.{form}" for name in names for form in ("png", "svg")]
    for path in paths[::2]:
        assert Image.open(path).width > 600
    again = figures.save_figures(make_study(), tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


def test_only_figures_that_have_something_to_show(tmp_path: Path) -> None:
    study = StudyResults("s", "s", "score", tuple(flat("p", "remix", [1.0])))
    names = {path.stem for path in figures.save_figures(study, tmp_path)}
    assert names == {"learning_curves", "final_scores", "performance_profiles"}


@pytest.mark.parametrize("panels", [1, 4, 6])
@pytest.mark.parametrize(
    "maker",
    ["learning_curves", "sample_efficiency", "final_scores", "performance_profiles", "weight_heatmaps"],
)
def test_no_text_lies_on_another(maker: str, panels: int) -> None:
    variants = ["remix", "ow_qmix", "cw_qmix", "qmix", "without_bellman_error_and_condition", "iql"]
    long = ", epsilon over 1,000,000 steps" * (panels > 4)
    names = [f"p = -{panel / 2}{long}" for panel in range(panels)]
    runs = [run for name in names for variant in variants for run in flat(name, variant, [30.0, 35.5])]
    maps = tuple(make_heat_map(name, variant) for name in names for variant in variants[2:5])
    study = StudyResults("s", "s", "test return", tuple(runs), maps)
    with settings():
        figure = getattr(figures, maker)(study)
        FigureCanvasAgg(figure).draw()
        assert overlaps(figure) == []
        for text in texts(figure):
            box = text.get_window_extent()
            assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1, text.get_text()
            assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1, text.get_text()


def test_deep_dips_are_cut_and_named():
    dip = np.array([0, 5, -1000, 5, 10, 20, 30, 40, 40, 40.0])
    runs = tuple(make_run("p", "remix", seed, list(dip + seed)) for seed in (1, 2, 3))
    [axes] = curve_figures.learning_curves(StudyResults("dips", "Dips", "test return", runs, ())).axes
    bottom, top = axes.get_ylim()
    assert -60 < bottom < -30 and top > 43
    assert [text.get_text() for text in axes.texts] == ["cut; dips reach -999.0"]


def test_curves_without_deep_dips_are_not_cut():
    for axes in curve_figures.learning_curves(make_study()).axes:
        assert not axes.texts
