"""Compiled weapons: when units shoot, and what their shots do.

Hits of the same loop take effect together, so that two units can kill each other.
"""

from __future__ import annotations

import numpy as np

from remix.envs.skirmish.kernels.common import CONTACT, LINE, MELEE, MISSILE, NO_TIMER, SUICIDE, uniform
from remix.envs.skirmish.kernels.compiler import inlined
from remix.envs.skirmish.kernels.targeting import cancel
from remix.envs.skirmish.rules import Rules
from remix.envs.skirmish.state import Scratch, Units


@inlined
def fire(rules: Rules, units: Units, e: int, scratch: Scratch) -> None:
    """Count down all weapons. Units with a target in range aim, and shoot after the damage point."""
    for i in range(rules.team.size):
        if units.health[e, i] <= 0.0 or not rules.armed[i]:
            continue
        before = units.cooldown[e, i]
        cooldown = max(before - 1.0, 0.0)
        units.cooldown[e, i] = cooldown
        if units.windup[e, i] >= 0.0:
            _aim(rules, units, e, i, scratch)
        elif cooldown == 0.0 and scratch.engaged[i]:
            # The weapon became ready a part of a loop ago. The next shot is due earlier by this part.
            late = 1.0 - before if before > 0.0 else 0.0
            delay = rules.delay_low[i]
            if rules.delay_high[i] > delay:
                delay += (rules.delay_high[i] - delay) * uniform(units.random, e)
            units.cooldown[e, i] = rules.period[i] + delay - late
            units.windup[e, i] = rules.damage_point[i]
            if rules.damage_point[i] <= 0.0:
                _shoot(rules, units, e, i, scratch)


@inlined
def _aim(rules: Rules, units: Units, e: int, i: int, scratch: Scratch) -> None:
    """Let unit i shoot if its damage point is over, or give up if its target is dead or too far away."""
    target = units.target[e, i]
    reach = rules.reach[i] + rules.slop[i]
    if target < 0 or units.health[e, target] <= 0.0 or _edges(rules, i, target, scratch) > reach + CONTACT:
        cancel(units, e, i)
        return
    units.windup[e, i] -= 1.0
    if units.windup[e, i] <= 0.0:
        _shoot(rules, units, e, i, scratch)


@inlined
def _edges(rules: Rules, i: int, j: int, scratch: Scratch) -> float:
    """The distance between the edges of two living units."""
    dx, dy = scratch.x[j] - scratch.x[i], scratch.y[j] - scratch.y[i]
    return float(np.sqrt(dx * dx + dy * dy) - rules.radius[i] - rules.radius[j])


@inlined
def _shoot(rules: Rules, units: Units, e: int, i: int, scratch: Scratch) -> None:
    """Let unit i shoot at its target. The hits follow at their times."""
    target = units.target[e, i]
    units.windup[e, i] = NO_TIMER
    units.hit_target[e, i] = target
    flight = 0.0
    if rules.delivery[i] == MISSILE:
        flight = max(_edges(rules, i, target, scratch), 0.0) / rules.missile_speed[i]
    for k in range(rules.n_hits[i]):
        units.hit_time[e, i, k] = rules.hit_times[i, k] + flight


@inlined
def land_hits(rules: Rules, units: Units, e: int, scratch: Scratch) -> None:
    """Apply all hits that are due, and then the explosions. Stop the units that have died.

    Units blow themselves up after all other hits, so that the order of units does not matter.
    """
    for i in range(rules.team.size):
        scratch.alive[i] = units.health[e, i] > 0.0
        scratch.exploding[i] = False
    landed = False
    for i in range(rules.team.size):
        for k in range(rules.n_hits[i]):
            left = units.hit_time[e, i, k]
            if left > 0.0:
                units.hit_time[e, i, k] = max(left - 1.0, 0.0)
            elif left == 0.0:
                units.hit_time[e, i, k] = NO_TIMER
                _land(rules, units, e, i, scratch)
                landed = True
    if landed:
        _bury(rules, units, e, scratch)


@inlined
def _land(rules: Rules, units: Units, e: int, i: int, scratch: Scratch) -> None:
    """Let one hit of unit i take effect."""
    delivery, target = rules.delivery[i], units.hit_target[e, i]
    if delivery == LINE:
        _sweep(rules, units, e, i, target)
    elif delivery == SUICIDE:
        scratch.exploding[i] = scratch.alive[i]
    elif scratch.alive[target]:
        if delivery == MELEE:
            dx, dy = units.x[e, target] - units.x[e, i], units.y[e, target] - units.y[e, i]
            reach = rules.reach[i] + rules.slop[i] + rules.radius[i] + rules.radius[target] + CONTACT
            if not scratch.alive[i] or dx * dx + dy * dy > reach * reach:
                return
        _hurt(rules, units, e, i, target)


@inlined
def _hurt(rules: Rules, units: Units, e: int, i: int, j: int) -> None:
    """Let unit j take one hit of unit i: first from its shield, the rest less its armour from its health."""
    damage, shield, health = rules.damage[i, j], units.shield[e, j], units.health[e, j]
    absorbed = min(shield, damage)
    wound = 0.0
    if damage > absorbed:
        wound = min(max(damage - absorbed - rules.armor[j], rules.least_damage), health)
    units.shield[e, j] = shield - absorbed
    units.health[e, j] = health - wound
    units.damage_taken[e, j] += absorbed + wound
    units.shield_delay[e, j] = rules.shield_delay[j]
    units.attacker[e, j], units.attacked[e, j] = i, 0


@inlined
def _sweep(rules: Rules, units: Units, e: int, i: int, target: int) -> None:
    """Let the beam of unit i hit all units in a rectangle across the shot, which is centred on the target."""
    x, y = units.x[e, target], units.y[e, target]
    along_x, along_y = x - units.x[e, i], y - units.y[e, i]
    length = np.sqrt(along_x * along_x + along_y * along_y)
    if length > 0.0:
        along_x, along_y = along_x / length, along_y / length
    else:
        along_x, along_y = 1.0, 0.0
    half_width, half_length = rules.line_width[i] / 2, rules.line_length[i] / 2
    for j in range(rules.team.size):
        if rules.can_hit[i, j] and units.health[e, j] > 0.0:
            dx, dy = units.x[e, j] - x, units.y[e, j] - y
            beside = max(abs(dx * along_x + dy * along_y) - half_width, 0.0)
            across = max(abs(dy * along_x - dx * along_y) - half_length, 0.0)
            if beside * beside + across * across <= rules.radius[j] ** 2:
                _hurt(rules, units, e, i, j)


@inlined
def _bury(rules: Rules, units: Units, e: int, scratch: Scratch) -> None:
    """Stop the units that died in this loop, and let them explode until an explosion kills no more."""
    for i in range(rules.team.size):
        if scratch.exploding[i]:
            units.health[e, i] = 0.0
    n_queued = _find_dead(rules, units, e, scratch, 0)
    k = 0
    while k < n_queued:
        i = scratch.queue[k]
        for j in range(rules.team.size):
            if rules.can_hit[i, j] and units.health[e, j] > 0.0:
                reach = rules.splash[i] + rules.radius[j] + CONTACT
                dx, dy = units.x[e, j] - units.x[e, i], units.y[e, j] - units.y[e, i]
                if dx * dx + dy * dy <= reach * reach:
                    _hurt(rules, units, e, i, j)
        k += 1
        if k == n_queued:
            n_queued = _find_dead(rules, units, e, scratch, n_queued)


@inlined
def _find_dead(rules: Rules, units: Units, e: int, scratch: Scratch, n_queued: int) -> int:
    """Add the units that have just died and explode to ``scratch.queue``.

    :returns: its new length.
    """
    for i in range(rules.team.size):
        if scratch.alive[i] and units.health[e, i] <= 0.0:
            scratch.alive[i] = False
            units.shield[e, i], units.windup[e, i] = 0.0, NO_TIMER
            units.busy[e, i] = units.pushed[e, i] = units.waiting[e, i] = False
            if scratch.exploding[i] or rules.explodes[i]:
                scratch.queue[n_queued] = i
                n_queued += 1
    return n_queued
