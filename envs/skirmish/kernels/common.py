"""What the compiled parts of a battle share: codes, constants and random numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.compiler import inlined

# The orders of a unit. From ATTACK_MOVE on the unit chooses its target itself.
IDLE, MOVE, ATTACK, HEAL, ATTACK_MOVE, HOLD, ATTACK_GROUP, HUNT = range(8)

# Units of one plane stand in each other's way.
GROUND, AIR, COLOSSUS = range(3)

# How the damage of a weapon gets to its target.
INSTANT, MISSILE, MELEE, LINE, SUICIDE = range(5)

# Whose rules units follow when they choose targets and move: the game's, or those of SMAClite.
AS_SMAC, AS_SMACLITE = range(2)

NOBODY = -1
NOWHERE = -1  # instead of a cell: the way to the goal is straight
NEVER = 1_000_000  # the loops since a unit was last attacked, for one that never was
NO_TIMER = -1.0
FAR_AWAY = 1e9  # the place of dead units while the others look for targets and neighbours
CONTACT = 1e-6  # tolerance of ranges: a unit that has stopped just in range is in range despite rounding
MEMORY = 32  # loops for which a unit remembers who attacked it, or a friend near by
LEASH = 21.0  # how far the attacker may be for the unit to chase it
CALL_RADIUS = 4.0  # a unit that is attacked calls friends within this distance
HUNT_PERIOD = 8  # loops after which hunters without prey are sent for the nearest

_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_FACTOR_1 = np.uint64(0xBF58476D1CE4E5B9)
_FACTOR_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_1, _SHIFT_2, _SHIFT_3, _SHIFT_53 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


@inlined
def _scramble(z: np.uint64) -> np.uint64:
    z = (z ^ (z >> _SHIFT_1)) * _FACTOR_1
    z = (z ^ (z >> _SHIFT_2)) * _FACTOR_2
    return z ^ (z >> _SHIFT_3)


@inlined
def seed_stream(streams: NDArray[np.uint64], e: int, seed: np.uint64) -> None:
    """Start the stream of battle ``e`` among ``streams [E]`` from ``seed``."""
    streams[e] = _scramble(
        seed + _INCREMENT
    )  # unscrambled seeds that differ by the increment would share a stream


@inlined
def uniform(streams: NDArray[np.uint64], e: int) -> float:
    """The next number in [0, 1) of battle ``e`` in ``streams [E]`` (SplitMix64, Steele et al. 2014)."""
    streams[e] += _INCREMENT
    return float(_scramble(streams[e]) >> _SHIFT_53) * 2.0**-53
