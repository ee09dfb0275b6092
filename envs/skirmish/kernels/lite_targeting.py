"""Compiled choice of targets as in SMAClite (Michalski et al., 2023), for comparisons with its battles."""

from __future__ import annotations

import numpy as np

from remix.envs.skirmish.kernels.common import ATTACK, ATTACK_GROUP, CONTACT, NOBODY
from remix.envs.skirmish.kernels.compiler import inlined
from remix.envs.skirmish.rules import Rules
from remix.envs.skirmish.state import Scratch, Units

_FAR = 1e4  # the distance that counts for units that are ordered to attack the chooser


@inlined
def choose_lite_enemy(rules: Rules, units: Units, e: int, i: int, scratch: Scratch) -> int:
    """The target of unit i: a healer first, then the nearest in scan range, or a unit ordered to attack i.

    A unit that is ordered to chase the agents finds them at any distance.
    """
    scan = np.inf if units.order[e, i] == ATTACK_GROUP else rules.scan[i]
    first, last = (rules.n_agents, rules.team.size) if rules.team[i] == 0 else (0, rules.n_agents)
    kept = _kept(rules, units, e, i, scratch)
    chosen, heals, least = kept, kept >= 0 and rules.healer[kept], 0.0
    if heals:
        return kept
    for j in range(first, last):
        if units.health[e, j] <= 0.0 or not rules.can_hit[i, j] or (kept >= 0 and not rules.healer[j]):
            continue
        dx, dy = scratch.x[j] - scratch.x[i], scratch.y[j] - scratch.y[i]
        distance = np.sqrt(dx * dx + dy * dy)
        if distance >= scan + rules.radius[i] + rules.radius[j]:
            if kept >= 0 or not (units.order[e, j] == ATTACK and units.target[e, j] == i):
                continue
            distance = _FAR
        first_of_rank = chosen == NOBODY or (rules.healer[j] and not heals)
        if first_of_rank or (rules.healer[j] == heals and distance < least):
            chosen, heals, least = j, rules.healer[j], distance
    return int(chosen)


@inlined
def _kept(rules: Rules, units: Units, e: int, i: int, scratch: Scratch) -> int:
    """The former target, if it lives and is in range or is ordered to attack unit i; else NOBODY."""
    target = units.target[e, i]
    if target < 0 or units.health[e, target] <= 0.0:
        return NOBODY
    if units.order[e, target] == ATTACK and units.target[e, target] == i:
        return int(target)
    reach = rules.reach[i] + rules.radius[i] + rules.radius[target] + CONTACT
    dx, dy = scratch.x[target] - scratch.x[i], scratch.y[target] - scratch.y[i]
    return int(target) if dx * dx + dy * dy <= reach * reach else NOBODY


@inlined
def choose_lite_patient(rules: Rules, units: Units, e: int, i: int, scratch: Scratch) -> int:
    """The target of healer i: the former one until that is unhurt, else that with least health in range."""
    kept = units.target[e, i]
    if kept >= 0 and 0.0 < units.health[e, kept] < rules.max_health[kept] and units.energy[e, i] > 0.0:
        return int(kept)
    chosen, least = NOBODY, np.inf
    if units.energy[e, i] < rules.heal_minimum[i]:
        return chosen
    for j in range(rules.team.size):
        health = units.health[e, j]
        hurt = 0.0 < health < rules.max_health[j] or (health > 0.0 and units.busy[e, j])
        if rules.can_heal[i, j] and hurt and health < least:
            limit = rules.scan[i] + rules.radius[i] + rules.radius[j]
            dx, dy = scratch.x[j] - scratch.x[i], scratch.y[j] - scratch.y[i]
            if dx * dx + dy * dy < limit * limit:
                chosen, least = j, health
    return chosen
