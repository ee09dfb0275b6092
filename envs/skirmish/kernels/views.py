"""What the compiled views of battles have in common: codes, constants, arguments and results."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Actions; ATTACK + k attacks enemy k, or heals agent k if the agent is a healer.
NO_OP, STOP, NORTH, SOUTH, EAST, WEST, ATTACK = range(7)

# How far all agents see and aim, from centre to centre, whatever their weapons.
SIGHT_RANGE = 9.0
SHOOT_RANGE = 6.0

NO_ACTION = -1  # last action before the first step
NO_TYPE = -1  # bit of the type on maps that show no types


class Encoding(NamedTuple):
    """What never changes. By unit ``[U]``: factors of health, shields and, for agents, of cooldown or
    energy; ``heals``; ``type_bit`` of the one-hot type with ``bits`` entries.

    ``aims [N, A - ATTACK]``, whether agent i may ever take action ATTACK + k.

    ``open`` and ``height`` ``[X, Y]`` of the terrain. Flags as in ``ViewOptions``; widths of a unit's
    rows in observations and state.
    """

    n_agents: int
    n_actions: int
    health_scale: NDArray[np.float64]
    shield_scale: NDArray[np.float64]
    readiness_scale: NDArray[np.float64]
    heals: NDArray[np.bool_]
    aims: NDArray[np.bool_]
    type_bit: NDArray[np.int64]
    bits: int
    open: NDArray[np.bool_]
    height: NDArray[np.float64]
    move_amount: float
    episode_limit: int
    ally_shield: bool
    enemy_shield: bool
    own_health: bool
    all_health: bool
    last_action: bool
    pathing_grid: bool
    terrain_height: bool
    timestep: bool
    observations_as_state: bool
    state_last_action: bool
    state_timestep: bool
    enemy_width: int
    ally_width: int
    state_ally_width: int
    state_enemy_width: int


class Bodies(NamedTuple):
    """U units in E battles, ``[E, U]``: place, health (0 = dead), shield, energy, cooldown in loops."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    health: NDArray[np.float64]
    shield: NDArray[np.float64]
    energy: NDArray[np.float64]
    cooldown: NDArray[np.float64]


class Views(NamedTuple):
    """Results: ``avail_actions [E, N, A]``, ``obs [E, N, O]``, ``state [E, S]``."""

    avail_actions: NDArray[np.bool_]
    obs: NDArray[np.float32]
    state: NDArray[np.float32]
