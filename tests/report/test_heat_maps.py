"""Heat maps of several variants side by side."""

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from remix.report.heat_maps import weight_heatmaps
from remix.report.results import StudyResults
from tests.report.samples import flat, make_heat_map, make_study


def titles(figure: Figure) -> dict[str, Axes]:
    return {axes.get_title().replace("\xa0", " "): axes for axes in figure.axes if axes.get_title()}


def test_one_map_per_panel_and_variant_on_one_scale() -> None:
    figure = weight_heatmaps(make_study())
    assert list(titles(figure)) == ["ReMIX, p = 0 (n = 3)", "ReMIX, p = -2 (n = 2)"]
    for axes in titles(figure).values():
        [mesh] = axes.collections
        assert isinstance(mesh, QuadMesh)
        assert mesh.get_clim() == (-10.0, 0.0)
        values: Any = mesh.get_array()
        assert values[0].tolist() == pytest.approx([-10.0, np.log(1 / 3), np.log(2 / 3)])
        assert values.mask[1].all()


def test_ticks_are_at_the_ends_of_the_ranges() -> None:
    figure = weight_heatmaps(make_study())
    for axes in titles(figure).values():
        across, down = axes.get_xticks(), axes.get_yticks()
        assert (across[0], across[-1]) == pytest.approx((0.1, 1.0)) and len(across) > 2
        assert (down[0], down[-1]) == (0.0, 200.0)


def test_a_missing_map_leaves_its_place_empty() -> None:
    runs = [run for panel in "ab" for variant in ("remix", "qmix") for run in flat(panel, variant, [1.0])]
    maps = (make_heat_map("a", "remix"), make_heat_map("b", "remix"), make_heat_map("b", "qmix"))
    figure = weight_heatmaps(StudyResults("s", "s", "score", tuple(runs), maps))
    titled = {title: axes.get_subplotspec() for title, axes in titles(figure).items()}
    places = {title: spec.num1 for title, spec in titled.items() if spec is not None}
    assert places == {"ReMIX, a (n = 1)": 0, "ReMIX, b (n = 1)": 2, "QMIX, b (n = 1)": 3}


@pytest.mark.parametrize(("periods", "labelled"), [(2, False), (3, True)])
def test_steps_are_labelled_once_if_they_are_the_same(periods: int, labelled: bool) -> None:
    runs = [run for variant in ("remix", "qmix") for run in flat("p", variant, [1.0])]
    maps = (make_heat_map("p", "remix", periods=2), make_heat_map("p", "qmix", periods=periods))
    figure = weight_heatmaps(StudyResults("s", "s", "score", tuple(runs), maps))
    left, right = titles(figure).values()
    assert left.yaxis.get_tick_params()["labelleft"]
    assert right.yaxis.get_tick_params()["labelleft"] is labelled
