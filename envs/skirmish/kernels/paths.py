"""Compiled path finding on the ground of a map, a grid of cells of one map unit.

Cell (i, j) covers the points with i <= x < i + 1 and j <= y < j + 1. Cells are numbered
``i * height + j``. Steps go to the eight neighbours, diagonally only past two open cells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.compiler import compiled, lean

SAMPLING = 0.25  # a straight line is tested at points that are this many map units apart
LOOK_AHEAD = 4  # a unit heads at most for the cell that is so many cells ahead on its path
_NONE = -1
_ROUNDING = 1e-9  # smaller differences of lengths do not count
_STEPS = np.array([(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)], np.int64)


class Ground(NamedTuple):
    """Where ground units can go, on a grid of X x Y = C cells.

    ``open [X, Y]`` marks the cells that they can enter. ``margin [X, Y]`` is the least distance from a point
    of the cell to a closed cell or to the edge of the map, in map units. ``next_cell [C, C]`` is the cell
    that follows on the shortest path from one cell to another, -1 if there is no path. ``convex`` says that
    a straight line between two open points never leaves the open cells.
    """

    open: NDArray[np.bool_]
    margin: NDArray[np.float64]
    next_cell: NDArray[np.int16]
    convex: bool


@lean
def is_open(ground: Ground, x: float, y: float) -> bool:
    """Whether the point (x, y) lies in an open cell of the map."""
    if x < 0.0 or y < 0.0:
        return False
    i, j = int(x), int(y)
    return i < ground.open.shape[0] and j < ground.open.shape[1] and bool(ground.open[i, j])


@lean
def straight(ground: Ground, x: float, y: float, goal_x: float, goal_y: float, radius: float) -> bool:
    """Whether a circle of ``radius`` can move straight from (x, y) to the goal.

    It is tested at points 0.25 map units apart, and beside them at a distance of ``radius``. Points that
    are further than that from all closed cells need no test.
    """
    dx, dy = goal_x - x, goal_y - y
    length = np.sqrt(dx * dx + dy * dy)
    if length < 1e-9:
        return is_open(ground, x, y)
    dx, dy = dx / length, dy / length
    side_x, side_y = -dy * radius, dx * radius
    travelled = 0.0
    while True:
        px, py = x + dx * travelled, y + dy * travelled
        if not is_open(ground, px, py):
            return False
        spare = ground.margin[int(px), int(py)] - radius
        if spare <= 0.0 and not (
            is_open(ground, px + side_x, py + side_y) and is_open(ground, px - side_x, py - side_y)
        ):
            return False
        if travelled >= length:
            return True
        travelled = min(length, travelled + SAMPLING * max(1, int(spare / SAMPLING)))


@lean
def waypoint(
    ground: Ground, x: float, y: float, goal_x: float, goal_y: float, radius: float
) -> tuple[float, float]:
    """The point (x, y) to head for on the way from a place to a goal.

    It is the goal itself if the straight way is free, or if there is no path. Otherwise it is the centre of
    the furthest cell ahead on the shortest path to which the straight way is free.
    """
    if ground.convex or straight(ground, x, y, goal_x, goal_y, radius):
        return goal_x, goal_y
    if not (is_open(ground, x, y) and is_open(ground, goal_x, goal_y)):
        return goal_x, goal_y
    height = ground.open.shape[1]
    cell, goal = int(x) * height + int(y), int(goal_x) * height + int(goal_y)
    chosen = int(ground.next_cell[cell, goal])
    if chosen in (_NONE, goal):
        return goal_x, goal_y
    for _ in range(LOOK_AHEAD - 1):
        following = int(ground.next_cell[chosen, goal])
        if not straight(ground, x, y, following // height + 0.5, following % height + 0.5, radius):
            break
        chosen = following
    return chosen // height + 0.5, chosen % height + 0.5


@compiled
def _connect(free: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The cell to which each of the eight steps leads, ``[C, 8]``, -1 if blocked; and the lengths ``[8]``."""
    width, height = free.shape
    neighbours = np.full((width * height, len(_STEPS)), _NONE)
    for cell in range(width * height):
        i, j = divmod(cell, height)
        for k in range(len(_STEPS)):
            u, v = i + _STEPS[k, 0], j + _STEPS[k, 1]
            if 0 <= u < width and 0 <= v < height and free[i, j] and free[u, v] and free[i, v] and free[u, j]:
                neighbours[cell, k] = u * height + v
    return neighbours, np.sqrt((_STEPS**2).sum(1).astype(np.float64))


@lean
def _relax(
    neighbours: NDArray[np.int64], lengths: NDArray[np.float64], distance: NDArray[np.float64], cell: int
) -> bool:
    """Shorten the distance of a cell through its neighbours.

    :returns: whether the distance has changed.
    """
    best = distance[cell]
    for k in range(lengths.size):
        if neighbours[cell, k] != _NONE:
            best = min(best, distance[neighbours[cell, k]] + lengths[k])
    changed = best < distance[cell] - _ROUNDING
    if changed:
        distance[cell] = best
    return changed


@lean
def _measure(
    neighbours: NDArray[np.int64], lengths: NDArray[np.float64], distance: NDArray[np.float64], goal: int
) -> None:
    """The lengths ``[C]`` of the shortest paths from all cells to the goal, infinite without a path.

    It sweeps over the grid, forwards and backwards in turn, until nothing changes.
    """
    distance[:] = np.inf
    distance[goal] = 0.0
    changed, forwards = True, False
    while changed:
        changed, forwards = False, not forwards
        for k in range(distance.size):
            if _relax(neighbours, lengths, distance, k if forwards else distance.size - 1 - k):
                changed = True


@lean
def _follow(
    neighbours: NDArray[np.int64],
    lengths: NDArray[np.float64],
    distance: NDArray[np.float64],
    height: int,
    cell: int,
    goal: int,
) -> int:
    """The neighbour of a cell on a shortest path to the goal; of several the one nearest to the goal."""
    chosen, least, least_air = _NONE, np.inf, np.inf
    for k in range(lengths.size):
        neighbour = neighbours[cell, k]
        if neighbour != _NONE:
            length = distance[neighbour] + lengths[k]
            air = np.hypot(neighbour // height - goal // height, neighbour % height - goal % height)
            if length < least - _ROUNDING or (length < least + _ROUNDING and air < least_air):
                chosen, least, least_air = neighbour, length, air
    return chosen


@compiled
def shortest_paths(free: NDArray[np.bool_]) -> NDArray[np.int16]:
    """The table ``next_cell [C, C]`` of :class:`Ground` for open cells ``free [X, Y]``."""
    neighbours, lengths = _connect(free)
    n_cells, height = free.size, free.shape[1]
    table = np.full((n_cells, n_cells), _NONE, np.int16)
    distance = np.empty(n_cells)
    for goal in range(n_cells):
        if free[goal // height, goal % height]:
            _measure(neighbours, lengths, distance, goal)
            for cell in range(n_cells):
                if np.isfinite(distance[cell]):
                    table[cell, goal] = _follow(neighbours, lengths, distance, height, cell, goal)
            table[goal, goal] = goal
    return table
