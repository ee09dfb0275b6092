"""Compiled actions of agents in SMACv2's battles: which are available, and which orders they mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.compiler import inlined, lean
from remix.envs.skirmish.kernels.drawn_views import DrawnEncoding, Handicaps, Memory, is_within
from remix.envs.skirmish.kernels.offering import offer_moves
from remix.envs.skirmish.kernels.views import ATTACK, NO_OP, STOP, Bodies


@inlined
def offer_drawn(
    encoding: DrawnEncoding,
    bodies: Bodies,
    handicaps: Handicaps,
    memory: Memory,
    e: int,
    i: int,
    avail: NDArray[np.bool_],
) -> None:
    """Write into ``avail [A]`` what agent ``i`` of battle ``e`` may do, and which targets are in its reach.

    Actions: those of SMAC up to the moves, turns to the directions, and the targets.
    """
    basic, n_agents = encoding.basic, encoding.basic.n_agents
    offered, kinds = memory.offered[e, i], handicaps.kind[e]
    avail[:] = False
    offered[:] = False
    if bodies.health[e, i] <= 0.0:
        avail[NO_OP] = True
        return
    avail[STOP] = True
    offer_moves(basic.open, basic.move_amount / 2, bodies.x[e, i], bodies.y[e, i], avail)
    first_target = ATTACK + encoding.turns_x.size
    avail[ATTACK:first_target] = True
    heals, reach = basic.heals[kinds[i]], encoding.reach[kinds[i]]
    first, n = (0, n_agents) if heals else (n_agents, kinds.size - n_agents)
    for k in range(n):
        j = first + k
        if bodies.health[e, j] > 0.0 and (not heals or basic.aims[kinds[i], kinds[j]]):
            offered[k] = is_within(encoding, bodies, memory, e, i, j, reach, False)
            avail[first_target + k] = offered[k] or not encoding.masked


@lean
def translate(
    encoding: DrawnEncoding,
    handicaps: Handicaps,
    memory: Memory,
    e: int,
    actions: NDArray[np.int64],
    luck: NDArray[np.float64],
    orders: NDArray[np.int64],
) -> None:
    """Turn agents, and write what SMAC's battles would call the other ``actions [N]`` into ``orders [N]``.

    NO_OP there means no new order: a turn, an attack out of reach, and one that fails since the agent's
    number in ``luck [N]`` exceeds its probability.
    """
    n_turns = encoding.turns_x.size
    for i in range(actions.size):
        action = actions[i]
        if action >= ATTACK + n_turns:
            target = action - ATTACK - n_turns
            fails = encoding.shows_attack and luck[i] > handicaps.attack[e, i]
            action = NO_OP if fails or not memory.offered[e, i, target] else ATTACK + target
        elif action >= ATTACK:
            memory.turn[e, i] = action - ATTACK
            action = NO_OP
        orders[i] = action
