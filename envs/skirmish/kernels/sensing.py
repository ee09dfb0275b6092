"""Compiled observations of single agents, as in SMAC."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.compiler import lean
from remix.envs.skirmish.kernels.views import ATTACK, NO_ACTION, NORTH, SIGHT_RANGE, Encoding

_N_MOVES = 4
# The sample points of the ground around an agent, in moves. The point of the agent itself is for height only.
_SAMPLES = np.array([(0, 2), (0, -2), (2, 0), (-2, 0), (1, 1), (-1, -1), (1, -1), (-1, 1), (0, 0)], np.int64)
_N_PATHING, _N_HEIGHTS = 8, 9


@lean
def observe_agent(
    encoding: Encoding,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    health: NDArray[np.float64],
    shield: NDArray[np.float64],
    last_actions: NDArray[np.int64],
    i: int,
    avail: NDArray[np.bool_],
    obs: NDArray[np.float32],
) -> None:
    """Write the observation ``obs [O]`` of agent ``i``, whose available actions are ``avail [A]``.

    Its blocks are: moves and ground, enemies, other agents, the agent itself. A dead agent sees zeros.
    """
    obs[:] = 0.0
    if health[i] <= 0.0:
        return
    n_agents, width = encoding.n_agents, encoding.enemy_width
    for k in range(_N_MOVES):
        obs[k] = avail[NORTH + k]
    at = feel_ground(encoding, int(x[i]), int(y[i]), obs)
    _see(encoding, x, y, health, shield, i, n_agents, x.size, width, encoding.enemy_shield, obs[at:])
    _mark_offered(avail, width, obs[at:])
    at += (x.size - n_agents) * width
    width = encoding.ally_width
    _see(encoding, x, y, health, shield, i, 0, n_agents, width, encoding.ally_shield, obs[at:])
    if encoding.last_action:
        show_last_actions(encoding.n_actions, last_actions, i, width, obs[at:])
    at += (n_agents - 1) * width
    _see_itself(encoding, health[i], shield[i], i, obs[at:])


@lean
def feel_ground(encoding: Encoding, cell_x: int, cell_y: int, obs: NDArray[np.float32]) -> int:
    """Write the optional features of the ground around a cell into ``obs [O]``.

    :returns: index in ``obs`` of the next block.
    """
    at = _N_MOVES
    if encoding.pathing_grid:
        for k in range(_N_PATHING):
            obs[at + k] = _sample(encoding.open, encoding.move_amount, cell_x, cell_y, k)
        at += _N_PATHING
    if encoding.terrain_height:
        for k in range(_N_HEIGHTS):
            obs[at + k] = _sample(encoding.height, encoding.move_amount, cell_x, cell_y, k)
        at += _N_HEIGHTS
    return at


@lean
def _sample(grid: NDArray[Any], move_amount: float, cell_x: int, cell_y: int, k: int) -> float:
    """The value of the grid at sample point ``k`` around a cell, 1 outside the map."""
    u = int(cell_x + move_amount * _SAMPLES[k, 0])
    v = int(cell_y + move_amount * _SAMPLES[k, 1])
    inside = 0 <= u < grid.shape[0] and 0 <= v < grid.shape[1]
    return 1.0 * grid[u, v] if inside else 1.0


@lean
def _see(
    encoding: Encoding,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    health: NDArray[np.float64],
    shield: NDArray[np.float64],
    i: int,
    first: int,
    end: int,
    width: int,
    shows_shield: bool,
    rows: NDArray[np.float32],
) -> None:
    """Write what agent ``i`` sees of the units ``first`` to ``end - 1``, into ``rows`` of ``width`` each."""
    health_scale, shield_scale, type_bit = encoding.health_scale, encoding.shield_scale, encoding.type_bit
    types_at = 4 + (1 + shows_shield if encoding.all_health else 0)
    at = -width
    for j in range(first, end):
        if j == i:
            continue
        at += width
        dx, dy = x[j] - x[i], y[j] - y[i]
        squared = dx * dx + dy * dy
        if health[j] > 0.0 and squared < SIGHT_RANGE**2:
            rows[at] = 1.0
            rows[at + 1] = np.sqrt(squared) * (1 / SIGHT_RANGE)
            rows[at + 2] = dx * (1 / SIGHT_RANGE)
            rows[at + 3] = dy * (1 / SIGHT_RANGE)
            if encoding.all_health:
                rows[at + 4] = health[j] * health_scale[j]
                if shows_shield:
                    rows[at + 5] = shield[j] * shield_scale[j]
            if encoding.bits > 0:
                rows[at + types_at + type_bit[j]] = 1.0


@lean
def _mark_offered(avail: NDArray[np.bool_], width: int, rows: NDArray[np.float32]) -> None:
    """Write into the first entry of each enemy k in sight whether action ATTACK + k is available.

    As in SMAC this is also written for healers, although that action heals agent k.
    """
    for k in range(avail.size - ATTACK):
        if not avail[ATTACK + k]:
            rows[k * width] = 0.0


@lean
def show_last_actions(
    n_actions: int, last_actions: NDArray[np.int64], i: int, width: int, rows: NDArray[np.float32]
) -> None:
    """Write ``last_actions [N]`` of the agents that agent ``i`` sees into the ends of their rows."""
    at = 0
    for j in range(last_actions.size):
        if j != i:
            if rows[at] > 0.0 and last_actions[j] != NO_ACTION:
                rows[at + width - n_actions + last_actions[j]] = 1.0
            at += width


@lean
def _see_itself(encoding: Encoding, health: float, shield: float, i: int, row: NDArray[np.float32]) -> None:
    """Write the agent's own health, shield and type."""
    at = 0
    if encoding.own_health:
        row[0] = health * encoding.health_scale[i]
        at = 1
        if encoding.ally_shield:
            row[1] = shield * encoding.shield_scale[i]
            at = 2
    if encoding.bits > 0:
        row[at + encoding.type_bit[i]] = 1.0
