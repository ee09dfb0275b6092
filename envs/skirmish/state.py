"""The state of a batch of E battles of U units, and the start of a battle.

Units are numbered from 0 to U - 1: first the agents by their numbers, then the enemies by theirs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.common import (
    HUNT,
    HUNT_PERIOD,
    IDLE,
    NEVER,
    NO_TIMER,
    NOBODY,
    NOWHERE,
    seed_stream,
    uniform,
)
from remix.envs.skirmish.kernels.compiler import inlined, lean
from remix.envs.skirmish.rules import Rules

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Units(NamedTuple):
    """The state of all units. Arrays are ``[E, U]`` unless said otherwise.

    - Place: ``x`` and ``y`` in map units. A dead unit keeps its last place.
    - Points: ``health`` (0 = dead), ``shield`` and ``energy``. ``damage_taken`` counts since the start.
    - Timers in game loops: ``cooldown`` until the weapon is ready; ``windup`` until the end of the damage
      point (-1 = not shooting); ``shield_delay`` until shields regenerate; ``hit_time [E, U, 2]`` until the
      hits of its shot take effect on unit ``hit_target`` (-1 = no shot).
    - Orders: ``order`` is a code of ``kernels.common``. It leads to the place ``order_x``, ``order_y`` or
      to the unit ``target`` (-1 = none). A unit with ATTACK_MOVE, HOLD or ATTACK_GROUP chooses its
      ``target`` itself.
    - Damage: ``attacker`` is the last unit that damaged it (-1 = none), which was ``attacked`` loops ago.
    - Movement: ``way`` is the number of the cell through which it walks (-1 = straight to the goal).
      ``speed`` per loop and ``heading_x``, ``heading_y`` belong to units that accelerate. ``side`` is the
      side on which it last passed others, +1 or -1.
    - Flags of the last loop: ``pushed``, it overlapped others; ``blocked``, it found no way; ``busy``, it
      attacked or healed. ``waiting`` marks a unit that has reached the goal of its ATTACK_MOVE, or that
      touches such a friend near the goal.
    - Battles, ``[E]``: ``loops`` of its clock, and ``random``, the state of the random numbers. The clock
      starts at 0, or anywhere within their period where enemies hunt.
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
    """Working memory of one thread for one battle at a time. Arrays are ``[U]`` unless said otherwise.

    - Targets: ``x`` and ``y`` are places at the beginning of the loop; the dead are far away. ``engaged``:
      the target is in range. ``standing``: the unit must not move. ``firm``: friends cannot press past it.
      ``victims`` lists units that were attacked of late.
    - Steps: ``length`` of the wanted step (0 = none). ``sight`` is the distance in which the unit looks for
      others in its way. ``moving``: it makes a step, to ``next_x``, ``next_y``. ``push_x`` and ``push_y``
      are how others push it afterwards.
    - Neighbours: ``active`` units want to move or have overlapped others. ``near [U, U]`` lists whom they
      may touch; the first ``n_near[i]`` entries of row i count. A unit touches others only within its
      ``span``. ``by_x`` lists all units in the order of x; ``sorted_x``, ``sorted_y`` and ``sorted_span``
      are their values in this order. ``obstacle_x``, ``obstacle_y`` and ``obstacle_bound`` describe those
      in the way of one unit. The sorted arrays and those of obstacles have length U + 4: with the movement
      of SMAClite they hold constraints of velocities, of which up to four come from walls.
    - Hits: ``alive`` before the hits of this loop. ``exploding``: the unit blows itself up. ``queue`` lists
      dead units that still have to explode. ``healed`` in this loop.
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
    """The arrays of ``n_battles`` battles, filled with zeros. :func:`start` has to start them."""
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
    """Working memory for battles of ``n_units`` units. Each thread needs its own."""
    flags = {"engaged", "standing", "firm", "moving", "active", "alive", "exploding", "healed"}
    whole = {"n_near", "victims", "queue"}

    def array(name: str) -> NDArray[np.generic]:
        if name in ("near", "by_x"):  # unsigned indices need no test for negative ones
            return np.zeros((n_units, n_units) if name == "near" else n_units, np.uint16)
        size = n_units + 4 if name.startswith(("obstacle_", "sorted_")) else n_units
        return np.zeros(size, np.bool_ if name in flags else np.int64 if name in whole else np.float64)

    return Scratch(**{name: array(name) for name in Scratch._fields})  # type: ignore[arg-type]


@lean
def start(rules: Rules, units: Units, rows: Integers, seeds: Integers) -> None:
    """Start the battles with the numbers ``rows [R]`` anew, each from its seed in ``seeds [R]``."""
    for r in range(rows.size):
        e = rows[r]
        seed_stream(units.random, e, np.uint64(seeds[r]))
        units.loops[e] = 0
        _place(rules, units, e)
        _give_standing_orders(rules, units, e)


@inlined
def _place(rules: Rules, units: Units, e: int) -> None:
    """Put every unit of battle ``e`` at its first place, unhurt and idle."""
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
    """Give all enemies of battle ``e`` their order. If its goal is a segment, draw a point of it."""
    x, y = rules.goal_x[0], rules.goal_y[0]
    if rules.goal_x[1] != x or rules.goal_y[1] != y:
        share = uniform(units.random, e)
        x += share * (rules.goal_x[1] - x)
        y += share * (rules.goal_y[1] - y)
    for i in range(rules.n_agents, rules.team.size):
        units.order[e, i], units.order_x[e, i], units.order_y[e, i] = rules.enemy_order, x, y
    if rules.enemy_order == HUNT:
        units.loops[e] = int(HUNT_PERIOD * uniform(units.random, e))
