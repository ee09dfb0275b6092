"""What the compiled views of SMACv2's battles have in common: constants, and what lasts for a battle.

Beside what SMAC shows there are ranges by type of unit, cones of sight, handicaps, and enemies that only
those agents see who know of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.compiler import inlined
from remix.envs.skirmish.kernels.views import Bodies, Encoding

NOBODY = -1
_LEAST = 1e-7  # directions and distances to the east and west that are taken for at least this long


class DrawnEncoding(NamedTuple):
    """What never changes, for K types of units.

    ``basic`` as for SMAC's battles, but where it has a number for every unit it has one for every type, and
    its ``aims [K, K]`` say which types heal which. ``sight`` and ``reach [K]`` of the types. ``turns_x``,
    ``turns_y [F]`` directions that agents can look at, none if they see all around. ``masked``, whether only
    targets in reach are available; ``everything``, whether all units are in sight. ``own_place``,
    ``shows_attack``, ``shows_health``: whether these entries exist, and ``types_of_others``,
    ``attack_of_others``, ``health_of_others`` whether they are filled for other agents. ``erases_all``,
    whether an unknown enemy hides all before it; ``awareness`` probability with which an agent knows of an
    enemy that another one sees first.
    """

    basic: Encoding
    sight: NDArray[np.float64]
    reach: NDArray[np.float64]
    turns_x: NDArray[np.float64]
    turns_y: NDArray[np.float64]
    masked: bool
    everything: bool
    own_place: bool
    shows_attack: bool
    shows_health: bool
    types_of_others: bool
    attack_of_others: bool
    health_of_others: bool
    erases_all: bool
    awareness: float


class Memory(NamedTuple):
    """What E battles remember: ``known [E, M, N]`` whether agent i knows of enemy k; ``finder [E, M]`` the
    agent that saw the enemy first (-1 = none); ``turn [E, N]`` the direction in which an agent looks.

    For one pass over the agents: ``order [E, N]`` in which they look, ``luck [E, M * N]`` numbers in [0, 1)
    that decide who hears of an enemy, in the order in which they are needed. ``offered [E, N, T]``, which
    targets are in reach.
    """

    known: NDArray[np.bool_]
    finder: NDArray[np.int64]
    turn: NDArray[np.int64]
    order: NDArray[np.int64]
    luck: NDArray[np.float64]
    offered: NDArray[np.bool_]


class Handicaps(NamedTuple):
    """Of E battles: ``kind [E, U]`` types of the units; ``hidden [E, N, M]``, ``attack [E, N]`` and ``health
    [E, N]`` as in :class:`remix.envs.skirmish.kernels.mustering.Drawn`.
    """

    kind: NDArray[np.int64]
    hidden: NDArray[np.bool_]
    attack: NDArray[np.float64]
    health: NDArray[np.float64]


@inlined
def is_within(
    encoding: DrawnEncoding,
    bodies: Bodies,
    memory: Memory,
    e: int,
    i: int,
    j: int,
    limit: float,
    strict: bool,
) -> bool:
    """Whether unit j is within a range of agent i, where there are cones in its cone."""
    dx, dy = bodies.x[e, j] - bodies.x[e, i], bodies.y[e, j] - bodies.y[e, i]
    squared = dx * dx + dy * dy
    if encoding.turns_x.size == 0:
        return bool(squared < limit * limit if strict else squared <= limit * limit)
    return bool(squared <= limit * limit and _in_cone(encoding, memory.turn[e, i], dx, dy))


@inlined
def _in_cone(encoding: DrawnEncoding, turn: int, dx: float, dy: float) -> bool:
    """Whether a place lies in the cone around a direction.

    As in SMACv2 angles are those of lines, not of rays, on the side of the place: a look due east sees due
    west as well, and others a sliver beside north or south on the other side.
    """
    look_x, look_y = encoding.turns_x[turn], encoding.turns_y[turn]
    if dx > 0.0:
        dx, look_x = max(dx, _LEAST), max(look_x, _LEAST)
    else:
        dx, look_x = min(dx, -_LEAST), min(look_x, -_LEAST)
    return bool(abs(np.arctan(dy / dx) - np.arctan(look_y / look_x)) < np.pi / encoding.turns_x.size)


@inlined
def shown_health(encoding: DrawnEncoding, bodies: Bodies, handicaps: Handicaps, e: int, i: int) -> float:
    """Share of the health that agent i may still lose before it dies."""
    share = bodies.health[e, i] * encoding.basic.health_scale[handicaps.kind[e, i]]
    if encoding.shows_health:
        level = handicaps.health[e, i]
        share = (share - level) / (1.0 - level)
    return float(share)
