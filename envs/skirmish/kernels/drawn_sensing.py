"""Compiled observations of agents in SMACv2's battles, and who knows of which enemy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.compiler import inlined, lean
from remix.envs.skirmish.kernels.drawn_views import (
    NOBODY,
    DrawnEncoding,
    Handicaps,
    Memory,
    is_within,
    shown_health,
)
from remix.envs.skirmish.kernels.sensing import feel_ground, show_last_actions
from remix.envs.skirmish.kernels.views import NORTH, Bodies

_N_MOVES = 4


@lean
def forget(memory: Memory, bodies: Bodies, e: int) -> None:
    """After a step: what dead agents were the first to see is unknown again, and so are dead enemies."""
    known, finder = memory.known[e], memory.finder[e]
    n_enemies, n_agents = known.shape
    for i in range(n_agents):
        if bodies.health[e, i] <= 0.0:
            for k in range(n_enemies):
                if finder[k] == i:
                    finder[k] = NOBODY
                    known[k, :] = False
                    known[:, i] = False
    for k in range(n_enemies):
        if bodies.health[e, n_agents + k] <= 0.0:
            finder[k] = NOBODY
            known[k, :] = False


@inlined
def look(
    encoding: DrawnEncoding,
    bodies: Bodies,
    handicaps: Handicaps,
    memory: Memory,
    last_actions: NDArray[np.int64],
    e: int,
    avail: NDArray[np.bool_],
    obs: NDArray[np.float32],
) -> None:
    """One pass over the agents of battle ``e`` in the order of the memory, which it changes.

    Writes ``obs [N, O]`` of agents that may take the actions ``avail [N, A]``; the dead see nothing, and
    find nobody.
    """
    obs[:, :] = 0.0
    used = 0  # of the numbers in memory.luck
    for turn in range(obs.shape[0]):
        i = memory.order[e, turn]
        if bodies.health[e, i] > 0.0:
            used = _find(encoding, bodies, handicaps, memory, e, i, used)
            _observe(encoding, bodies, handicaps, memory, last_actions, e, i, avail[i], obs[i])


@inlined
def _find(
    encoding: DrawnEncoding, bodies: Bodies, handicaps: Handicaps, memory: Memory, e: int, i: int, used: int
) -> int:
    """Agent i finds the enemies in its sight that nobody has found, and others may hear of them."""
    finder, known, n_agents = memory.finder[e], memory.known[e], encoding.basic.n_agents
    sight = encoding.sight[handicaps.kind[e, i]]
    for k in range(finder.size):
        if finder[k] == NOBODY and is_within(encoding, bodies, memory, e, i, n_agents + k, sight, True):
            known[k, i] = True
            finder[k] = i
            for other in range(n_agents):
                if other != i:
                    if memory.luck[e, used] < encoding.awareness:
                        known[k, other] = True
                    used += 1
    return used


@inlined
def _observe(
    encoding: DrawnEncoding,
    bodies: Bodies,
    handicaps: Handicaps,
    memory: Memory,
    last_actions: NDArray[np.int64],
    e: int,
    i: int,
    avail: NDArray[np.bool_],
    obs: NDArray[np.float32],
) -> None:
    """Blocks: moves and ground, enemies, other agents, the agent itself."""
    basic, n_agents = encoding.basic, encoding.basic.n_agents
    for k in range(_N_MOVES):
        obs[k] = avail[NORTH + k]
    at = feel_ground(basic, int(bodies.x[e, i]), int(bodies.y[e, i]), obs)
    _see_enemies(encoding, bodies, handicaps, memory, e, i, obs[at:])
    at += memory.finder.shape[1] * basic.enemy_width
    _see_agents(encoding, bodies, handicaps, memory, e, i, obs[at:])
    if basic.last_action:
        show_last_actions(basic.n_actions, last_actions, i, basic.ally_width, obs[at:])
    at += (n_agents - 1) * basic.ally_width
    _see_itself(encoding, bodies, handicaps, memory, e, i, obs[at:])


@inlined
def _see_enemies(
    encoding: DrawnEncoding,
    bodies: Bodies,
    handicaps: Handicaps,
    memory: Memory,
    e: int,
    i: int,
    rows: NDArray[np.float32],
) -> None:
    """Write the enemies in sight that agent i knows of; those before one that it does not know are erased."""
    basic, known = encoding.basic, memory.known[e]
    sight, first, n_enemies = encoding.sight[handicaps.kind[e, i]], 0, memory.finder.shape[1]
    if encoding.erases_all:
        for k in range(n_enemies):
            first = first if known[k, i] else k + 1
    for k in range(first, n_enemies):
        j, at = basic.n_agents + k, k * basic.enemy_width
        if not known[k, i] or bodies.health[e, j] <= 0.0:
            continue
        if encoding.everything or is_within(encoding, bodies, memory, e, i, j, sight, True):
            _see_place(bodies, e, i, j, sight, rows[at:])
            rows[at] = memory.offered[e, i, k]
            if not handicaps.hidden[e, i, k]:
                kind, at = handicaps.kind[e, j], at + 4
                if basic.all_health:
                    rows[at] = bodies.health[e, j] * basic.health_scale[kind]
                    at += 1
                    if basic.enemy_shield:
                        rows[at] = bodies.shield[e, j] * basic.shield_scale[kind]
                        at += 1
                rows[at + basic.type_bit[kind]] = 1.0


@inlined
def _see_agents(
    encoding: DrawnEncoding,
    bodies: Bodies,
    handicaps: Handicaps,
    memory: Memory,
    e: int,
    i: int,
    rows: NDArray[np.float32],
) -> None:
    """Write the other agents in sight of agent i."""
    basic = encoding.basic
    sight, row = encoding.sight[handicaps.kind[e, i]], -basic.ally_width
    for j in range(basic.n_agents):
        row += basic.ally_width if j != i else 0
        if j == i or bodies.health[e, j] <= 0.0:
            continue
        if encoding.everything or is_within(encoding, bodies, memory, e, i, j, sight, True):
            kind, at = handicaps.kind[e, j], row + 4
            _see_place(bodies, e, i, j, sight, rows[row:])
            rows[row] = 1.0
            if basic.all_health:
                if encoding.health_of_others:
                    rows[at] = shown_health(encoding, bodies, handicaps, e, j)
                at += 1
                if basic.ally_shield:
                    rows[at] = bodies.shield[e, j] * basic.shield_scale[kind]
                    at += 1
            if encoding.shows_attack:
                rows[at] = handicaps.attack[e, j] if encoding.attack_of_others else 0.0
                at += 1
            if encoding.shows_health:
                rows[at] = handicaps.health[e, j] if encoding.health_of_others else 0.0
                at += 1
            rows[at + basic.type_bit[kind]] = encoding.types_of_others


@inlined
def _see_place(bodies: Bodies, e: int, i: int, j: int, sight: float, row: NDArray[np.float32]) -> None:
    """Write distance and direction of unit j, as parts of the sight of agent i."""
    dx, dy = bodies.x[e, j] - bodies.x[e, i], bodies.y[e, j] - bodies.y[e, i]
    row[1] = np.sqrt(dx * dx + dy * dy) / sight
    row[2] = dx / sight
    row[3] = dy / sight


@inlined
def _see_itself(
    encoding: DrawnEncoding,
    bodies: Bodies,
    handicaps: Handicaps,
    memory: Memory,
    e: int,
    i: int,
    row: NDArray[np.float32],
) -> None:
    """Write the agent's own health, shield, handicaps, place, direction and type."""
    basic, kind, at = encoding.basic, handicaps.kind[e, i], 0
    if basic.own_health:
        row[0] = shown_health(encoding, bodies, handicaps, e, i)
        at = 1
        if basic.ally_shield:
            row[1] = bodies.shield[e, i] * basic.shield_scale[kind]
            at = 2
    if encoding.shows_attack:
        row[at] = handicaps.attack[e, i]
        at += 1
    if encoding.shows_health:
        row[at] = handicaps.health[e, i]
        at += 1
    if encoding.own_place:
        row[at], row[at + 1] = bodies.x[e, i] / basic.open.shape[0], bodies.y[e, i] / basic.open.shape[1]
        at += 2
    if encoding.turns_x.size > 0:
        turn = memory.turn[e, i]
        row[at], row[at + 1] = encoding.turns_x[turn], encoding.turns_y[turn]
        at += 2
    row[at + basic.type_bit[kind]] = 1.0
