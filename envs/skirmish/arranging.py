"""Places for groups of units around a point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.terrain import SIZE, Terrain
from remix.envs.skirmish.units import UnitType

Place = tuple[float, ...]
_GAP = 0.05  # map units between neighbours


def around(
    point: Place,
    count: int,
    unit: UnitType,
    terrain: Terrain,
    others: Sequence[tuple[UnitType, Place]],
) -> list[Place]:
    """Places (x, y) of ``count`` units as near to ``point`` as they can stand beside each other.

    :param others: units that are there already, with their places.
    :returns: fewer places if there is no room for more, the nearest first.
    """
    places = _lattice(2 * unit.separation_radius + _GAP) + np.array(point)
    places = places[_is_free(places, unit, terrain)]
    for other, place in others:
        if other.plane == unit.plane:
            apart = np.hypot(*(places - np.array(place)).T)
            places = places[apart >= unit.separation_radius + other.separation_radius]
    return [(x, y) for x, y in places[:count].round(4).tolist()]


def _lattice(step: float) -> NDArray[np.float64]:
    """Points of a triangular lattice within a map's size of the origin, ``[P, 2]``, the nearest first."""
    reach = int(SIZE / step) + 1
    rows, columns = np.mgrid[-2 * reach : 2 * reach + 1, -2 * reach : 2 * reach + 1].reshape(2, -1)
    points = np.stack([columns + rows / 2, rows * np.sqrt(3) / 2], axis=1) * step
    distance = np.hypot(*points.T).round(6)
    near = distance <= 1.5 * SIZE
    order = np.lexsort((points[near, 1], points[near, 0], distance[near]))
    return np.asarray(points[near][order])


def _is_free(places: NDArray[np.float64], unit: UnitType, terrain: Terrain) -> NDArray[np.bool_]:
    """Whether a unit is on its ground with its whole circle, ``[P]``."""
    ground = {"ground": terrain.open, "colossus": terrain.crossable, "air": terrain.flyable}
    free, walled = np.ones(len(places), np.bool_), np.pad(ground[unit.plane], 1)
    for angle in np.arange(8) * np.pi / 4:
        edge = places + unit.separation_radius * np.array([np.cos(angle), np.sin(angle)])
        x, y = np.clip(np.floor(edge).astype(int) + 1, 0, SIZE + 1).T
        free &= walled[x, y]
    return free
