"""Compiled crowds. Units step around others in their way, and are pushed apart if they overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.common import FAR_AWAY
from remix.envs.skirmish.kernels.compiler import inlined, lean
from remix.envs.skirmish.rules import Rules
from remix.envs.skirmish.state import Scratch, Units

_SQUEEZE = 0.6  # friends that neither fight nor are stuck let others come to this share of the usual distance
LOOK_AHEAD = 0.9  # map units beyond a step in which units look for those who stay in their way
_TURNS = 5  # directions that are tried on either side, 20 degrees apart
_COS = np.cos(np.deg2rad(20.0 * np.arange(_TURNS + 1)))
_SIN = np.sin(np.deg2rad(20.0 * np.arange(_TURNS + 1)))


@lean
def list_near(plane: NDArray[np.int64], scratch: Scratch) -> None:
    """Write to ``scratch.near [U, U]`` whom each active unit may touch in this loop.

    Units are sorted by x. So only pairs that are close in this direction have to be looked at.
    """
    by_x, xs, ys, spans = scratch.by_x, scratch.sorted_x, scratch.sorted_y, scratch.sorted_span
    n_alive, widest = _sort_by_x(scratch)
    for a in range(n_alive):
        i, x, y, span = by_x[a], xs[a], ys[a], spans[a]
        active, end = scratch.active[i], x + span + widest
        for b in range(a + 1, n_alive):
            if xs[b] > end:
                break
            dx, dy, limit = xs[b] - x, ys[b] - y, span + spans[b]
            if dx * dx + dy * dy < limit * limit:
                j = by_x[b]
                if plane[i] == plane[j]:
                    if active:
                        scratch.near[i, scratch.n_near[i]] = j
                        scratch.n_near[i] += 1
                    if scratch.active[j]:
                        scratch.near[j, scratch.n_near[j]] = i
                        scratch.n_near[j] += 1


@inlined
def _sort_by_x(scratch: Scratch) -> tuple[int, float]:
    """Sort the units by x, the dead last. Their order from the loop before is nearly right already.

    :returns: the number of living units, and their largest span.
    """
    by_x, n_alive, widest = scratch.by_x, 0, 0.0
    for a in range(by_x.size):
        i = by_x[a]
        x, b = scratch.x[i], a
        while b > 0 and scratch.sorted_x[b - 1] > x:
            by_x[b] = by_x[b - 1]
            scratch.sorted_x[b] = scratch.sorted_x[b - 1]
            b -= 1
        by_x[b], scratch.sorted_x[b] = i, x
    for a in range(by_x.size):
        i = by_x[a]
        scratch.n_near[i] = 0
        if scratch.sorted_x[a] < FAR_AWAY:
            scratch.sorted_y[a], scratch.sorted_span[a] = scratch.y[i], scratch.span[i]
            widest = max(widest, scratch.span[i])
            n_alive = a + 1
    return n_alive, widest


@inlined
def step_around(
    rules: Rules, units: Units, e: int, i: int, goal_x: float, goal_y: float, scratch: Scratch
) -> None:
    """Let unit i step by ``scratch.length`` towards the goal or to a side of it, if a step is free."""
    dx, dy = goal_x - scratch.x[i], goal_y - scratch.y[i]
    distance = np.sqrt(dx * dx + dy * dy)
    if distance <= 0.0:
        return
    length = min(scratch.length[i], distance)
    dx, dy = length / distance * dx, length / distance * dy
    # First avoid those who stay in the way further ahead. If that leaves no step, avoid them only now.
    for sight in (max(scratch.sight[i], length), length):
        n_obstacles = _list_obstacles(rules.separation, rules.team, i, length, sight, scratch)
        if _try_turns(units, e, i, dx, dy, n_obstacles, scratch):
            return


@inlined
def _try_turns(
    units: Units, e: int, i: int, dx: float, dy: float, n_obstacles: int, scratch: Scratch
) -> bool:
    """Let unit i step by (dx, dy), or as far in the nearest direction that is free.

    :returns: whether a direction is free.
    """
    side = float(units.side[e, i])
    for k in range(2 * _TURNS + 1):  # straight on, then further and further to both sides in turn
        cos, sin = _COS[(k + 1) // 2], side * _SIN[(k + 1) // 2]
        step_x, step_y = cos * dx - sin * dy, sin * dx + cos * dy
        if _is_free(step_x, step_y, n_obstacles, scratch):
            scratch.moving[i] = True
            scratch.next_x[i], scratch.next_y[i] = scratch.x[i] + step_x, scratch.y[i] + step_y
            if k > 0:
                units.side[e, i] = 1 if side > 0.0 else -1
            return True
        if k > 0:
            side = -side
    return False


@inlined
def _list_obstacles(
    separation: NDArray[np.float64],
    team: NDArray[np.int64],
    i: int,
    length: float,
    sight: float,
    scratch: Scratch,
) -> int:
    """Write to ``scratch`` which units are in the way of a step of unit i.

    After a step s of length L the distance to a unit at r is √(r² - 2 r·s + L²). The step is forbidden if
    this is less than before and less than the limit of the pair. That is so if r·s exceeds a bound, which
    is ``obstacle_bound``. For units that stay the bound holds for all steps of this direction up to the
    length ``sight``.

    :returns: the number of units in the way.
    """
    x, y, count = scratch.x[i], scratch.y[i], 0
    for k in range(scratch.n_near[i]):
        j = scratch.near[i, k]
        dx, dy, limit = scratch.x[j] - x, scratch.y[j] - y, separation[i] + separation[j]
        reach = length
        if scratch.firm[j]:
            reach = sight
        elif team[i] == team[j]:
            limit *= _SQUEEZE
        squared = dx * dx + dy * dy
        if squared < (limit + reach) * (limit + reach):
            scratch.obstacle_x[count], scratch.obstacle_y[count] = dx, dy
            scratch.obstacle_bound[count] = length * (reach + max(squared - limit * limit, 0.0) / reach) / 2
            count += 1
    return count


@inlined
def _is_free(step_x: float, step_y: float, n_obstacles: int, scratch: Scratch) -> bool:
    """Whether a step is allowed by all units in the way."""
    for k in range(n_obstacles):
        if scratch.obstacle_x[k] * step_x + scratch.obstacle_y[k] * step_y > scratch.obstacle_bound[k]:
            return False
    return True


@inlined
def push_apart(rules: Rules, units: Units, e: int, scratch: Scratch) -> None:
    """Make all steps. Then push units that overlap away from each other, once."""
    for i in range(rules.team.size):
        scratch.push_x[i] = scratch.push_y[i] = 0.0
        units.pushed[e, i] = False
        if scratch.moving[i]:
            go(rules, units, e, i, scratch.next_x[i], scratch.next_y[i])
    for i in range(rules.team.size):
        for k in range(scratch.n_near[i]):
            j = scratch.near[i, k]
            if j > i or not scratch.active[j]:  # otherwise the pair has its turn in the list of j
                _push_pair(rules, units, e, i, j, scratch)
    for i in range(rules.team.size):
        dx, dy = scratch.push_x[i], scratch.push_y[i]
        squared, most = dx * dx + dy * dy, rules.speed[i]
        if squared > 0.0:
            share = min(1.0, most / np.sqrt(squared))  # nobody is pushed faster than it can go
            go(rules, units, e, i, units.x[e, i] + share * dx, units.y[e, i] + share * dy)


@inlined
def _push_pair(rules: Rules, units: Units, e: int, i: int, j: int, scratch: Scratch) -> None:
    """Push units i and j apart if they overlap, each by its share (:func:`_shares`)."""
    dx, dy = units.x[e, j] - units.x[e, i], units.y[e, j] - units.y[e, i]
    limit = rules.separation[i] + rules.separation[j]
    squared = dx * dx + dy * dy
    if squared >= limit * limit:
        return
    share_i, share_j = _shares(rules, i, j, scratch)
    distance = np.sqrt(squared)
    if distance > 0.0:
        dx, dy = dx / distance, dy / distance
    else:
        dx, dy = 1.0, 0.0
    overlap = limit - distance
    units.pushed[e, i] = units.pushed[e, j] = True
    scratch.push_x[i] -= share_i * overlap * dx
    scratch.push_y[i] -= share_i * overlap * dy
    scratch.push_x[j] += share_j * overlap * dx
    scratch.push_y[j] += share_j * overlap * dy


@inlined
def _shares(rules: Rules, i: int, j: int, scratch: Scratch) -> tuple[float, float]:
    """The shares of an overlap by which i and j yield, each 0, 0.5 or 1.

    A unit that fights does not yield, nor does an idle one to an enemy that moves. An idle unit yields to a
    friend that moves.
    """
    friends = rules.team[i] == rules.team[j]
    both_stand = friends and scratch.standing[i] and scratch.standing[j]
    yields_i = rules.speed[i] > 0.0 and (both_stand or not scratch.standing[i])
    yields_j = rules.speed[j] > 0.0 and (both_stand or not scratch.standing[j])
    if scratch.moving[i] != scratch.moving[j]:
        if friends:  # an idle unit makes way for a friend that moves
            yields_i = yields_i and (not scratch.moving[i] or not yields_j)
            yields_j = yields_j and (not scratch.moving[j] or not yields_i)
        else:
            yields_i, yields_j = yields_i and scratch.moving[i], yields_j and scratch.moving[j]
    if yields_i and yields_j:
        return 0.5, 0.5
    return (1.0 if yields_i else 0.0), (1.0 if yields_j else 0.0)


@inlined
def go(rules: Rules, units: Units, e: int, i: int, x: float, y: float) -> None:
    """Put unit i at (x, y), or as near to it as the terrain allows, first in x and then in y."""
    plane = rules.plane[i]
    width, height = rules.interior.shape[1:]
    column, row = int(x), int(y)
    if not (0 <= column < width and 0 <= row < height and rules.interior[plane, column, row]):
        margin = rules.separation[i] / 2
        cells = rules.passable[plane]
        if not _fits(cells, x, units.y[e, i], margin):
            x = _beside_wall(units.x[e, i], x, margin)
            if not _fits(cells, x, units.y[e, i], margin):
                x = units.x[e, i]
        if not _fits(cells, x, y, margin):
            y = _beside_wall(units.y[e, i], y, margin)
            if not _fits(cells, x, y, margin):
                y = units.y[e, i]
    units.x[e, i], units.y[e, i] = x, y


@inlined
def _fits(cells: NDArray[np.bool_], x: float, y: float, margin: float) -> bool:
    """Whether the square around (x, y) with half its side ``margin`` touches passable cells only."""
    low_x, high_x, low_y, high_y = x - margin, x + margin, y - margin, y + margin
    if low_x < 0.0 or low_y < 0.0 or high_x >= cells.shape[0] or high_y >= cells.shape[1]:
        return False
    left, right, bottom, top = int(low_x), int(high_x), int(low_y), int(high_y)
    return bool(cells[left, bottom] and cells[right, bottom] and cells[left, top] and cells[right, top])


@inlined
def _beside_wall(before: float, after: float, margin: float) -> float:
    """The last coordinate from ``before`` to ``after`` where the margin ends at a border between cells."""
    if after > before:
        return float(np.floor(after + margin)) - margin - 1e-6
    return float(np.floor(after - margin)) + 1.0 + margin + 1e-6
