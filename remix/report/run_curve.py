"""The learning curve of one run, as a picture in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from remix.records.directory import LEARNING_CURVE
from remix.report.episodes import read_episodes
from remix.report.folder import curve
from remix.report.text import shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GREEDY, _EXPLORING, _BEST = "#0072B2", "0.6", "#009E73"


def draw_run(directory: Path, output: Path, title: str = "", best_return: float | None = None) -> Path | None:
    """Write ``<output>/learning_curve.png`` out of a run's journal.

    :param best_return: the highest that an episode can have, if known.
    :returns: the file; None if there is no evaluation yet.
    """
    from remix.report.style import settings

    with settings():
        if (figure := run_curve(directory, title, best_return)) is None:
            return None
        figure.savefig(output / LEARNING_CURVE)
    return output / LEARNING_CURVE


def run_curve(directory: Path, title: str = "", best_return: float | None = None) -> Figure | None:
    """Mean return of every evaluation over environment steps, with the quartiles of its episodes.

    Behind it the return of the episodes that were learned from; above it the best one that there can be.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    env_steps, returns = curve(directory, "test/return")
    if not np.isfinite(returns).any():
        return None
    figure = Figure(figsize=(6.0, 3.2), layout="constrained")
    axes = figure.add_subplot(xlabel="environment steps", ylabel="return", title=shortened(title))
    explored = curve(directory, "train/return")
    axes.plot(*explored, color=_EXPLORING, linewidth=0.8, label="while exploring")
    evaluations = read_episodes(directory, "test/return").evaluations
    if at := sorted(evaluations):
        low, high = np.array([np.quantile(evaluations[step], (0.25, 0.75)) for step in at]).T
        axes.fill_between(
            at, low, high, color=_GREEDY, alpha=0.16, linewidth=0.0, label="middle half of its episodes"
        )
    axes.plot(env_steps, returns, color=_GREEDY, marker="o", markersize=3, label="mean of an evaluation")
    if best_return is not None:
        axes.axhline(best_return, color=_BEST, linestyle=(0, (4, 3)), linewidth=1.0, label="best possible")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    figure.legend(loc="outside lower center", ncols=4, fontsize="small")
    return figure
