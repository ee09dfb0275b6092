"""State of a batch of E battles of U units, and how a battle starts.

Units are numbered 0 to U - 1: the agents by their ids, then the enemies by theirs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.common import IDLE, NEVER, NO_TIMER, NOBODY, NOWHERE, seed_stream, uniform
from remix.envs.skirmish.kernels.compiler import inlined, lean
from remix.envs.skirmish.rules import Rules

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Units(NamedTuple):
    """Where every unit is, how it fares and what it does: arrays ``[E, U]``, unless said otherwise.

    - ``x``, ``y`` map units; a dead unit keeps its last place. ``health`` (0 = dead), ``shield`` and
      ``energy`` points; ``damage_taken`` since the start.
    - Timers in loops: ``cooldown`` until the weapon is ready, ``windup`` left of the damage point (-1 =
      not shooting), ``shield_delay`` until shields regenerate, ``hit_time [E, U, 2]`` until a shot takes
      effect on unit ``hit_target`` (-1 = no shot).
    - ``order`` one of the codes of ``kernels.common``, towards ``order_x``, ``order_y`` or at unit
      ``target`` (-1 = none); units with ATTACK_MOVE, HOLD or ATTACK_GROUP choose ``target`` themselves.
    - ``attacker`` the last unit that damaged it (-1 = none), ``attacked`` loops ago.
    - ``way`` the number of the cell by way of which it walks (-1 = straight on); ``speed`` per loop and
      ``heading_x``, ``heading_y`` of units that accelerate; ``side`` (+1, -1) on which it passed others.
    - In the last loop: ``pushed``, whether it overlapped others; ``blocked``, whether it found no way;
      ``busy``, whether it attacked or healed. ``waiting``, whether it is at the goal of its ATTACK_MOVE,
      or next to a friend that is.
    - Per battle ``[E]``: ``loops`` since the start, ``random`` state of its random numbers.
    """

    x: Floats
    y: Floats
    health: Floats
    shield: Floats
    energy: Floats
    cooldown: Floats
    windup: Floats
    shield_delay: Floats
    target: Integers
    order: Integers
    order_x: Floats
    order_y: Floats
    attacker: Integers
    attacked: Integers
    hit_time: Floats
    hit_target: Integers
    way: Integers
    speed: Floats
    heading_x: Floats
    heading_y: Floats
    side: Integers
    pushed: NDArray[np.bool_]
    blocked: NDArray[np.bool_]
    waiting: NDArray[np.bool_]
    busy: NDArray[np.bool_]
    damage_taken: Floats
    loops: Integers
    random: NDArray[np.uint64]


class Scratch(NamedTuple):
    """Working memory of one thread, for one battle at a time: arrays ``[U]``, ``near [U, U]``.

    - ``x``, ``y`` places at the beginning of the loop, the dead far away; ``engaged``, whether the target
      is in range; ``standing``, whether the unit must not move; ``firm``, whether friends cannot press
      past it; ``victims``, units that were attacked of late.
    - ``length`` of the step that it wants to make (0 = none), ``sight`` how far it looks ahead for it;
      ``moving``, whether it makes one, to ``next_x``, ``next_y``; ``push_x``, ``push_y`` how others then
      push it.
    - ``active``, whether it wants to move or overlapped others; ``near[i, :n_near[i]]`` who is close to
      such a unit; ``span`` in which a unit may touch others; ``by_x`` all units in the order of x, and
      ``sorted_x``, ``sorted_y``, ``sorted_span`` theirs; ``obstacle_x``, ``obstacle_y`` and
      ``obstacle_bound`` of those in the way of one unit. These and the sorted ones have room for four walls
      more, as constraints of velocities when units move as in SMAClite.
    - ``alive`` before the hits of the loop; ``exploding``, whether it blows itself up; ``queue`` of dead
      units still to explode; ``healed`` in this loop.
    """

    x: Floats
    y: Floats
    length: Floats
    sight: Floats
    next_x: Floats
    next_y: Floats
    push_x: Floats
    push_y: Floats
    engaged: NDArray[np.bool_]
    standing: NDArray[np.bool_]
    firm: NDArray[np.bool_]
    moving: NDArray[np.bool_]
    active: NDArray[np.bool_]
    alive: NDArray[np.bool_]
    exploding: NDArray[np.bool_]
    healed: NDArray[np.bool_]
    near: NDArray[np.uint16]
    n_near: Integers
    span: Floats
    by_x: NDArray[np.uint16]
    sorted_x: Floats
    sorted_y: Floats
    sorted_span: Floats
    obstacle_x: Floats
    obstacle_y: Floats
    obstacle_bound: Floats
    victims: Integers
    queue: Integers


def allocate(n_battles: int, n_units: int) -> Units:
    """Zeroed arrays for ``n_battles``, to be started by :func:`start`."""
    flags, whole = (
        {"pushed", "blocked", "waiting", "busy"},
        {"target", "order", "attacker", "attacked", "hit_target", "way", "side"},
    )

    def array(name: str) -> NDArray[np.generic]:
        if name in ("loops", "random"):
            return np.zeros(n_battles, np.int64 if name == "loops" else np.uint64)
        shape = (n_battles, n_units, 2) if name == "hit_time" else (n_battles, n_units)
        return np.zeros(shape, np.bool_ if name in flags else np.int64 if name in whole else np.float64)

    return Units(**{name: array(name) for name in Units._fields})  # type: ignore[arg-type]


def allocate_scratch(n_units: int) -> Scratch:
    """Working memory for battles of ``n_units``; each thread needs its own."""
    flags = {"engaged", "standing", "firm", "moving", "active", "alive", "exploding", "healed"}
    whole = {"n_near", "victims", "queue"}

    def array(name: str) -> NDArray[np.generic]:
        if name in ("near", "by_x"):  # unsigned numbers spare the test for negative indices
            return np.zeros((n_units, n_units) if name == "near" else n_units, np.uint16)
        size = n_units + 4 if name.startswith(("obstacle_", "sorted_")) else n_units
        return np.zeros(size, np.bool_ if name in flags else np.int64 if name in whole else np.float64)

    return Scratch(**{name: array(name) for name in Scratch._fields})  # type: ignore[arg-type]


@lean
def start(rules: Rules, units: Units, rows: Integers, seeds: Integers) -> None:
    """Start the battles ``rows [R]`` anew, each from the random stream of its seed in ``seeds [R]``."""
    for r in range(rows.size):
        e = rows[r]
        seed_stream(units.random, e, np.uint64(seeds[r]))
        units.loops[e] = 0
        _place(rules, units, e)
        _give_standing_orders(rules, units, e)


@inlined
def _place(rules: Rules, units: Units, e: int) -> None:
    """Put every unit at its start, whole and idle."""
    for i in range(rules.team.size):
        units.x[e, i], units.y[e, i] = rules.start_x[i], rules.start_y[i]
        units.health[e, i], units.shield[e, i] = rules.max_health[i], rules.max_shield[i]
        units.energy[e, i] = rules.energy_start[i]
        units.cooldown[e, i], units.windup[e, i], units.shield_delay[e, i] = 0.0, NO_TIMER, 0.0
        units.target[e, i], units.attacker[e, i], units.attacked[e, i] = NOBODY, NOBODY, NEVER
        units.order[e, i], units.order_x[e, i], units.order_y[e, i] = IDLE, rules.start_x[i], rules.start_y[i]
        units.hit_time[e, i, 0], units.hit_time[e, i, 1] = NO_TIMER, NO_TIMER
        units.hit_target[e, i], units.way[e, i] = NOBODY, NOWHERE
        units.speed[e, i], units.heading_x[e, i], units.heading_y[e, i] = 0.0, 0.0, 0.0
        units.side[e, i] = 1
        units.pushed[e, i] = units.blocked[e, i] = units.waiting[e, i] = units.busy[e, i] = False
        units.damage_taken[e, i] = 0.0


@inlined
def _give_standing_orders(rules: Rules, units: Units, e: int) -> None:
    """The one order of an episode that all enemies get; where the goal is a segment, a random point on it."""
    x, y = rules.goal_x[0], rules.goal_y[0]
    if rules.goal_x[1] != x or rules.goal_y[1] != y:
        share = uniform(units.random, e)
        x += share * (rules.goal_x[1] - x)
        y += share * (rules.goal_y[1] - y)
    for i in range(rules.n_agents, rules.team.size):
        units.order[e, i], units.order_x[e, i], units.order_y[e, i] = rules.enemy_order, x, y
