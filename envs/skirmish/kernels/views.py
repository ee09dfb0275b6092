"""Codes, constants, arguments and results that the compiled views of battles share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# The actions. ATTACK + k attacks enemy k; if the agent is a healer, it heals agent k.
NO_OP, STOP, NORTH, SOUTH, EAST, WEST, ATTACK = range(7)

# How far all agents see and aim, in map units from centre to centre, whatever their weapons.
SIGHT_RANGE = 9.0
SHOOT_RANGE = 6.0

NO_ACTION = -1  # the last action before the first step
NO_TYPE = -1  # the bit of the type on maps that show no types


class Encoding(NamedTuple):
    """The constants of the views. The flags are those of :class:`remix.envs.battles.ViewOptions`.

    By unit, ``[U]``: ``health_scale``, ``shield_scale`` and ``readiness_scale`` are factors of health, of
    shields and of cooldown or energy. ``heals`` marks healers. ``type_bit`` is the entry of the one-hot type,
    which has ``bits`` entries. ``aims [N, A - ATTACK]`` says whether agent i may ever take action ATTACK + k.
    ``open`` and ``height`` ``[X, Y]`` are those of the terrain. Widths are lengths of a unit's row.
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
    """U units in E battles, ``[E, U]`` each: place, health (0 = dead), shield, energy, cooldown in loops."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    health: NDArray[np.float64]
    shield: NDArray[np.float64]
    energy: NDArray[np.float64]
    cooldown: NDArray[np.float64]


class Views(NamedTuple):
    """The results: ``avail_actions [E, N, A]``, ``obs [E, N, O]`` and ``state [E, S]``."""

    avail_actions: NDArray[np.bool_]
    obs: NDArray[np.float32]
    state: NDArray[np.float32]
