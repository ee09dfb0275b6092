"""The picture of one table of weights: colours, and where a warm-up ends."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import QuadMesh

from remix.report.results import HeatMap
from remix.report.weight_map import weight_map


def heat(counts: list[list[int]], warmup_steps: int = 0) -> HeatMap:
    """Two bins, and periods of 100 steps."""
    steps = np.arange(len(counts) + 1, dtype=np.float64) * 100
    return HeatMap("", "", 1, np.array(counts), steps, np.array([0.1, 0.55, 1.0]), warmup_steps)


def words(figure: Any) -> str:
    """All that is written on the axes of the map."""
    axes = figure.axes[0]
    return "\n".join([axes.get_title(), *(text.get_text() for text in axes.texts)])


def test_colours_go_from_light_yellow_to_black() -> None:
    figure = weight_map(heat([[100_000, 0], [0, 0]]))
    [mesh] = figure.axes[0].collections
    figure.draw_without_rendering()
    assert isinstance(mesh, QuadMesh)
    certain, never = np.asarray(mesh.get_facecolor())[:2, :3]
    assert certain[:2] == pytest.approx(1.0, abs=0.05)
    assert certain[2] < 0.8
    assert never == pytest.approx(0.0, abs=0.05)
    values: Any = mesh.get_array()
    assert values.mask.tolist() == [[False, False], [True, True]]


def test_the_end_of_a_warm_up_is_marked() -> None:
    counts = heat([[1, 1], [1, 1]], warmup_steps=120)
    figure = weight_map(counts, "remix", "optimistic")
    assert words(figure) == "remix\noptimistic weights for the first 120 steps\nwarm-up ends "
    (line,) = figure.axes[0].lines
    assert line.get_ydata() == [120, 120]
    throughout = weight_map(replace(counts, warmup_steps=300), "remix", "optimistic")
    assert words(throughout) == "remix\noptimistic weights for the first 300 steps"
    assert not throughout.axes[0].lines
    assert words(weight_map(heat([[1, 1], [1, 1]]), "remix")) == "remix"
