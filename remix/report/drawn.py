"""The learning curves of a study as they are drawn: the figure and the chart of the page show the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from remix.report.results import Run, StudyResults
from remix.report.statistics import Band, comparable, learning_curve, smoothed

MOST_NUMBERS = 60_000
"""Of all curves and seeds; with about 7 characters each, as much as the figures take."""

_FEWEST_POINTS = 20


@dataclass(frozen=True, eq=False)
class Curve:
    """Of one variant in one panel.

    :ivar runs: that it is of, smoothed.
    :ivar band: their interquartile mean, and its interval at the points of the chart.
    :ivar raw: the mean of the runs as they are, where they were smoothed.
    """

    runs: list[Run]
    band: Band
    raw: Band | None


def most_points(results: StudyResults) -> int:
    """How many points of a curve are in the chart and have an interval, so that a page stays small."""
    curves = (results.of(panel, variant) for panel in results.panels for variant in results.variants)
    lines = sum(len(comparable(runs)) + 4 for runs in curves if runs)
    return max(MOST_NUMBERS // max(lines, 1), _FEWEST_POINTS)


@lru_cache(maxsize=1)
def drawn_curves(results: StudyResults) -> dict[tuple[str, str], Curve]:
    """By panel and variant, those with finished runs."""
    most = most_points(results)
    return {
        (panel, variant): _curve(runs, results.smooth, most)
        for panel in results.panels
        for variant in results.variants
        if (runs := results.of(panel, variant))
    }


def lowest_shown(bands: Sequence[Band], scale: Sequence[Band]) -> float | None:
    """Where axes end above short and very deep dips, which would press everything else flat.

    :param bands: on these axes.
    :param scale: on all axes of the same scale.
    :returns: None if there are no such dips.
    """
    ends = [float(band.value[i]) for band in scale for i in (0, -1)]
    limit = min(ends, default=0.0) - (highest(scale) - min(ends, default=0.0))
    return limit if lowest(bands) < limit else None


def lowest(bands: Sequence[Band]) -> float:
    """Of all values and intervals."""
    return min((float(np.nanmin([band.value, band.low])) for band in bands), default=0.0)


def highest(bands: Sequence[Band]) -> float:
    """Of all values and intervals."""
    return max((float(np.nanmax([band.value, band.high])) for band in bands), default=0.0)


def _curve(runs: list[Run], smooth: int, most: int) -> Curve:
    if smooth == 1:
        return Curve(comparable(runs), learning_curve(runs, most), None)
    means = [smoothed(run, smooth) for run in runs]
    return Curve(comparable(means), learning_curve(means, most), learning_curve(runs, most=1))
