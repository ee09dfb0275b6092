"""The compiled course of a step of a battle: the orders of the agents, and then the game loops."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.common import (
    AS_SMACLITE,
    ATTACK,
    FAR_AWAY,
    HEAL,
    IDLE,
    MOVE,
    NEVER,
    NOBODY,
)
from remix.envs.skirmish.kernels.compiler import inlined, lean
from remix.envs.skirmish.kernels.lite_moving import move_lite_units
from remix.envs.skirmish.kernels.moving import move_units
from remix.envs.skirmish.kernels.targeting import cancel, choose_targets
from remix.envs.skirmish.kernels.weapons import fire, land_hits
from remix.envs.skirmish.rules import Rules
from remix.envs.skirmish.state import Scratch, Units

# The actions of an agent. From FIRST_TARGET on they attack an enemy, or heal an agent.
NO_OP, STOP, NORTH, SOUTH, EAST, WEST, FIRST_TARGET = range(7)


@lean
def advance(
    rules: Rules,
    units: Units,
    scratch: Scratch,
    running: NDArray[np.bool_],
    actions: NDArray[np.int64],
    first: int,
    last: int,
) -> None:
    """Play one step of those of the battles ``first`` to ``last - 1`` that are ``running [E]``.

    :param actions: available actions ``[E, N]``. Those of dead agents are ignored.
    """
    for e in range(first, last):
        if running[e]:
            command(rules, units, e, actions[e])
            for i in range(rules.team.size):
                scratch.by_x[i] = i
            for _ in range(rules.loops_per_step):
                play_loop(rules, units, e, scratch)


@inlined
def command(rules: Rules, units: Units, e: int, actions: NDArray[np.int64]) -> None:
    """Give the agents of battle ``e`` the orders that their ``actions [N]`` stand for."""
    for i in range(rules.n_agents):
        if units.health[e, i] <= 0.0 or actions[i] == NO_OP:
            continue
        if actions[i] >= FIRST_TARGET:
            _command_at(rules, units, e, i, actions[i] - FIRST_TARGET)
            continue
        cancel(units, e, i)
        units.target[e, i] = NOBODY
        units.order[e, i] = IDLE if actions[i] == STOP else MOVE
        units.order_x[e, i] = units.x[e, i] + rules.move_amount * (
            (actions[i] == EAST) - (actions[i] == WEST)
        )
        units.order_y[e, i] = units.y[e, i] + rules.move_amount * (
            (actions[i] == NORTH) - (actions[i] == SOUTH)
        )


@inlined
def _command_at(rules: Rules, units: Units, e: int, i: int, index: int) -> None:
    """Order agent i to heal agent ``index`` if it is a healer, otherwise to attack enemy ``index``.

    An agent cannot attack a unit that its weapon does not hit, e.g. a flyer. It then keeps its former order;
    with the rules of SMAClite it walks to that unit.
    """
    heals = rules.healer[i]
    target = index if heals else rules.n_agents + index
    if not (rules.can_heal[i, target] if heals else rules.can_hit[i, target]):
        if rules.targeting == AS_SMACLITE:
            units.order[e, i], units.target[e, i] = MOVE, NOBODY
            units.order_x[e, i], units.order_y[e, i] = units.x[e, target], units.y[e, target]
        return
    if target != units.target[e, i]:
        cancel(units, e, i)
    units.target[e, i] = target
    units.order[e, i] = HEAL if heals else ATTACK


@inlined
def play_loop(rules: Rules, units: Units, e: int, scratch: Scratch) -> None:
    """Play one game loop of battle ``e``."""
    for i in range(rules.team.size):
        alive = units.health[e, i] > 0.0
        scratch.x[i] = units.x[e, i] if alive else FAR_AWAY
        scratch.y[i] = units.y[e, i] if alive else FAR_AWAY
    choose_targets(rules, units, e, scratch)
    fire(rules, units, e, scratch)
    if rules.targeting == AS_SMACLITE:
        move_lite_units(rules, units, e, scratch)
    else:
        move_units(rules, units, e, scratch)
    land_hits(rules, units, e, scratch)
    _recover(rules, units, e, scratch)
    units.loops[e] += 1


@inlined
def _recover(rules: Rules, units: Units, e: int, scratch: Scratch) -> None:
    """Let shields, health and energy regenerate, and let healers heal."""
    for i in range(rules.team.size):
        scratch.healed[i] = False
    for i in range(rules.team.size):
        health = units.health[e, i]
        if health <= 0.0:
            continue
        units.busy[e, i] = scratch.engaged[i] or units.windup[e, i] >= 0.0
        if units.attacked[e, i] < NEVER:
            units.attacked[e, i] += 1
        if units.shield_delay[e, i] > 0.0:
            units.shield_delay[e, i] -= 1.0
        elif units.shield[e, i] < rules.max_shield[i]:
            shield = units.shield[e, i] + rules.shield_regeneration[i]
            units.shield[e, i] = min(shield, rules.max_shield[i])
        if health < rules.max_health[i]:
            units.health[e, i] = min(health + rules.health_regeneration[i], rules.max_health[i])
        if rules.healer[i]:
            _heal(rules, units, e, i, scratch)


@inlined
def _heal(rules: Rules, units: Units, e: int, i: int, scratch: Scratch) -> None:
    """Let healer i heal its target, unless that is unhurt, out of range or healed by another healer."""
    j, energy = units.target[e, i], units.energy[e, i]
    units.energy[e, i] = min(energy + rules.energy_regeneration[i], rules.energy_max[i])
    if j < 0 or not scratch.engaged[i] or energy <= 0.0 or scratch.healed[j]:
        units.busy[e, i] = False
        return
    health = units.health[e, j]
    units.busy[e, i] = 0.0 < health < rules.max_health[j]
    if units.busy[e, i]:
        cost = rules.heal_cost[i] / rules.heal_rate[i]  # energy for one point of health
        healed = min(rules.heal_rate[i], rules.max_health[j] - health, energy / cost)
        units.health[e, j] = health + healed
        units.energy[e, i] -= cost * healed
        scratch.healed[j] = True
