"""The figures of a report. Each function takes results and returns a figure."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator, PercentFormatter

from remix.report.heat_maps import weight_heatmaps
from remix.report.onset import OnsetTimes
from remix.report.results import StudyResults
from remix.report.statistics import (
    Band,
    Estimate,
    interquartile_mean,
    learning_curve,
    performance_profile,
    spread,
)
from remix.report.style import WIDTH, Style, label, number_format, seeds, settings, styles, wrapped
from remix.report.tables import improvements
from remix.report.text import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = ("png", "svg")

_NARROW = 6.0  # inches, of a single pair of axes
_MARKERS = 8  # per curve


def learning_curves(results: StudyResults) -> Figure:
    """Interquartile mean of the score over environment steps, a pair of axes per panel."""
    figure, panels = _panels(results, 2.9, "environment steps", shortened(results.score_label))
    for axes, panel in panels:
        bands = []
        for order, (variant, style) in enumerate(styles(results.variants).items()):
            runs = results.of(panel, variant)
            if runs:
                bands.append(learning_curve(runs))
                _draw_band(axes, bands[-1], style, order)
        _cut_dips(axes, bands)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.margins(x=0.02)
    _legend(figure, results)
    return figure


def performance_profiles(results: StudyResults) -> Figure:
    """Share of runs whose final score is above a threshold, over that threshold."""
    figure, panels = _panels(
        results, 2.7, f"final {shortened(results.score_label)} τ", "runs with a score > τ"
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
    _legend(figure, results)
    return figure


def final_scores(results: StudyResults) -> Figure:
    """Interquartile mean of the final scores with its interval, and the score of each seed."""
    variants = results.variants
    height = 0.8 + 0.36 * len(variants)
    figure, panels = _panels(results, height, f"final {shortened(results.score_label)}", "", share_y=True)
    for axes, panel in panels:
        for row, (variant, style) in enumerate(styles(variants).items()):
            scores = results.finals(panel, variant)
            if len(scores):
                _draw_estimate(axes, interquartile_mean(scores), row, style)
                axes.plot(scores, np.full(len(scores), row + 0.27), "|", color="0.45", markersize=5)
        _rows(
            axes, [f"{label(variant, results.variants)} ({_seeds(results, variant)})" for variant in variants]
        )
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    return figure


def onset(results: StudyResults) -> Figure:
    """Share of runs that have begun to learn, over environment steps; needs a threshold."""
    assert results.onset is not None
    figure, panels = _panels(results, 2.7, "environment steps", "runs that have begun")
    for axes, panel in panels:
        for variant, style in styles(results.variants).items():
            if not (runs := results.of(panel, variant)):
                continue
            times = OnsetTimes.of(runs, results.onset)
            at, shares = times.share_begun()
            axes.step(at, shares, where="post", color=style.color, linestyle=style.dashes)
            ended = np.interp(times.never, at, shares)
            axes.plot(times.never, ended, "|", color=style.color, markersize=6)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylim(-0.04, 1.04)
        axes.margins(x=0.02)
    _legend(figure, results)
    return figure


def probability_of_improvement(results: StudyResults) -> Figure:
    """How likely the reference is better than each of the others, over all panels; needs two variants."""
    estimates = improvements(results)
    figure = Figure(figsize=(_NARROW, 1.0 + 0.34 * len(estimates)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0.5, color="0.4", linewidth=1.0, linestyle=(0, (4, 3)))
    every = styles(results.variants)
    for row, (variant, estimate) in enumerate(estimates.items()):
        _draw_estimate(axes, estimate, row, every[variant])
    axes.set_xlim(-0.03, 1.03)
    _rows(axes, [label(variant, results.variants) for variant in estimates])
    score = shortened(results.score_label)
    reference = label(results.reference, results.variants)
    axes.set_xlabel(f"probability that {reference} has the higher final {score}")
    return figure


_FIGURES: tuple[Callable[[StudyResults], Figure], ...] = (
    learning_curves,
    onset,
    final_scores,
    performance_profiles,
    probability_of_improvement,
    weight_heatmaps,
)


def figure_files() -> list[str]:
    """Names of all files that there may be."""
    return [f"{make.__name__}.{form}" for make in _FIGURES for form in FORMATS]


def save_figures(results: StudyResults, directory: Path) -> list[Path]:
    """Draw all figures that the results allow into ``<directory>/<figure>.png`` and ``.svg``."""
    empty = {
        onset.__name__: results.onset is None,
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
            for form in FORMATS:
                path = directory / f"{make.__name__}.{form}"
                figure.savefig(path, metadata={"Date": None} if form == "svg" else None)
                paths.append(path)
    return paths


def _panels(
    results: StudyResults, height: float, x: str, y: str, share_y: bool = False
) -> tuple[Figure, list[tuple[Axes, str]]]:
    """A figure with axes for each panel that has finished runs, in one row up to three, else in several.

    :param height: of a row in inches.
    :param x: label of the lowest axes.
    :param y: label of the leftmost axes.
    """
    names = [p for p in results.panels if any(results.of(p, variant) for variant in results.variants)]
    columns = len(names) if len(names) <= 3 else 2 if len(names) == 4 else 3
    rows = ceil(len(names) / columns)
    width = _NARROW if columns == 1 else WIDTH
    figure = Figure(figsize=(width, rows * height + 0.3), layout="constrained")
    panels: list[tuple[Axes, str]] = []
    for place, name in enumerate(names):
        axes = figure.add_subplot(
            rows, columns, place + 1, sharey=panels[0][0] if share_y and place else None
        )
        axes.set_title(label(name, results.panels))
        if place + columns >= len(names):
            axes.set_xlabel(x)
        if place % columns == 0:
            axes.set_ylabel(y)
        elif share_y:
            axes.tick_params(labelleft=False)
        panels.append((axes, name))
    return figure, panels


def _rows(axes: Axes, names: list[str]) -> None:
    """Names on the y axis, from above."""
    axes.set_yticks(range(len(names)), [wrapped(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)


def _draw_band(axes: Axes, band: Band, style: Style, order: int) -> None:
    every = max(1, len(band.at) // _MARKERS)
    axes.plot(
        band.at,
        band.value,
        color=style.color,
        linestyle=style.dashes,
        marker=style.marker,
        markevery=(order * every // 6 % every, every),  # of other curves at other places
        zorder=3,
    )
    axes.fill_between(band.at, band.low, band.high, color=style.color, alpha=0.16, linewidth=0.0)


def _cut_dips(axes: Axes, bands: list[Band]) -> None:
    """End the axis above short and very deep dips, which would press everything else flat, and say so."""
    ends = [band.value[i] for band in bands for i in (0, -1)]
    lowest = min((np.nanmin([band.value, band.low]) for band in bands), default=0.0)
    highest = max((np.nanmax([band.value, band.high]) for band in bands), default=0.0)
    limit = min(ends, default=0.0) - (highest - min(ends, default=0.0))
    if lowest < limit:
        axes.set_ylim(limit, highest + 0.05 * (highest - limit))
        axes.text(
            0.98, 0.03, f"cut; dips reach {number_format([lowest])(float(lowest))}",
            transform=axes.transAxes, ha="right", color="0.35", fontsize="small",
        )  # fmt: skip


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


def _legend(figure: Figure, results: StudyResults) -> None:
    handles = [
        Line2D([], [], color=style.color, linestyle=style.dashes, marker=style.marker, label=text)
        for variant, style in styles(results.variants).items()
        for text in [f"{label(variant, results.variants)} ({_seeds(results, variant)})"]
    ]
    # As many columns as fit at 14 characters per inch, all about equally long.
    longest = max(len(str(handle.get_label())) for handle in handles)
    most = max(1, min(len(handles), int(14 * figure.get_figwidth()) // (longest + 9)))
    rows = ceil(len(handles) / most)
    figure.set_figheight(figure.get_figheight() + 0.2 * rows)
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=ceil(len(handles) / rows),
        handlelength=3.0,
        columnspacing=1.5,
    )


def _seeds(results: StudyResults, variant: str) -> str:
    """Number of finished runs behind a curve, a range if it differs between panels."""
    counts = {len(results.of(panel, variant)) for panel in results.panels}
    low, high = min(counts), max(counts)
    return seeds(low) if low == high else f"{seeds(low)}–{high}"
