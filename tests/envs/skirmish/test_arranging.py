"""Places around a point."""

import numpy as np
import pytest

from remix.envs.skirmish.arranging import around
from remix.envs.skirmish.maps import load_map
from remix.envs.skirmish.units import load_units

UNITS = load_units("liberty")
OCTAGON = load_map("so_many_baneling").terrain
ROOM = 0.001  # places are rounded


@pytest.mark.parametrize("name", ["zergling", "stalker", "colossus", "medivac"])
def test_a_group_stands_close_on_its_ground_and_nobody_on_anybody(name):
    unit, point = UNITS[name], (16.3, 15.2)
    places = np.array(around(point, 20, unit, OCTAGON, []))
    apart = np.hypot(*(places[:, None] - places).transpose(2, 0, 1))
    assert apart[~np.eye(20, dtype=bool)].min() > 2 * unit.separation_radius - ROOM
    assert np.hypot(*(places - point).T).max() < 6 * unit.separation_radius
    assert places[0].tolist() == list(point)
    if unit.plane != "air":
        assert OCTAGON.open[tuple(places.astype(int).T)].all()


def test_it_makes_way_for_those_of_its_plane_who_are_there():
    marine, medivac = UNITS["marine"], UNITS["medivac"]
    there = [(marine, (16.0, 16.0)), (marine, (17.0, 16.0))]
    for x, y in around((16.0, 16.0), 12, marine, OCTAGON, there):
        assert min(np.hypot(x - a, y - b) for _, (a, b) in there) > 2 * marine.separation_radius - ROOM
    assert around((16.0, 16.0), 1, medivac, OCTAGON, there) == [(16.0, 16.0)]


def test_where_there_is_no_room_there_are_fewer():
    stalker = UNITS["stalker"]
    places = around((16.0, 16.0), 10_000, stalker, OCTAGON, [])
    assert 100 < len(places) < OCTAGON.open.sum()
    edges = np.array([[np.cos(angle), np.sin(angle)] for angle in np.linspace(0, 6, 9)])
    for place in places:
        x, y = np.floor(place + 0.9 * stalker.separation_radius * edges).astype(int).T
        assert OCTAGON.open[x, y].all(), "with all of its circle"
    outside = around((0.5, 0.5), 3, stalker, OCTAGON, [])
    assert len(outside) == 3, "the nearest open ground"
