"""Figures over environment steps: learning curves, sample efficiency, and when runs begin to learn."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, PercentFormatter

from remix.report.axes import NARROW, add_legend, draw_band, make_panels, one_scale
from remix.report.onset import OnsetTimes
from remix.report.results import StudyResults
from remix.report.statistics import (
    Band,
    common_grid,
    comparable,
    curve_over_tasks,
    learning_curve,
    on_grid,
    smoothed,
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
    shared = one_scale(results)
    figure, panels = make_panels(results, 2.9, "environment steps", _score(results), share_y=shared)
    drawn: list[list[Band]] = []
    for axes, panel in panels:
        drawn.append([])
        for order, (variant, style) in enumerate(styles(results.variants).items()):
            if not (runs := results.of(panel, variant)):
                continue
            if results.smooth > 1:
                raw = learning_curve(runs)
                axes.plot(raw.at, raw.value, color=style.color, linewidth=0.6, alpha=0.5)
            drawn[-1].append(learning_curve([smoothed(run, results.smooth) for run in runs]))
            draw_band(axes, drawn[-1][-1], style, order)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.margins(x=0.02)
    for (axes, _), bands in zip(panels, drawn, strict=True):
        _cut_dips(axes, bands, [band for every in drawn for band in every] if shared else bands)
    add_legend(figure, results)
    return figure


def sample_efficiency(results: StudyResults) -> Figure:
    """Interquartile mean of the normalised score over all panels, over environment steps.

    Normalised as in :func:`over_all_panels`; variants that lack a panel are left out.
    """
    figure = Figure(figsize=(NARROW, 3.2), layout="constrained")
    axes = figure.add_subplot(xlabel="environment steps", ylabel="normalised score, all panels")
    scales = panel_scales(results)
    grid = common_grid([run for panel in scales for run in comparable(results.of_panel(panel))])
    bands = []
    for order, (variant, style) in enumerate(styles(results.variants).items()):
        tasks = [comparable(results.of(panel, variant)) for panel in scales]
        if all(tasks):
            scaled = [
                (on_grid(runs, grid) - low) / ((high - low) or inf)
                for runs, (low, high) in zip(tasks, scales.values(), strict=True)
            ]
            bands.append(curve_over_tasks(grid, scaled))
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
    figure, panels = make_panels(results, 2.7, "environment steps", "runs that have begun")
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
    add_legend(figure, results)
    return figure


def _cut_dips(axes: Axes, bands: Sequence[Band], scale: Sequence[Band]) -> None:
    """End the axis above short and very deep dips, which would press everything else flat, and say so.

    :param bands: on these axes.
    :param scale: on all axes of the same scale.
    """
    ends = [band.value[i] for band in scale for i in (0, -1)]
    lowest = min((np.nanmin([band.value, band.low]) for band in bands), default=0.0)
    highest = max((np.nanmax([band.value, band.high]) for band in scale), default=0.0)
    limit = min(ends, default=0.0) - (highest - min(ends, default=0.0))
    if lowest < limit:
        axes.set_ylim(limit, highest + 0.05 * (highest - limit))
        axes.text(
            0.98, 0.03, f"cut; dips reach {number_format([lowest])(float(lowest))}",
            transform=axes.transAxes, ha="right", color="0.35", fontsize="small",
        )  # fmt: skip
