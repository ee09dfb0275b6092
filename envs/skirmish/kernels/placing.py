"""Compiled placement of units at points: each goes to the nearest place that is free."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.common import AIR
from remix.envs.skirmish.kernels.compiler import inlined, lean

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_RING = 0.25  # between the rings of places tried, and between the places of a ring
_FEWEST = 8  # places of a ring
_ROUNDING = 1e-3  # places are rounded to 4 decimals, so that those who touch may overlap by that
_TOUCH = 1e-9


class Floor(NamedTuple):
    """Where K types of units can stand: their ``plane`` and ``separation [K]``; ``passable [plane, X, Y]``;
    ``bounds [K, 4]``, lowest and highest x and y of their centres.
    """

    plane: Integers
    separation: Floats
    passable: NDArray[np.bool_]
    bounds: Floats


class Placed(NamedTuple):
    """Working memory ``[K]`` for units that go to one point: the ring where the last of a type stands."""

    ring: Integers


@lean
def place(floor: Floor, kind: Integers, x: Floats, y: Floats, placed: Placed) -> int:
    """Move units from the points ``x``, ``y [U]`` to places where they fit, one after the other.

    A unit tries its point, moved into the bounds, and then rings of places around it, each from the east
    on counter-clockwise.

    :param kind: types ``[U]``.
    :returns: how many found a place; the others stay at their points.
    """
    found, last_x, last_y = 0, np.inf, np.inf
    for i in range(kind.size):
        if x[i] != last_x or y[i] != last_y:
            placed.ring[:] = 0
        last_x, last_y = x[i], y[i]
        found += _settle(floor, kind, x, y, i, placed)
    return found


@inlined
def _settle(floor: Floor, kind: Integers, x: Floats, y: Floats, i: int, placed: Placed) -> bool:
    """Move unit i to the nearest free place; returns whether there is one."""
    mine = kind[i]
    bounds = floor.bounds[mine]
    centre_x = min(max(x[i], bounds[0]), bounds[1])
    centre_y = min(max(y[i], bounds[2]), bounds[3])
    n_rings = int(np.ceil((floor.passable.shape[1] + floor.passable.shape[2]) / _RING))
    # Nothing inside the ring of the last unit of this type at this point has become free.
    for ring in range(placed.ring[mine], n_rings):
        radius = _RING * ring
        n = max(_FEWEST, int(np.ceil(2 * np.pi * radius / _RING))) if ring > 0 else 1
        for k in range(n):
            at_x = np.rint((centre_x + radius * np.cos(2 * np.pi * k / n)) * 1e4) / 1e4
            at_y = np.rint((centre_y + radius * np.sin(2 * np.pi * k / n)) * 1e4) / 1e4
            if _is_free(floor, kind, x, y, i, at_x, at_y):
                x[i], y[i] = at_x, at_y
                placed.ring[mine] = ring
                return True
    placed.ring[mine] = n_rings
    return False


@inlined
def _is_free(floor: Floor, kind: Integers, x: Floats, y: Floats, i: int, at_x: float, at_y: float) -> bool:
    """Whether unit i fits at a place beside the units before it."""
    mine = kind[i]
    bounds, plane, separation = floor.bounds[mine], floor.plane[mine], floor.separation[mine]
    if not (bounds[0] <= at_x <= bounds[1] and bounds[2] <= at_y <= bounds[3]):
        return False
    for j in range(i):
        if floor.plane[kind[j]] == plane:
            dx, dy, limit = x[j] - at_x, y[j] - at_y, separation + floor.separation[kind[j]] - _ROUNDING
            if dx * dx + dy * dy < limit * limit:
                return False
    return plane == AIR or _is_open(floor.passable[plane], at_x, at_y, separation)


@inlined
def _is_open(cells: NDArray[np.bool_], x: float, y: float, radius: float) -> bool:
    """Whether a circle touches open cells only."""
    for column in range(int(x - radius), int(x + radius) + 1):
        for row in range(int(y - radius), int(y + radius) + 1):
            dx = max(column - x, x - (column + 1), 0.0)
            dy = max(row - y, y - (row + 1), 0.0)
            if dx * dx + dy * dy < radius * radius - _TOUCH and not cells[column, row]:
                return False
    return True
