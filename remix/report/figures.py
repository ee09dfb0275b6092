"""The figures of a report. Each function takes results and returns a figure."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from remix.report.axes import NARROW, add_legend, make_panels, name_rows, one_scale, seed_counts
from remix.report.curve_figures import learning_curves, onset, sample_efficiency
from remix.report.heat_maps import weight_heatmaps
from remix.report.results import StudyResults
from remix.report.statistics import (
    Band,
    Estimate,
    interquartile_mean,
    performance_profile,
    spread,
)
from remix.report.style import Style, named, settings, styles
from remix.report.tables import improvements, over_all_panels
from remix.report.text import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = ("png", "svg")
PDF = "pdf"
"""On wish: for papers."""


def performance_profiles(results: StudyResults) -> Figure:
    """Share of runs whose final score is above a threshold, over that threshold."""
    shared = one_scale(results)
    figure, panels = make_panels(
        results, 2.7, f"final {shortened(results.score_label)} τ", "runs with a score > τ", share_x=shared
    )
    for axes, panel in panels:
        finals = {variant: results.finals(panel, variant) for variant in results.variants}
        every = np.concatenate(list(finals.values()))
        margin = 0.05 * (spread(every) or 1.0)
        thresholds = np.linspace(every.min() - margin, every.max() + margin, 201)
        for order, (variant, style) in enumerate(styles(results.variants).items()):
            if len(finals[variant]):
                _draw_profile(axes, performance_profile(finals[variant], thresholds), style, order)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylim(-0.04, 1.04)
        axes.margins(x=0.0)
    add_legend(figure, results)
    return figure


def final_scores(results: StudyResults) -> Figure:
    """Interquartile mean of the final scores with its interval, and the score of each seed."""
    variants = results.variants
    height = 0.8 + 0.36 * len(variants)
    figure, panels = make_panels(
        results,
        height,
        f"final {shortened(results.score_label)}",
        "",
        share_x=one_scale(results),
        share_y=True,
    )
    for axes, panel in panels:
        for row, (variant, style) in enumerate(styles(variants).items()):
            scores = results.finals(panel, variant)
            if len(scores):
                _draw_estimate(axes, interquartile_mean(scores), row, style)
                axes.plot(scores, np.full(len(scores), row + 0.27), "|", color="0.45", markersize=5)
        name_rows(
            axes,
            [f"{named(results, variant)} ({seed_counts(results, variant)})" for variant in variants],
        )
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    return figure


def probability_of_improvement(results: StudyResults) -> Figure:
    """How likely the reference is better than each of the others, over all panels; needs two variants."""
    estimates = improvements(results)
    figure = Figure(figsize=(NARROW, 1.0 + 0.34 * len(estimates)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0.5, color="0.4", linewidth=1.0, linestyle=(0, (4, 3)))
    every = styles(results.variants)
    for row, (variant, estimate) in enumerate(estimates.items()):
        _draw_estimate(axes, estimate, row, every[variant])
    axes.set_xlim(-0.03, 1.03)
    name_rows(axes, [named(results, variant) for variant in estimates])
    score = shortened(results.score_label)
    reference = named(results, results.reference)
    axes.set_xlabel(f"probability that {reference} has the higher final {score}")
    return figure


_FIGURES: tuple[Callable[[StudyResults], Figure], ...] = (
    learning_curves,
    sample_efficiency,
    onset,
    final_scores,
    performance_profiles,
    probability_of_improvement,
    weight_heatmaps,
)

_WITHOUT_TIME: dict[str, dict[str, None]] = {"png": {}, "svg": {"Date": None}, PDF: {"CreationDate": None}}
"""The same figure is the same file."""


def figure_files() -> list[str]:
    """Names of all files that there may be."""
    return [f"{make.__name__}.{form}" for make in _FIGURES for form in (*FORMATS, PDF)]


def save_figures(results: StudyResults, directory: Path, pdf: bool = False) -> list[Path]:
    """Draw all figures that the results allow into ``<directory>/<figure>.png`` and ``.svg``.

    :param pdf: whether they are drawn as PDF too.
    """
    empty = {
        onset.__name__: results.onset is None,
        sample_efficiency.__name__: len(results.panels) < 2 or not over_all_panels(results),
        probability_of_improvement.__name__: not improvements(results),
        weight_heatmaps.__name__: not results.heat_maps,
    }
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    with settings(), warnings.catch_warnings():
        # Characters that no font has are drawn as boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        for make in (make for make in _FIGURES if not empty.get(make.__name__)):
            figure = make(results)
            for form in (*FORMATS, *([PDF] if pdf else [])):
                path = directory / f"{make.__name__}.{form}"
                figure.savefig(path, metadata=_WITHOUT_TIME[form])
                figure.set_layout_engine("none")  # found once, it is that of the other files too
                paths.append(path)
    return paths


def _draw_profile(axes: Axes, profile: Band, style: Style, order: int) -> None:
    """In steps, with markers where the share is neither all nor nothing."""
    between = np.flatnonzero((profile.value > 0.0) & (profile.value < 1.0))
    every = max(1, len(between) // 3)
    [line] = axes.step(profile.at, profile.value, where="post", color=style.color, linestyle=style.dashes)
    line.set(marker=style.marker, markevery=between[order * every // 6 :: every].tolist(), zorder=3)
    axes.fill_between(
        profile.at, profile.low, profile.high, step="post", color=style.color, alpha=0.12, linewidth=0.0
    )


def _draw_estimate(axes: Axes, estimate: Estimate, row: int, style: Style) -> None:
    axes.plot(
        [estimate.low, estimate.high], [row, row], color=style.color, linewidth=2.4, solid_capstyle="butt"
    )
    axes.plot(
        estimate.value,
        row,
        style.marker,
        color=style.color,
        markersize=7.5,
        markeredgecolor="white",
        markeredgewidth=0.5,
    )
