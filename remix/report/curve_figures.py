"""Figures over environment steps: learning curves, sample efficiency, and when runs begin to learn."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, PercentFormatter

from remix.report.axes import NARROW, add_legend, draw_band, make_panels, one_scale
from remix.report.drawn import drawn_curves, highest, lowest, lowest_shown, most_points
from remix.report.onset import onset_times
from remix.report.results import StudyResults
from remix.report.statistics import (
    Band,
    common_grid,
    comparable,
    curve_over_tasks,
    on_grid,
)
from remix.report.style import number_format, styles
from remix.report.tables import panel_scales
from remix.report.text import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def learning_curves(results: StudyResults) -> Figure:
    """Interquartile mean of the score over environment steps, a pair of axes per panel.

    Where curves are smoothed, the label says over what, and the raw ones are thin.
    """
    shared, curves = one_scale(results), drawn_curves(results)
    figure, panels = make_panels(results, 2.9, "environment steps", _score(results), share_y=shared)
    every = [curve.band for curve in curves.values()]
    for axes, panel in panels:
        bands = []
        for order, (variant, style) in enumerate(styles(results.variants).items()):
            if (curve := curves.get((panel, variant))) is None:
                continue
            if curve.raw is not None:
                axes.plot(curve.raw.at, curve.raw.value, color=style.color, linewidth=0.6, alpha=0.5)
            draw_band(axes, curve.band, style, order)
            bands.append(curve.band)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.margins(x=0.02)
        _cut_dips(axes, bands, every if shared else bands)
    add_legend(figure, results)
    return figure


def sample_efficiency(results: StudyResults) -> Figure:
    """Interquartile mean of the normalised score over all panels, over environment steps.

    Normalised as in :func:`over_all_panels`. Runs that are not :func:`comparable` with most of their panel
    are left out, and variants that lack a panel without them: beyond its end nothing is known of a run.
    """
    figure = Figure(figsize=(NARROW, 3.2), layout="constrained")
    axes = figure.add_subplot(xlabel="environment steps", ylabel="normalised score, all panels")
    scales = panel_scales(results)
    kept = [comparable(results.of_panel(panel)) for panel in scales]
    grid = common_grid([run for runs in kept for run in runs])
    bands, most = [], most_points(results)
    for order, (variant, style) in enumerate(styles(results.variants).items()):
        tasks = [[run for run in runs if run.variant == variant] for runs in kept]
        if all(tasks):
            scaled = [
                (on_grid(runs, grid) - low) / ((high - low) or inf)
                for runs, (low, high) in zip(tasks, scales.values(), strict=True)
            ]
            bands.append(curve_over_tasks(grid, scaled, most))
            draw_band(axes, bands[-1], style, order)
    _cut_dips(axes, bands, bands)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.margins(x=0.02)
    add_legend(figure, results)
    return figure


def _score(results: StudyResults) -> str:
    """What is on the y axis of learning curves."""
    over = f"\nmean of {results.smooth} evaluations" if results.smooth > 1 else ""
    return shortened(results.score_label) + over


def onset(results: StudyResults) -> Figure:
    """Share of runs that have begun to learn, over environment steps; needs a threshold."""
    assert results.onset is not None
    times = onset_times(results, results.onset)
    figure, panels = make_panels(results, 2.7, "environment steps", "runs that have begun")
    for axes, panel in panels:
        for variant, style in styles(results.variants).items():
            if (found := times.get((panel, variant))) is None:
                continue
            at, shares = found.share_begun()
            axes.step(at, shares, where="post", color=style.color, linestyle=style.dashes)
            axes.plot(found.never, found.share_at(found.never), "|", color=style.color, markersize=6)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylim(-0.04, 1.04)
        axes.margins(x=0.02)
    add_legend(figure, results, diverged=True)
    return figure


def _cut_dips(axes: Axes, bands: Sequence[Band], scale: Sequence[Band]) -> None:
    """End the axis above deep dips (:func:`lowest_shown`), and say so."""
    if (limit := lowest_shown(bands, scale)) is not None:
        dip, top = lowest(bands), highest(scale)
        axes.set_ylim(limit, top + 0.05 * (top - limit))
        axes.text(
            0.98, 0.03, f"cut; dips reach {number_format([dip])(dip)}",
            transform=axes.transAxes, ha="right", color="0.35", fontsize="small",
        )  # fmt: skip
