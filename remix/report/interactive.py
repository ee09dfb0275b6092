"""What a browser needs to draw the learning curves of a study, for ``assets/curves.js``.

It draws with uPlot (https://github.com/leeoniya/uPlot, MIT), which lies in ``assets``: 50 kB in every page,
and no package to install. Bokeh puts 1.3 MB into a page, Plotly 4.6 MB; Vega-Lite takes a package of 34 MB.
"""

from __future__ import annotations

import json
from math import floor, log10
from typing import Any

from remix.report.axes import one_scale, seed_counts
from remix.report.drawn import Curve, drawn_curves, lowest, lowest_shown, most_points
from remix.report.results import Floats, StudyResults
from remix.report.statistics import on_grid, places
from remix.report.style import Style, label, named, number_format, styles
from remix.report.text import shortened

_LINE_WIDTH = 2.0  # pixels, to which dashes are relative
_STEP_DIGITS = 4  # of the length of a curve, beyond the first one; more than there are pixels


def curves(results: StudyResults) -> str:
    """JSON: the axes' names, the methods with their looks, and for each panel its curves with all seeds.

    Long curves are thinned out, so that a page stays small: every k-th point is taken, and the last one.
    """
    drawn, looks = drawn_curves(results), styles(results.variants)
    panels = [panel for panel in results.panels if any((panel, variant) in drawn for variant in looks)]
    points = most_points(results)
    shared, every = one_scale(results), [curve.band for curve in drawn.values()]
    content: dict[str, Any] = {
        "x": "environment steps",
        "y": shortened(results.score_label),
        "shared": shared,
        "methods": [_method(results, variant, style) for variant, style in looks.items()],
        "panels": [],
    }
    for panel in panels:
        here = {place: drawn[panel, v] for place, v in enumerate(looks) if (panel, v) in drawn}
        bands = [curve.band for curve in here.values()]
        title = label(panel, results.panels) if len(panels) > 1 else ""
        lines_here = [{"method": place, **_points(curve, points)} for place, curve in here.items()]
        limit, dip = lowest_shown(bands, every if shared else bands), lowest(bands)
        note = "" if limit is None else f"cut; dips reach {number_format([dip])(dip)}"
        content["panels"].append({"title": title, "note": note, "lowest": limit, "curves": lines_here})
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def _method(results: StudyResults, variant: str, style: Style) -> dict[str, Any]:
    dashes = [] if style.dashes == "-" else [length * _LINE_WIDTH for length in style.dashes[1]]
    return {
        "name": named(results, variant),
        "seeds": seed_counts(results, variant),
        "color": style.color,
        "dash": dashes,
    }


def _points(curve: Curve, most: int) -> dict[str, Any]:
    """Steps and scores ``[P]``, at most so many; without an interval if there is none."""
    band = curve.band
    chosen = places(len(band.at), most)
    interval = {"low": _short(band.low[chosen]), "high": _short(band.high[chosen])}
    return {
        "steps": _rounded(band.at[chosen]),
        "mean": _short(band.value[chosen]),
        **(interval if band.n > 1 else {}),
        "seeds": {
            str(run.seed): _short(scores[chosen])
            for run, scores in zip(curve.runs, on_grid(curve.runs, band.at), strict=True)
        },
    }


def _rounded(steps: Floats) -> list[float | int]:
    """Environment steps ``[P]``, increasing, to whole numbers, or finer where the curve is a short one.

    A file from elsewhere may count them in thousands or millions.
    """
    length = float(steps[-1] - steps[0]) or float(steps[-1]) or 1.0
    digits = max(_STEP_DIGITS - floor(log10(length)), 0)
    return [_whole(round(step, digits)) for step in steps.tolist()]


def _short(values: Floats) -> list[float | int]:
    """Five digits of each number, which is more than the page shows."""
    return [_whole(float(f"{value:.5g}")) for value in values.tolist()]


def _whole(value: float) -> float | int:
    return int(value) if value.is_integer() else value
