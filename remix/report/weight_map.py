"""How often each projection weight occurred, and when: the table of a run, and its picture. Free of torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from remix.report.csv_tables import write_table
from remix.report.results import Floats, HeatMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure

LOWEST_LOG_PROBABILITY = -10.0  # of the colour scale, as in the paper's Figure 3

COLUMNS = ("env_steps_from", "env_steps_to", "weight_from", "weight_to", "count")
WARMUP_COLUMN = "warmup_steps"
"""The same in every line; missing in tables of before 0.2."""


def write_weights(heat: HeatMap, path: Path) -> None:
    """The heat map of one run, one line per period and bin."""
    write_table(path, (*COLUMNS, WARMUP_COLUMN), lines(heat))


def lines(heat: HeatMap) -> list[list[object]]:
    """The cells of every period and bin, bins within periods."""
    steps = [f"{step:.15g}" for step in heat.env_steps]
    weights = [f"{weight:.6g}" for weight in heat.weights]
    return [
        [*steps[period : period + 2], *weights[bin_ : bin_ + 2], count, heat.warmup_steps]
        for period, counts in enumerate(heat.counts.tolist())
        for bin_, count in enumerate(counts)
    ]


def weight_map(heat: HeatMap, title: str = "", warmup_weights: str = "") -> Figure:
    """A figure of :func:`draw_weights` with its colour scale and the name of the weights of the warm-up.

    :param warmup_weights: name of the weighting of the warm-up.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 4.5), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    mesh = draw_weights(axes, heat)
    axes.set_xlabel("normalised weight")
    axes.set_ylabel("environment steps")
    if heat.warmup_steps:
        title += f"\n{warmup_weights} weights for the first {heat.warmup_steps:,} steps"
    axes.set_title(title, parse_math=False)
    figure.colorbar(mesh, ax=axes, label="log probability")
    return figure


def draw_weights(axes: Axes, heat: HeatMap) -> QuadMesh:
    """Natural logarithm of the share of each weight bin in its period; periods without counts stay grey.

    Training goes downwards, as in the paper's figure; a line shows where a warm-up ends.

    :returns: what a colour bar belongs to.
    """
    from matplotlib.ticker import EngFormatter, StrMethodFormatter

    axes.set_facecolor("0.85")
    mesh = axes.pcolormesh(
        heat.weights,
        heat.env_steps,
        _log_probabilities(heat),
        cmap="inferno",
        vmin=LOWEST_LOG_PROBABILITY,
        vmax=0.0,
        rasterized=True,  # thousands of rectangles would make a vector graphic slow
    )
    if 0 < heat.warmup_steps < heat.env_steps[-1]:
        axes.axhline(heat.warmup_steps, color="white", linestyle="--", linewidth=1.0)
        axes.text(
            1.0, heat.warmup_steps, "warm-up ends ", transform=axes.get_yaxis_transform(),
            color="white", ha="right", va="bottom", fontsize="small",
        )  # fmt: skip
    axes.set_xticks(_ticks(heat.weights[0], heat.weights[-1]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.3g}"))
    axes.set_yticks(_ticks(heat.env_steps[0], heat.env_steps[-1]))
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    axes.invert_yaxis()
    return mesh


def _ticks(low: float, high: float) -> list[float]:
    """Both ends of a range, and round numbers between them that leave the ends room."""
    from matplotlib.ticker import MaxNLocator

    room = 0.15 * (high - low)
    between = [at for at in MaxNLocator(4).tick_values(low, high) if low + room < at < high - room]
    return [low, *between, high]


def _log_probabilities(heat: HeatMap) -> np.ma.MaskedArray[tuple[int, ...], np.dtype[np.float64]]:
    totals = heat.counts.sum(axis=1, keepdims=True)
    shares: Floats = heat.counts / np.maximum(totals, 1)
    logs = np.log(np.maximum(shares, np.exp(LOWEST_LOG_PROBABILITY)))
    return np.ma.masked_array(logs, np.broadcast_to(totals == 0, logs.shape))
