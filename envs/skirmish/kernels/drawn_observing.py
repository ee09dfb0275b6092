"""Compiled views of SMACv2's battles: a whole battle seen by its agents, and its state."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.compiler import inlined, lean
from remix.envs.skirmish.kernels.drawn_offering import offer_drawn
from remix.envs.skirmish.kernels.drawn_sensing import look
from remix.envs.skirmish.kernels.drawn_views import DrawnEncoding, Handicaps, Memory, shown_health
from remix.envs.skirmish.kernels.views import NO_ACTION, Bodies, Views


@lean
def observe_drawn(
    encoding: DrawnEncoding,
    bodies: Bodies,
    handicaps: Handicaps,
    memory: Memory,
    last_actions: NDArray[np.int64],
    steps: NDArray[np.int64],
    views: Views,
    e: int,
) -> None:
    """Show battle ``e``: available actions, one pass of observations, state.

    :param last_actions: ``[E, N]``, -1 before the first step.
    :param steps: ``[E]``, steps made so far.
    """
    progress = steps[e] / encoding.basic.episode_limit
    for i in range(encoding.basic.n_agents):
        offer_drawn(encoding, bodies, handicaps, memory, e, i, views.avail_actions[e, i])
    look(encoding, bodies, handicaps, memory, last_actions[e], e, views.avail_actions[e], views.obs[e])
    if encoding.basic.timestep:
        views.obs[e, :, views.obs.shape[2] - 1] = progress
    _show_state(encoding, bodies, handicaps, memory, last_actions[e], progress, e, views.state[e])


@inlined
def _show_state(
    encoding: DrawnEncoding,
    bodies: Bodies,
    handicaps: Handicaps,
    memory: Memory,
    last_actions: NDArray[np.int64],
    progress: float,
    e: int,
    state: NDArray[np.float32],
) -> None:
    """Write the global state; the rows of the dead are zero."""
    state[:] = 0.0
    basic, at = encoding.basic, 0
    for i in range(bodies.x.shape[1]):
        agent = i < basic.n_agents
        if bodies.health[e, i] > 0.0:
            if agent:
                _show_agent(encoding, bodies, handicaps, memory, e, i, state[at:])
            else:
                _show_enemy(encoding, bodies, handicaps, e, i, state[at:])
        at += basic.state_ally_width if agent else basic.state_enemy_width
    if basic.state_last_action:
        for i in range(basic.n_agents):
            if last_actions[i] != NO_ACTION:
                state[at + last_actions[i]] = 1.0
            at += basic.n_actions
    if basic.state_timestep:
        state[at] = progress


@inlined
def _show_agent(
    encoding: DrawnEncoding,
    bodies: Bodies,
    handicaps: Handicaps,
    memory: Memory,
    e: int,
    i: int,
    row: NDArray[np.float32],
) -> None:
    """Health, cooldown or energy, place, shield, handicaps, direction and type of an agent."""
    basic, kind, at = encoding.basic, handicaps.kind[e, i], 4
    readiness = bodies.energy[e, i] if basic.heals[kind] else bodies.cooldown[e, i]
    row[0] = shown_health(encoding, bodies, handicaps, e, i)
    row[1] = readiness * basic.readiness_scale[kind]
    row[2], row[3] = bodies.x[e, i] / basic.open.shape[0] - 0.5, bodies.y[e, i] / basic.open.shape[1] - 0.5
    if basic.ally_shield:
        row[at] = bodies.shield[e, i] * basic.shield_scale[kind]
        at += 1
    if encoding.shows_attack:
        row[at] = handicaps.attack[e, i]
        at += 1
    if encoding.shows_health:
        row[at] = handicaps.health[e, i]
        at += 1
    if encoding.turns_x.size > 0:
        turn = memory.turn[e, i]
        row[at], row[at + 1] = encoding.turns_x[turn], encoding.turns_y[turn]
        at += 2
    row[at + basic.type_bit[kind]] = 1.0


@inlined
def _show_enemy(
    encoding: DrawnEncoding, bodies: Bodies, handicaps: Handicaps, e: int, j: int, row: NDArray[np.float32]
) -> None:
    """Health, place, shield and type of an enemy."""
    basic, kind, at = encoding.basic, handicaps.kind[e, j], 3
    row[0] = bodies.health[e, j] * basic.health_scale[kind]
    row[1], row[2] = bodies.x[e, j] / basic.open.shape[0] - 0.5, bodies.y[e, j] / basic.open.shape[1] - 0.5
    if basic.enemy_shield:
        row[at] = bodies.shield[e, j] * basic.shield_scale[kind]
        at += 1
    row[at + basic.type_bit[kind]] = 1.0
