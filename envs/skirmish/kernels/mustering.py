"""Compiled draws of a battle of SMACv2: who fights, where, and with what handicaps.

Everything comes from a random stream of the battle's own, in the order teams, places, handicaps, so that
equal seeds give equal teams and places whatever the handicaps are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.common import seed_stream, uniform
from remix.envs.skirmish.kernels.compiler import inlined, lean
from remix.envs.skirmish.kernels.placing import Floor, Placed, place

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

WEIGHTED_TEAMS, ALL_TEAMS = range(2)
TOGETHER, MIRRORED_OR_SURROUNDED = range(2)

# Where the teams stand that are not drawn a place.
_AGENTS_AT, _ENEMIES_AT = (8.0, 16.0), (24.0, 16.0)
_GAP = 2.0  # of mirrored starts to the middle is half of it; of groups on the diagonals it is the whole
_STREAM = np.uint64(0x5851F42D4C957F2D)  # so that this stream is another one than that of the weapons


class Muster(NamedTuple):
    """What never changes: how to draw ``n_agents`` and ``n_enemies`` of K types.

    ``team`` and ``start`` codes of this module; ``chances [K]`` the running sum of the types' probabilities,
    ``listed [L]`` the types that multisets consist of, ``exception [K]`` types that make up no team alone;
    ``rank [K]`` of types in the order of agents. ``mirrored`` probability of such a start on a ground of
    ``width`` by ``height``; ``floor`` where units can stand.

    ``shown`` probability that an agent sees strength and type of an enemy. ``attack`` and ``health [2]``
    bounds of numbers for every agent, or, where they are not empty, ``attack_items`` and ``health_items
    [I, N]`` to choose from.
    """

    n_agents: int
    n_enemies: int
    team: int
    chances: Floats
    listed: Integers
    exception: Flags
    rank: Integers
    start: int
    mirrored: float
    width: float
    height: float
    floor: Floor
    shown: float
    attack: Floats
    attack_items: Floats
    health: Floats
    health_items: Floats


class Drawn(NamedTuple):
    """What was drawn for E battles: ``kind [E, U]`` type of each unit; ``x``, ``y [E, U]`` where it starts;
    ``hidden [E, N, M]`` whether agent i does not see strength and type of enemy k; ``attack [E, N]``
    probability that attacks take place; ``health [E, N]`` share of health at which an agent dies; ``random
    [E]`` state of the random numbers, which go on during the battle.
    """

    kind: Integers
    x: Floats
    y: Floats
    hidden: Flags
    attack: Floats
    health: Floats
    random: NDArray[np.uint64]


@lean
def muster(plan: Muster, drawn: Drawn, placed: Placed, seeds: Integers) -> None:
    """Draw all battles, each from its seed in ``seeds [E]``."""
    n_agents = plan.n_agents
    for e in range(seeds.size):
        seed_stream(drawn.random, e, np.uint64(seeds[e]) ^ _STREAM)
        kind, x, y = drawn.kind[e], drawn.x[e], drawn.y[e]
        draw_teams(plan, drawn.random, e, kind)
        draw_places(plan, drawn.random, e, x, y)
        place(plan.floor, kind, x, y, placed)
        number_agents(plan.rank, n_agents, kind, x, y)
        for i in range(n_agents):
            for k in range(plan.n_enemies):
                drawn.hidden[e, i, k] = plan.shown < 1.0 and uniform(drawn.random, e) >= plan.shown
        _draw_trait(plan.attack, plan.attack_items, drawn.random, e, drawn.attack[e])
        _draw_trait(plan.health, plan.health_items, drawn.random, e, drawn.health[e])


@inlined
def draw_below(streams: NDArray[np.uint64], e: int, n: int) -> int:
    """A whole number from 0 to n - 1 from ``streams [E]``, evenly."""
    return int(uniform(streams, e) * n)


@lean
def draw_teams(plan: Muster, streams: NDArray[np.uint64], e: int, kind: Integers) -> None:
    """Draw ``kind [U]``: agents, then as many enemies of the same types, and more if there are more."""
    n_agents, n_enemies = plan.n_agents, plan.n_enemies
    _draw_team(plan, streams, e, kind[:n_agents])
    for k in range(min(n_agents, n_enemies)):
        kind[n_agents + k] = kind[k]
    if n_enemies > n_agents:
        _draw_team(plan, streams, e, kind[2 * n_agents :])


@lean
def _draw_team(plan: Muster, streams: NDArray[np.uint64], e: int, kind: Integers) -> None:
    """Types of units, again as long as all are exceptions."""
    usual = 0
    while usual == 0:
        if plan.team == ALL_TEAMS:
            _draw_multiset(plan.listed, streams, e, kind)
        else:
            for i in range(kind.size):
                chance, kind[i] = uniform(streams, e), 0
                while chance >= plan.chances[kind[i]]:
                    kind[i] += 1
        for i in range(kind.size):
            usual += not plan.exception[kind[i]]


@lean
def _draw_multiset(listed: Integers, streams: NDArray[np.uint64], e: int, kind: Integers) -> None:
    """One of all multisets, each as likely as any other, in random order.

    A multiset is a row of units with bars between the types, any of which is as likely as any other.
    """
    bars, units, chosen = listed.size - 1, 0, 0
    while units < kind.size:
        if uniform(streams, e) * (bars + kind.size - units) < bars:
            bars -= 1
            chosen += 1
        else:
            kind[units] = listed[chosen]
            units += 1
    for i in range(kind.size - 1, 0, -1):
        j = draw_below(streams, e, i + 1)
        kind[i], kind[j] = kind[j], kind[i]


@lean
def draw_places(plan: Muster, streams: NDArray[np.uint64], e: int, x: Floats, y: Floats) -> None:
    """Draw ``x``, ``y [U]`` where units are to stand, anywhere on the ground and on top of each other."""
    n_agents = plan.n_agents
    if plan.start == TOGETHER:
        x[:n_agents], y[:n_agents] = _AGENTS_AT
        x[n_agents:], y[n_agents:] = _ENEMIES_AT
    elif uniform(streams, e) <= plan.mirrored:
        _mirror(plan, streams, e, x, y)
    else:
        x[:n_agents], y[:n_agents] = plan.width / 2, plan.height / 2
        _surround(plan, streams, e, x[n_agents:], y[n_agents:])


@lean
def _mirror(plan: Muster, streams: NDArray[np.uint64], e: int, x: Floats, y: Floats) -> None:
    """Agents in the western half, enemies as their mirror images; more enemies in the eastern half."""
    n = plan.n_agents
    for i in range(n):
        x[i] = uniform(streams, e) * (plan.width / 2 - _GAP / 2)
        y[i] = uniform(streams, e) * plan.height
    for k in range(plan.n_enemies):
        if k < n:
            x[n + k], y[n + k] = plan.width - x[k], y[k]
        else:
            x[n + k] = (1.0 + uniform(streams, e)) * (plan.width / 2)
            y[n + k] = uniform(streams, e) * plan.height


@lean
def _surround(plan: Muster, streams: NDArray[np.uint64], e: int, x: Floats, y: Floats) -> None:
    """Up to four groups of enemies, of any sizes, each at a point of a diagonal of its own."""
    n_groups, taken, first = 1 + draw_below(streams, e, 4), 0, 0
    for group in range(n_groups):
        last = first
        for _ in range(first, x.size):  # each of the rest belongs to one of the groups that are left
            last += uniform(streams, e) * (n_groups - group) < 1.0
        diagonal, corner = draw_below(streams, e, 4 - group), 0
        while taken >> corner & 1 or diagonal > 0:  # the one of that number among those not taken
            diagonal -= 1 - (taken >> corner & 1)
            corner += 1
        taken |= 1 << corner
        east, north, nearness = corner & 1, corner >> 1, uniform(streams, e)
        near_x, near_y = plan.width / 2 + _GAP * (2 * east - 1), plan.height / 2 + _GAP * (2 * north - 1)
        x[first:last] = near_x * nearness + plan.width * east * (1.0 - nearness)
        y[first:last] = near_y * nearness + plan.height * north * (1.0 - nearness)
        first = last


@lean
def number_agents(rank: Integers, n_agents: int, kind: Integers, x: Floats, y: Floats) -> None:
    """Bring the agents into the order of their types, then of x, then of y."""
    for i in range(1, n_agents):
        at, mine, my_x, my_y = i, kind[i], x[i], y[i]
        while at > 0:
            other, other_x, other_y = kind[at - 1], x[at - 1], y[at - 1]
            later = rank[other] > rank[mine]
            if other == mine:
                later = other_x > my_x or (other_x == my_x and other_y > my_y)
            if not later:
                break
            kind[at], x[at], y[at] = other, other_x, other_y
            at -= 1
        kind[at], x[at], y[at] = mine, my_x, my_y


@lean
def _draw_trait(bounds: Floats, items: Floats, streams: NDArray[np.uint64], e: int, numbers: Floats) -> None:
    """A number for every agent: between the bounds, or those of an item, shuffled."""
    if items.shape[0] > 0:
        item = draw_below(streams, e, items.shape[0])
        for i in range(numbers.size):
            numbers[i] = items[item, i]
        for i in range(numbers.size - 1, 0, -1):
            j = draw_below(streams, e, i + 1)
            numbers[i], numbers[j] = numbers[j], numbers[i]
    elif bounds[0] < bounds[1]:
        for i in range(numbers.size):
            numbers[i] = bounds[0] + uniform(streams, e) * (bounds[1] - bounds[0])
    else:
        for i in range(numbers.size):
            numbers[i] = bounds[0]
