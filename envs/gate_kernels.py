"""Compiled checks of everything that a game returns in a step. They say whether all of it can be used.

If something cannot, :mod:`remix.envs.inspection` finds out what exactly is wrong. Arrays of bool are passed
as the bytes that they consist of.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.kernels.compiling import compile_kept as compiled

UNUSABLE = -1
_BLOCK = 256  # this many numbers are compared without a jump, so that vector instructions can do it


@compiled
def small(values: NDArray[Any], largest: float) -> bool:
    """Whether all ``values [n]`` lie between ``-largest`` and ``largest``. NaN does not."""
    limit = values.dtype.type(largest)
    larger = False
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        for i in range(len(block)):
            larger |= not (abs(block[i]) <= limit)
        if larger:
            return False
    return True


@compiled
def choices(available: NDArray[np.uint8]) -> bool:
    """Whether the masks ``[E * N, A]`` hold only 0 and 1, and leave every agent an action."""
    for r in range(len(available)):
        either = np.uint8(0)
        for a in range(available.shape[1]):
            either |= available[r, a]
        if either != 1:
            return False
    return True


@compiled
def seen(
    obs: NDArray[Any],
    obs_largest: float,
    state: NDArray[Any],
    state_largest: float,
    available: NDArray[np.uint8],
) -> bool:
    """Whether an observation can be used.

    :param obs: all observations in one row ``[E * N * O]``, and ``obs_largest`` the largest valid number.
    :param state: all states in one row ``[E * S]``, and ``state_largest`` the largest valid number.
    :param available: masks ``[E * N, A]``.
    """
    return small(obs, obs_largest) and small(state, state_largest) and choices(available)


@compiled
def ends(
    at_limit: bool,
    running: NDArray[np.bool_],
    ended: NDArray[np.bool_],
    terminated: NDArray[np.uint8],
    truncated: NDArray[np.uint8],
) -> bool:
    """Update ``running [E]`` by the flags ``[E]`` of a step.

    :param at_limit: whether this step is the last one of the episode limit.
    :param ended: ``[2, E]``, receives ``terminated`` and ``truncated`` of the episodes that were running.
    :returns: whether an episode has ended.
    """
    any_ended = False
    for e in range(len(running)):
        ended[0, e] = running[e] and terminated[e] != 0
        ended[1, e] = running[e] and terminated[e] == 0 and (at_limit or truncated[e] != 0)
        if ended[0, e] or ended[1, e]:
            running[e], any_ended = False, True
    return any_ended


@compiled
def played(
    at_limit: bool,
    running: NDArray[np.bool_],
    ended: NDArray[np.bool_],
    obs: NDArray[Any],
    obs_largest: float,
    state: NDArray[Any],
    state_largest: float,
    available: NDArray[np.uint8],
    reward: NDArray[np.float32],
    individual_rewards: NDArray[np.float32],
    terminated: NDArray[np.uint8],
    truncated: NDArray[np.uint8],
) -> int:
    """Check the outcome of a step: ``reward [E]``, flags ``[E]``, and the observation as :func:`seen` does.

    ``individual_rewards`` are ``[E, N]``, or ``[E, 0]`` where a game has none.

    If all of it can be used, :func:`ends` updates ``running``.

    :returns: ``UNUSABLE``, with nothing changed, or 0 or 1, whether an episode has ended.
    """
    for e in range(len(running)):
        if not np.isfinite(reward[e]) or terminated[e] + truncated[e] > 1:
            return UNUSABLE
        for i in range(individual_rewards.shape[1]):
            if not np.isfinite(individual_rewards[e, i]):
                return UNUSABLE
    if not seen(obs, obs_largest, state, state_largest, available):
        return UNUSABLE
    return int(ends(at_limit, running, ended, terminated, truncated))
