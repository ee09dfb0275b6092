"""One compiled look at all that a game returns in a step: is everything of it possible?

What exactly is wrong, where something is, :mod:`envs.inspection` finds out. Arrays of bool come as
the bytes of which they are made.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.predator_prey_kernels import compiled

UNUSABLE = -1
_BLOCK = 256  # numbers compared without a jump in between, which makes it vector instructions


@compiled
def between(values: NDArray[Any], low: Any, high: Any) -> bool:
    """Whether all ``values`` lie between the bounds, as NaN does not."""
    flat = values.reshape(-1)
    outside = False
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK]
        for i in range(block.size):
            outside |= not ((low <= block[i]) & (block[i] <= high))
        if outside:
            return False
    return True


@compiled
def choices(available: NDArray[np.uint8]) -> bool:
    """Whether masks ``[E, N, A]`` are made of 0 and 1 and leave every agent an action."""
    rows = available.reshape(-1, available.shape[-1])
    for r in range(len(rows)):
        either = np.uint8(0)
        for a in range(rows.shape[1]):
            either |= rows[r, a]
        if either != 1:
            return False
    return True


@compiled
def seen(
    obs: NDArray[Any],
    obs_low: Any,
    obs_high: Any,
    state: NDArray[Any],
    state_low: Any,
    state_high: Any,
    available: NDArray[np.uint8],
) -> bool:
    """Whether an observation can be used."""
    return between(obs, obs_low, obs_high) and between(state, state_low, state_high) and choices(available)


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
    obs_low: Any,
    obs_high: Any,
    state: NDArray[Any],
    state_low: Any,
    state_high: Any,
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
    if not seen(obs, obs_low, obs_high, state, state_low, state_high, available):
        return UNUSABLE
    return int(ends(at_limit, running, ended, terminated, truncated))
