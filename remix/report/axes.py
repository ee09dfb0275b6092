"""Axes for the panels of a study, and what figures have in common on them."""

from __future__ import annotations

from math import ceil
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from remix.report.results import StudyResults
from remix.report.statistics import Band, spread
from remix.report.style import WIDTH, Style, label, named, seeds, styles, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NARROW = 6.0  # inches, of a single pair of axes
_LETTERS = 11  # of a title per inch
_MARKERS = 8  # per curve
_MOST = 4.0


def one_scale(results: StudyResults) -> bool:
    """Whether panels can be read on the same scale of scores.

    They can unless the final scores of one spread four times as far as those of another.
    """
    every = [[run.final for run in results.of_panel(panel)] for panel in results.panels]
    spreads = [spread(np.array(finals)) for finals in every if finals]
    return max(spreads, default=0.0) <= _MOST * min(filter(None, spreads), default=0.0)


def make_panels(
    results: StudyResults, height: float, x: str, y: str, share_x: bool = False, share_y: bool = False
) -> tuple[Figure, list[tuple[Axes, str]]]:
    """A figure with axes for each panel that has finished runs, in one row up to three, else in several.

    :param height: of a row in inches.
    :param x: label of the lowest axes.
    :param y: label of the leftmost axes.
    :param share_x: one scale on all x axes, and ``share_y`` on all y axes.
    """
    names = [p for p in results.panels if any(results.of(p, variant) for variant in results.variants)]
    columns = len(names) if len(names) <= 3 else 2 if len(names) == 4 else 3
    rows = ceil(len(names) / columns)
    width = NARROW if columns == 1 else WIDTH
    titles = {name: fill(label(name, results.panels), int(_LETTERS * width / columns)) for name in names}
    height += 0.17 * max((title.count("\n") for title in titles.values()), default=0)
    figure = Figure(figsize=(width, rows * height + 0.3), layout="constrained")
    panels: list[tuple[Axes, str]] = []
    for place, name in enumerate(names):
        first = panels[0][0] if place else None
        axes = figure.add_subplot(
            rows, columns, place + 1, sharex=first if share_x else None, sharey=first if share_y else None
        )
        axes.set_title(titles[name])
        if place + columns >= len(names):
            axes.set_xlabel(x)
        if place % columns == 0:
            axes.set_ylabel(y)
        elif share_y:
            axes.tick_params(labelleft=False)
        panels.append((axes, name))
    return figure, panels


def name_rows(axes: Axes, names: list[str]) -> None:
    """Names on the y axis, from above."""
    axes.set_yticks(range(len(names)), [wrapped(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)


def draw_band(axes: Axes, band: Band, style: Style, order: int) -> None:
    """:param order: of the curve among those on the axes, whose markers lie at different places."""
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
    known = ~np.isnan(band.low)
    at, low, high = (values[known] for values in (band.at, band.low, band.high))
    axes.fill_between(at, low, high, color=style.color, alpha=0.16, linewidth=0.0)


def add_legend(figure: Figure, results: StudyResults, diverged: bool = False) -> None:
    """Below the axes, all variants with their numbers of seeds.

    :param diverged: whether runs that diverged are drawn too.
    """
    handles = [
        Line2D([], [], color=style.color, linestyle=style.dashes, marker=style.marker, label=text)
        for variant, style in styles(results.variants).items()
        for text in [f"{named(results, variant)} ({seed_counts(results, variant, diverged)})"]
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


def seed_counts(results: StudyResults, variant: str, diverged: bool = False) -> str:
    """Number of finished runs behind a curve, a range if it differs between panels.

    :param diverged: whether those that diverged count too.
    """
    of = results.with_diverged if diverged else results.of
    counts = {len(of(panel, variant)) for panel in results.panels}
    low, high = min(counts), max(counts)
    return seeds(low) if low == high else f"{seeds(low)}–{high}"
