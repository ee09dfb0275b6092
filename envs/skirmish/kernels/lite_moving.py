"""Compiled movement as in SMAClite (Michalski et al., 2023), for comparisons with its battles.

Units avoid each other by optimal reciprocal collision avoidance (ORCA; van den Berg et al., 2011). Each unit
near by and each wall ahead forbids a half-plane of velocities. Of those that are left a unit takes the
velocity nearest to the one that it wants. A unit that wants to stand is never moved. There is no path
finding.
"""

from __future__ import annotations

import numpy as np

from remix.envs.skirmish.kernels.avoiding import nearest_velocity
from remix.envs.skirmish.kernels.common import ATTACK_MOVE, GROUND, HOLD, HUNT, IDLE, MOVE
from remix.envs.skirmish.kernels.compiler import lean
from remix.envs.skirmish.kernels.crowding import go
from remix.envs.skirmish.rules import Rules
from remix.envs.skirmish.state import Scratch, Units

_TICKS = 16.0  # loops per second; velocities in this module are per second
_HORIZON = 1.0  # seconds for which units look ahead
_FAR = 6  # units ignore cells that are further away, in cells


@lean
def move_lite_units(rules: Rules, units: Units, e: int, scratch: Scratch) -> None:
    """Move all units of battle ``e`` by one loop. ``heading_x`` and ``heading_y`` keep their velocities."""
    widest = 0.0
    for i in range(rules.team.size):
        widest = max(widest, rules.radius[i])
        scratch.next_x[i] = scratch.next_y[i] = scratch.push_x[i] = scratch.push_y[i] = 0.0
        if units.health[e, i] > 0.0:
            _want(rules, units, e, i, scratch)
        scratch.moving[i] = scratch.next_x[i] != 0.0 or scratch.next_y[i] != 0.0
    for i in range(rules.team.size):
        if scratch.moving[i]:
            n_walls = _list_walls(rules, i, scratch) if rules.plane[i] == GROUND else 0
            n_lines = _list_neighbours(rules, units, e, i, widest, n_walls, scratch)
            scratch.push_x[i], scratch.push_y[i] = nearest_velocity(
                (scratch.obstacle_x, scratch.obstacle_y, scratch.obstacle_bound),
                (scratch.sorted_x, scratch.sorted_y, scratch.sorted_span),
                n_walls,
                n_lines,
                scratch.next_x[i],
                scratch.next_y[i],
                rules.speed[i] * _TICKS,
            )
    for i in range(rules.team.size):
        if units.health[e, i] > 0.0:
            dx, dy = scratch.push_x[i], scratch.push_y[i]
            units.heading_x[e, i], units.heading_y[e, i] = dx, dy
            if dx != 0.0 or dy != 0.0:
                go(rules, units, e, i, units.x[e, i] + dx / _TICKS, units.y[e, i] + dy / _TICKS)


@lean
def _want(rules: Rules, units: Units, e: int, i: int, scratch: Scratch) -> None:
    """Write to ``scratch`` the velocity that unit i wants: full speed until its target is in range."""
    order, target, pace = units.order[e, i], units.target[e, i], rules.speed[i]
    if order in (IDLE, HOLD) or scratch.standing[i] or (order == HUNT and target < 0):
        return
    if target >= 0 and order != MOVE:
        dx, dy = scratch.x[target] - scratch.x[i], scratch.y[target] - scratch.y[i]
    else:
        dx, dy = units.order_x[e, i] - scratch.x[i], units.order_y[e, i] - scratch.y[i]
        if order >= ATTACK_MOVE and rules.healer[i]:
            pace = _pace_of_friends(rules, units, e, i, scratch)
    distance = np.sqrt(dx * dx + dy * dy)
    if distance > 0.0:
        scratch.next_x[i], scratch.next_y[i] = pace * _TICKS * dx / distance, pace * _TICKS * dy / distance


@lean
def _pace_of_friends(rules: Rules, units: Units, e: int, i: int, scratch: Scratch) -> float:
    """The speed per loop of the slowest friend in the scan range of healer i."""
    pace = rules.speed[i]
    for j in range(rules.team.size):
        if rules.team[j] == rules.team[i] and units.health[e, j] > 0.0:
            limit = rules.scan[i] + rules.radius[i] + rules.radius[j]
            dx, dy = scratch.x[j] - scratch.x[i], scratch.y[j] - scratch.y[i]
            if dx * dx + dy * dy < limit * limit:
                pace = min(pace, rules.speed[j])
    return float(pace)


@lean
def _list_walls(rules: Rules, i: int, scratch: Scratch) -> int:
    """Write to ``scratch`` the constraints of the nearest walls in the four directions.

    They slow a unit down so that within the horizon it does not come nearer to a wall than its radius.

    :returns: the number of constraints.
    """
    x, y, radius, count = scratch.x[i], scratch.y[i], rules.radius[i], 0
    for direction in range(4):
        step_x, step_y = (direction == 0) - (direction == 1), (direction == 2) - (direction == 3)
        gap = _gap_to_wall(rules, x, y, radius, step_x, step_y)
        if gap < _FAR:
            scratch.obstacle_x[count], scratch.obstacle_y[count] = -step_x, -step_y
            scratch.obstacle_bound[count] = -max(gap - radius, 0.0) / _HORIZON
            count += 1
    return count


@lean
def _gap_to_wall(rules: Rules, x: float, y: float, radius: float, step_x: int, step_y: int) -> float:
    """The distance from (x, y) to the first closed cell that a circle meets on its way in a direction."""
    cells = rules.passable[GROUND]
    width, height = cells.shape
    side = radius - 1e-6
    for k in range(_FAR):
        for sign in (-1.0, 1.0):
            i = int(np.floor(x + sign * side * (step_x == 0))) + k * step_x
            j = int(np.floor(y + sign * side * (step_y == 0))) + k * step_y
            if 0 <= i < width and 0 <= j < height and not cells[i, j]:
                if step_x != 0:
                    return (i - x) if step_x > 0 else (x - i - 1)
                return (j - y) if step_y > 0 else (y - j - 1)
    return float(_FAR)


@lean
def _list_neighbours(
    rules: Rules, units: Units, e: int, i: int, widest: float, n_lines: int, scratch: Scratch
) -> int:
    """Write the constraints of unit i by its neighbours behind the first ``n_lines``.

    A neighbour that moves takes half of the avoidance; one that stands takes none of it.

    :param widest: the largest radius of all units.
    :returns: the number of all constraints.
    """
    vx, vy = units.heading_x[e, i], units.heading_y[e, i]
    for j in range(rules.team.size):
        x, y = scratch.x[j] - scratch.x[i], scratch.y[j] - scratch.y[i]
        reach = rules.radius[i] + widest
        if j == i or rules.plane[j] != rules.plane[i] or x * x + y * y > reach * reach:
            continue
        share = 0.5 if scratch.moving[j] else 1.0
        wx, wy = vx - units.heading_x[e, j], vy - units.heading_y[e, j]
        a, b, excess = _avoid(x, y, wx, wy, rules.radius[i] + rules.radius[j])
        scratch.obstacle_x[n_lines], scratch.obstacle_y[n_lines] = a, b
        scratch.obstacle_bound[n_lines] = a * vx + b * vy + share * excess
        n_lines += 1
    return n_lines


@lean
def _avoid(x: float, y: float, vx: float, vy: float, limit: float) -> tuple[float, float, float]:
    """The direction and the amount by which a velocity (vx, vy) relative to a unit at (x, y) has to change.

    After the change the two do not come nearer than ``limit`` within the horizon. If they are nearer already,
    they part within the loop.

    :returns: the direction (a, b), of length 1, and the amount, which is negative if no change is needed.
    """
    squared = x * x + y * y
    horizon = _HORIZON if squared > limit * limit else 1.0 / _TICKS
    wx, wy = vx - x / horizon, vy - y / horizon
    length, ahead = np.sqrt(wx * wx + wy * wy), wx * x + wy * y
    if squared <= limit * limit or (ahead < 0.0 and ahead * ahead > limit * limit * length * length):
        if length == 0.0:
            return 1.0, 0.0, limit / horizon
        return wx / length, wy / length, limit / horizon - length
    leg = np.sqrt(squared - limit * limit)
    if x * wy - y * wx > 0.0:  # the unit passes on the left
        ux, uy = (x * leg - y * limit) / squared, (x * limit + y * leg) / squared
    else:
        ux, uy = -(x * leg + y * limit) / squared, -(y * leg - x * limit) / squared
    return -uy, ux, vx * uy - vy * ux
