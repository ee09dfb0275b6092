"""Compiled checks of all that a game returns in a step: can everything of it be used?

If something cannot, :mod:`remix.envs.inspection` finds out what exactly is wrong. Arrays of bool are passed
as the bytes that they are made of.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.kernels.compiling import compile_kept as compiled

UNUSABLE = -1
_BLOCK = 256  # numbers compared without a jump in between, which makes it vector instructions


@compiled
def small(values: NDArray[Any], largest: float) -> bool:
    """Whether all ``values [n]`` lie between minus and plus a limit, so that none is NaN either."""
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
    """Whether masks ``[E * N, A]`` are made of 0 and 1 and leave every agent an action."""
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
    """Whether an observation can be used; ``obs`` and ``state`` in one row."""
    return small(obs, obs_largest) and small(state, state_largest) and choices(available)


@compiled
def ends(
    at_limit: bool,
    running: NDArray[np.bool_],
    ended: NDArray[np.bool_],
    terminated: NDArray[np.uint8],
    truncated: NDArray[np.uint8],
) -> bool:
    """Bring ``running [E]`` up to date; whether an episode has ended.

    :param at_limit: whether an episode that goes on after this step is cut.
    :param ended: ``[2, E]``, gets ``terminated`` and ``truncated`` of the episodes that were running.
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
    terminated: NDArray[np.uint8],
    truncated: NDArray[np.uint8],
) -> int:
    """:func:`seen` of the observation after a step, the same for the rest, and then :func:`ends`.

    :returns: ``UNUSABLE``, with nothing changed, or whether an episode has ended.
    """
    for e in range(len(running)):
        if not np.isfinite(reward[e]) or terminated[e] + truncated[e] > 1:
            return UNUSABLE
    if not seen(obs, obs_largest, state, state_largest, available):
        return UNUSABLE
    return int(ends(at_limit, running, ended, terminated, truncated))
