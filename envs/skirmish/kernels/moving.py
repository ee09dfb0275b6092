"""Compiled movement: where units want to go, and how they get past each other and stay on the map.

In a loop all units choose their steps by the places at its beginning. Afterwards units that overlap are
pushed apart. So no team has an advantage from the numbers of its units.
"""

from __future__ import annotations

import numpy as np

from remix.envs.skirmish.kernels.common import (
    ATTACK,
    ATTACK_GROUP,
    ATTACK_MOVE,
    GROUND,
    HEAL,
    HOLD,
    IDLE,
    MOVE,
    NOWHERE,
)
from remix.envs.skirmish.kernels.compiler import inlined
from remix.envs.skirmish.kernels.crowding import LOOK_AHEAD, list_near, push_apart, step_around
from remix.envs.skirmish.kernels.paths import waypoint
from remix.envs.skirmish.rules import Rules
from remix.envs.skirmish.state import Scratch, Units

_ARRIVED = 0.5  # a unit within this distance of the goal of its attack-move has arrived
_TOUCH = 0.05
_SPACE = 1.3  # the area of a crowd is this multiple of the area of its units
_PATIENCE = 4  # loops for which a unit keeps to the way that it has found
_FOLLOWED = 6.0  # a healer goes at the pace of friends within this distance
_TINY = 1e-9


@inlined
def move_units(rules: Rules, units: Units, e: int, scratch: Scratch) -> None:
    """Move all units of battle ``e`` by one loop."""
    anybody = False
    for i in range(rules.team.size):
        scratch.moving[i] = False
        scratch.firm[i] = scratch.standing[i] or units.blocked[e, i]
        units.blocked[e, i] = False
        scratch.length[i] = 0.0
        scratch.active[i] = units.pushed[e, i]
        if units.health[e, i] > 0.0:
            wanted, pace, goal_x, goal_y = _wish(rules, units, e, i, scratch)
            if wanted > _TINY:
                scratch.length[i] = min(_accelerate(rules, units, e, i, pace, goal_x, goal_y), wanted)
                scratch.sight[i] = min(wanted, scratch.length[i] + LOOK_AHEAD)
                scratch.next_x[i], scratch.next_y[i] = goal_x, goal_y
                scratch.active[i] = True
            else:
                units.speed[e, i] = 0.0
                units.way[e, i] = NOWHERE
        anybody = anybody or scratch.active[i]
    if anybody:
        for i in range(rules.team.size):
            scratch.span[i] = rules.separation[i] + rules.speed[i] + LOOK_AHEAD / 2
        list_near(rules.plane, scratch)
        for i in range(rules.team.size):
            if scratch.length[i] > 0.0:
                if units.order[e, i] == ATTACK_MOVE and units.target[e, i] < 0:
                    units.waiting[e, i] = _joins_waiting(rules, units, e, i, scratch)
                if not units.waiting[e, i]:
                    goal_x, goal_y = _way(rules, units, e, i, scratch.next_x[i], scratch.next_y[i])
                    step_around(rules, units, e, i, goal_x, goal_y, scratch)
                    units.blocked[e, i] = not scratch.moving[i]
        push_apart(rules, units, e, scratch)


@inlined
def _wish(rules: Rules, units: Units, e: int, i: int, scratch: Scratch) -> tuple[float, float, float, float]:
    """What unit i wants: the distance to go, its greatest pace per loop, and the goal (x, y)."""
    order, pace = units.order[e, i], rules.speed[i]
    x, y = scratch.x[i], scratch.y[i]
    if order == IDLE or pace == 0.0 or scratch.standing[i]:
        return 0.0, pace, x, y
    target = units.target[e, i]
    if target >= 0 and order != MOVE:
        units.waiting[e, i] = False
        if order == HOLD:
            return 0.0, pace, x, y
        dx, dy = scratch.x[target] - x, scratch.y[target] - y
        stop = rules.reach[i] + rules.radius[i] + rules.radius[target]
        return float(np.sqrt(dx * dx + dy * dy)) - stop, pace, scratch.x[target], scratch.y[target]
    if order != MOVE and order != ATTACK_MOVE and order != ATTACK_GROUP:
        return 0.0, pace, x, y
    goal_x, goal_y = units.order_x[e, i], units.order_y[e, i]
    distance = float(np.sqrt((goal_x - x) ** 2 + (goal_y - y) ** 2))
    if order == ATTACK_MOVE:
        if distance <= _ARRIVED:
            units.waiting[e, i] = True
        if units.waiting[e, i]:
            distance = 0.0
        elif rules.healer[i]:
            distance, pace = _follow(rules, units, e, i, distance, scratch)
    elif order == ATTACK_GROUP and rules.healer[i]:
        distance, pace = _follow(rules, units, e, i, distance, scratch)
    return distance, pace, goal_x, goal_y


@inlined
def _joins_waiting(rules: Rules, units: Units, e: int, i: int, scratch: Scratch) -> bool:
    """Whether unit i starts to wait: it touches a waiting friend, and is as near as their crowd has room."""
    touches, room = False, 0.0
    for k in range(scratch.n_near[i]):
        j = scratch.near[i, k]
        if units.waiting[e, j] and rules.team[i] == rules.team[j]:
            dx, dy = scratch.x[j] - scratch.x[i], scratch.y[j] - scratch.y[i]
            limit = rules.separation[i] + rules.separation[j] + _TOUCH
            touches = touches or dx * dx + dy * dy < limit * limit
    if not touches:
        return False
    for j in range(rules.team.size):
        if units.health[e, j] > 0.0 and rules.team[i] == rules.team[j]:
            room += _SPACE * rules.separation[j] ** 2
    dx, dy = units.order_x[e, i] - scratch.x[i], units.order_y[e, i] - scratch.y[i]
    return bool(dx * dx + dy * dy <= room)


@inlined
def _follow(
    rules: Rules, units: Units, e: int, i: int, distance: float, scratch: Scratch
) -> tuple[float, float]:
    """How far healer i goes to a goal in ``distance``, and at which pace. It stays behind its friends."""
    pace, foremost = rules.speed[i], np.inf
    for j in range(rules.team.size):
        if rules.team[j] == rules.team[i] and units.health[e, j] > 0.0 and not rules.healer[j]:
            dx, dy = units.order_x[e, i] - scratch.x[j], units.order_y[e, i] - scratch.y[j]
            foremost = min(foremost, np.sqrt(dx * dx + dy * dy))
            dx, dy = scratch.x[i] - scratch.x[j], scratch.y[i] - scratch.y[j]
            if dx * dx + dy * dy <= _FOLLOWED**2:
                pace = min(pace, rules.speed[j])
    return (distance if foremost == np.inf else distance - foremost), pace


@inlined
def _accelerate(
    rules: Rules, units: Units, e: int, i: int, pace: float, goal_x: float, goal_y: float
) -> float:
    """The length of the next step of unit i, at most ``pace``."""
    gain = rules.acceleration[i]
    if gain == 0.0:
        return pace
    dx, dy = goal_x - units.x[e, i], goal_y - units.y[e, i]
    before = units.speed[e, i]
    if dx * units.heading_x[e, i] + dy * units.heading_y[e, i] < 0.0:
        before = 0.0  # a unit that turns back starts from rest
    after = min(before + gain, pace)
    units.speed[e, i] = after
    units.heading_x[e, i], units.heading_y[e, i] = dx, dy
    return min((before + after) / 2, pace)


@inlined
def _way(rules: Rules, units: Units, e: int, i: int, goal_x: float, goal_y: float) -> tuple[float, float]:
    """The point (x, y) that unit i heads for now. An agent with the order to move goes straight.

    To find the way takes longer than all the rest. So each unit does it only in every fourth loop.
    """
    if rules.plane[i] != GROUND or units.order[e, i] == MOVE or rules.ground.convex:
        return goal_x, goal_y
    height = rules.ground.open.shape[1]
    if (units.loops[e] + i) % _PATIENCE == 0:
        x, y = waypoint(rules.ground, units.x[e, i], units.y[e, i], goal_x, goal_y, rules.separation[i])
        straight = x == goal_x and y == goal_y
        units.way[e, i] = NOWHERE if straight else int(x) * height + int(y)
    way = units.way[e, i]
    if way == NOWHERE:
        return goal_x, goal_y
    return way // height + 0.5, way % height + 0.5


assert ATTACK < ATTACK_MOVE < ATTACK_GROUP and HEAL < ATTACK_MOVE
