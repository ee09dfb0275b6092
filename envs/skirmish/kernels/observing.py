"""Compiled views of battles: available actions, observations and state as in SMAC.

Units are numbered with the agents first. The views of a battle depend only on the arrays of
:class:`Bodies`, the last actions and the number of steps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.compiler import lean
from remix.envs.skirmish.kernels.offering import offer
from remix.envs.skirmish.kernels.sensing import observe_agent
from remix.envs.skirmish.kernels.views import NO_ACTION, Bodies, Encoding, Views


@lean
def observe(
    encoding: Encoding,
    bodies: Bodies,
    last_actions: NDArray[np.int64],
    steps: NDArray[np.int64],
    views: Views,
    start: int,
    stop: int,
) -> None:
    """Write the views of the battles ``start`` to ``stop - 1``. Several threads may share the battles.

    :param last_actions: last actions ``[E, N]``, -1 before the first step.
    :param steps: steps made so far, ``[E]``.
    """
    for e in range(start, stop):
        observe_battle(encoding, bodies, last_actions, steps, views, e)


@lean
def observe_battle(
    encoding: Encoding,
    bodies: Bodies,
    last_actions: NDArray[np.int64],
    steps: NDArray[np.int64],
    views: Views,
    e: int,
) -> None:
    """Write the views of battle ``e``. The arrays are those of :func:`observe`, ``[E, ...]``."""
    progress = steps[e] / encoding.episode_limit
    x, y, health, shield = bodies.x[e], bodies.y[e], bodies.health[e], bodies.shield[e]
    for i in range(encoding.n_agents):
        avail, obs = views.avail_actions[e, i], views.obs[e, i]
        offer(encoding, x, y, health, i, avail)
        observe_agent(encoding, x, y, health, shield, last_actions[e], i, avail, obs)
        if encoding.timestep:
            obs[obs.size - 1] = progress
    if encoding.observations_as_state:
        _join(views.obs[e], views.state[e])
    else:
        _show_state(encoding, bodies, e, last_actions[e], progress, views.state[e])


@lean
def _join(obs: NDArray[np.float32], state: NDArray[np.float32]) -> None:
    """Write the observations ``[N, O]`` of all agents into ``state [N * O]``."""
    for i in range(obs.shape[0]):
        for k in range(obs.shape[1]):
            state[i * obs.shape[1] + k] = obs[i, k]


@lean
def _show_state(
    encoding: Encoding,
    bodies: Bodies,
    e: int,
    last_actions: NDArray[np.int64],
    progress: float,
    state: NDArray[np.float32],
) -> None:
    """Write the global ``state [S]``. The rows of dead units are zero."""
    state[:] = 0.0
    n_agents, n_units = encoding.n_agents, bodies.x.shape[1]
    _show_readiness(encoding, bodies.health[e], bodies.energy[e], bodies.cooldown[e], state)
    at = _show_team(encoding, bodies, e, 0, n_agents, 2, encoding.ally_shield, state, 0)
    at = _show_team(encoding, bodies, e, n_agents, n_units, 1, encoding.enemy_shield, state, at)
    if encoding.state_last_action:
        for i in range(n_agents):
            if last_actions[i] != NO_ACTION:
                state[at + last_actions[i]] = 1.0
            at += encoding.n_actions
    if encoding.state_timestep:
        state[at] = progress


@lean
def _show_readiness(
    encoding: Encoding,
    health: NDArray[np.float64],
    energy: NDArray[np.float64],
    cooldown: NDArray[np.float64],
    state: NDArray[np.float32],
) -> None:
    """Write the second entry of every agent's row: the cooldown of its weapon, or a healer's energy."""
    for i in range(encoding.n_agents):
        if health[i] > 0.0:
            readiness = energy[i] if encoding.heals[i] else cooldown[i]
            state[i * encoding.state_ally_width + 1] = readiness * encoding.readiness_scale[i]


@lean
def _show_team(
    encoding: Encoding,
    bodies: Bodies,
    e: int,
    first: int,
    end: int,
    place: int,
    shows_shield: bool,
    state: NDArray[np.float32],
    at: int,
) -> int:
    """Write health, place, shield and type of the units ``first`` to ``end - 1``.

    :param place: index in a row of the unit's place.
    :returns: index in ``state`` of the next block.
    """
    width, height = encoding.open.shape
    for j in range(first, end):
        row, at = at, at + place + 2 + shows_shield + encoding.bits
        if bodies.health[e, j] > 0.0:
            state[row] = bodies.health[e, j] * encoding.health_scale[j]
            state[row + place] = bodies.x[e, j] / width - 0.5
            state[row + place + 1] = bodies.y[e, j] / height - 0.5
            if shows_shield:
                state[row + place + 2] = bodies.shield[e, j] * encoding.shield_scale[j]
            if encoding.bits > 0:
                state[at - encoding.bits + encoding.type_bit[j]] = 1.0
    return at
