"""Compiled choice of targets.

Agents keep to the unit that they were ordered to attack or heal. An enemy attacks the nearest unit in its
scan range. If there is none, it attacks a unit that hurt it or a friend near by. A healer among the enemies
heals the friend that is hurt the most.
"""

from __future__ import annotations

import numpy as np

from remix.envs.skirmish.kernels.common import (
    AS_SMACLITE,
    ATTACK,
    ATTACK_GROUP,
    ATTACK_MOVE,
    CALL_RADIUS,
    CONTACT,
    HEAL,
    HUNT,
    HUNT_PERIOD,
    IDLE,
    LEASH,
    MEMORY,
    MOVE,
    NO_TIMER,
    NOBODY,
)
from remix.envs.skirmish.kernels.compiler import inlined
from remix.envs.skirmish.kernels.lite_targeting import choose_lite_enemy, choose_lite_patient
from remix.envs.skirmish.rules import Rules
from remix.envs.skirmish.state import Scratch, Units


@inlined
def cancel(units: Units, e: int, i: int) -> None:
    """Let unit i stop to aim. It does not shoot, and its weapon is ready at once."""
    if units.windup[e, i] >= 0.0:
        units.windup[e, i] = NO_TIMER
        units.cooldown[e, i] = 0.0


@inlined
def choose_targets(rules: Rules, units: Units, e: int, scratch: Scratch) -> None:
    """Set the target of every unit, whether it is in range, and whether the unit must stand."""
    n_victims = _list_victims(rules, units, e, scratch)
    for i in range(rules.team.size):
        scratch.engaged[i] = scratch.standing[i] = False
        if units.health[e, i] <= 0.0:
            continue
        order = units.order[e, i]
        if order >= ATTACK_MOVE:
            _choose(rules, units, e, i, scratch, n_victims)
        elif order > MOVE and units.health[e, units.target[e, i]] <= 0.0:
            cancel(units, e, i)
            units.order[e, i], units.target[e, i] = IDLE, NOBODY
        target = units.target[e, i]
        if target >= 0:
            reach = rules.reach[i] + rules.radius[i] + rules.radius[target] + CONTACT
            dx, dy = scratch.x[target] - scratch.x[i], scratch.y[target] - scratch.y[i]
            scratch.engaged[i] = dx * dx + dy * dy <= reach * reach
        scratch.standing[i] = scratch.engaged[i] or units.windup[e, i] >= 0.0


@inlined
def _list_victims(rules: Rules, units: Units, e: int, scratch: Scratch) -> int:
    """Write the living enemies that were attacked of late to ``scratch.victims``.

    :returns: their number.
    """
    n_victims = 0
    for i in range(rules.team.size):
        if units.attacked[e, i] < MEMORY and units.health[e, i] > 0.0 and units.order[e, i] >= ATTACK_MOVE:
            scratch.victims[n_victims] = i
            n_victims += 1
    return n_victims


@inlined
def _choose(rules: Rules, units: Units, e: int, i: int, scratch: Scratch, n_victims: int) -> None:
    """Let unit i choose its target itself."""
    lite = rules.targeting == AS_SMACLITE
    if rules.healer[i]:
        units.target[e, i] = (
            choose_lite_patient(rules, units, e, i, scratch)
            if lite
            else _patient(rules, units, e, i, scratch)
        )
    elif rules.armed[i]:
        before = units.target[e, i]
        if units.order[e, i] == HUNT:
            chosen = _prey(rules, units, e, i, scratch)
        elif lite:
            chosen = choose_lite_enemy(rules, units, e, i, scratch)
        else:
            chosen = _enemy(rules, units, e, i, scratch, n_victims)
        if chosen != before:
            cancel(units, e, i)
            units.target[e, i] = chosen
    if units.order[e, i] == ATTACK_GROUP and units.target[e, i] == NOBODY:
        _head_for_nearest(rules, units, e, i, scratch)


@inlined
def _head_for_nearest(rules: Rules, units: Units, e: int, i: int, scratch: Scratch) -> None:
    """Let unit i, which chases the other team and has no target, walk to the nearest of that team."""
    first, last = (rules.n_agents, rules.team.size) if rules.team[i] == 0 else (0, rules.n_agents)
    least = np.inf
    units.order_x[e, i], units.order_y[e, i] = scratch.x[i], scratch.y[i]
    for j in range(first, last):
        dx, dy = scratch.x[j] - scratch.x[i], scratch.y[j] - scratch.y[i]
        squared = dx * dx + dy * dy
        if units.health[e, j] > 0.0 and squared < least:
            least = squared
            units.order_x[e, i], units.order_y[e, i] = scratch.x[j], scratch.y[j]


@inlined
def _prey(rules: Rules, units: Units, e: int, i: int, scratch: Scratch) -> int:
    """Whom hunter i attacks: its prey until that is dead, else the nearest in its scan range.

    If there is nobody it is sent for the nearest of all, from centre to centre, whenever the clock says so;
    it does not go if it cannot hit that one.
    """
    target = units.target[e, i]
    if target >= 0 and units.health[e, target] > 0.0:
        return int(target)
    chosen = _nearest(rules, i, scratch, rules.scan[i])
    if chosen == NOBODY and units.loops[e] % HUNT_PERIOD == 0:
        first, last = (rules.n_agents, rules.team.size) if rules.team[i] == 0 else (0, rules.n_agents)
        least = np.inf
        for j in range(first, last):
            dx, dy = scratch.x[j] - scratch.x[i], scratch.y[j] - scratch.y[i]
            squared = dx * dx + dy * dy
            if units.health[e, j] > 0.0 and squared < least:
                least = squared
                chosen = j
        if chosen != NOBODY and not rules.can_hit[i, chosen]:
            chosen = NOBODY
    return int(chosen)


@inlined
def _enemy(rules: Rules, units: Units, e: int, i: int, scratch: Scratch, n_victims: int) -> int:
    """The target of unit i: the former one while it is in range, else the nearest, else an attacker."""
    target = units.target[e, i]
    if target >= 0 and units.health[e, target] > 0.0:
        reach = rules.reach[i] + rules.radius[i] + rules.radius[target] + CONTACT
        if units.windup[e, i] >= 0.0:
            reach += rules.slop[i]
        dx, dy = scratch.x[target] - scratch.x[i], scratch.y[target] - scratch.y[i]
        if dx * dx + dy * dy <= reach * reach:
            return int(target)
    scan = np.inf if units.order[e, i] == ATTACK_GROUP else rules.scan[i]
    nearest = _nearest(rules, i, scratch, scan)
    if nearest == NOBODY and n_victims > 0 and rules.speed[i] > 0.0:
        return _attacker(rules, units, e, i, scratch, n_victims)
    return nearest


@inlined
def _nearest(rules: Rules, i: int, scratch: Scratch, scan: float) -> int:
    """The unit nearest from edge to edge that unit i can hit within ``scan``, or NOBODY."""
    first, last = (rules.n_agents, rules.team.size) if rules.team[i] == 0 else (0, rules.n_agents)
    x, y = scratch.x[i], scratch.y[i]
    chosen, least = NOBODY, min(scan + rules.radius[i] + CONTACT, 1e5)  # the dead are further away
    for j in range(first, last):
        dx, dy = scratch.x[j] - x, scratch.y[j] - y
        limit = least + rules.radius[j]
        squared = dx * dx + dy * dy
        # Whose circle reaches over unit i is at a distance below 0, and then the limit may be, too.
        if limit > 0.0 and squared < limit * limit and rules.can_hit[i, j]:
            chosen, least = j, np.sqrt(squared) - rules.radius[j]
    return chosen


@inlined
def _attacker(rules: Rules, units: Units, e: int, i: int, scratch: Scratch, n_victims: int) -> int:
    """The unit that attacked i of late, else that which attacked the nearest friend who calls for help."""
    if units.attacked[e, i] < MEMORY and _worth_chasing(rules, units, e, i, scratch):
        return int(units.attacker[e, i])
    chosen, least = NOBODY, CALL_RADIUS**2 + CONTACT
    for k in range(n_victims):
        friend = scratch.victims[k]
        if friend == i or rules.team[friend] != rules.team[i]:
            continue
        dx, dy = scratch.x[friend] - scratch.x[i], scratch.y[friend] - scratch.y[i]
        squared = dx * dx + dy * dy
        attacker = units.attacker[e, friend]
        if squared < least and units.health[e, attacker] > 0.0 and rules.can_hit[i, attacker]:
            chosen, least = attacker, squared
    return int(chosen)


@inlined
def _worth_chasing(rules: Rules, units: Units, e: int, i: int, scratch: Scratch) -> bool:
    """Whether the last attacker of unit i lives, can be hit by i and is not too far away."""
    attacker = units.attacker[e, i]
    if units.health[e, attacker] <= 0.0 or not rules.can_hit[i, attacker]:
        return False
    limit = LEASH + rules.radius[i] + rules.radius[attacker]
    dx, dy = scratch.x[attacker] - scratch.x[i], scratch.y[attacker] - scratch.y[i]
    return bool(dx * dx + dy * dy <= limit * limit)


@inlined
def _patient(rules: Rules, units: Units, e: int, i: int, scratch: Scratch) -> int:
    """The target of healer i: the former one until that is unhurt, else the most hurt friend in range."""
    kept = units.target[e, i]
    if kept >= 0 and units.energy[e, i] > 0.0 and _needs_care(rules, units, e, i, kept, scratch) < np.inf:
        return int(kept)
    if units.energy[e, i] < rules.heal_minimum[i]:
        return NOBODY
    chosen, worst, least = NOBODY, 1.0, np.inf
    for j in range(rules.team.size):
        if rules.can_heal[i, j]:
            distance = _needs_care(rules, units, e, i, j, scratch)
            share = units.health[e, j] / rules.max_health[j]
            if distance < np.inf and (share < worst or (share == worst and distance < least)):
                chosen, worst, least = j, share, distance
    return chosen


@inlined
def _needs_care(rules: Rules, units: Units, e: int, i: int, j: int, scratch: Scratch) -> float:
    """The distance from healer i to unit j, edge to edge; infinite if j is unhurt, dead or out of range."""
    if not 0.0 < units.health[e, j] < rules.max_health[j]:
        return np.inf
    dx, dy = scratch.x[j] - scratch.x[i], scratch.y[j] - scratch.y[i]
    distance = np.sqrt(dx * dx + dy * dy) - rules.radius[i] - rules.radius[j]
    return float(distance) if distance <= rules.scan[i] else np.inf


assert ATTACK < HEAL < ATTACK_MOVE  # choose_targets relies on it
