"""One step of battles from Python: the actions are handed over, and forbidden ones are named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from remix.kernels.bundle import Bundle


def play_actions(
    play: Callable[[Bundle], int], match: Bundle, target: NDArray[np.int64], actions: NDArray[np.integer]
) -> None:
    """Play ``actions [E, N]`` in all running battles.

    :param play: compiled; returns -1, or ``e * N + i`` of the first forbidden action.
    :param target: the match's own actions, ``[E, N]``.
    :raises ValueError: ``actions`` has another shape, or an action is not available.
    """
    actions = np.asarray(actions)
    if actions.shape != target.shape:
        raise ValueError(f"actions have shape {actions.shape}, expected {target.shape} (battles, agents)")
    np.copyto(target, actions, casting="same_kind")
    forbidden = play(match)
    if forbidden >= 0:
        e, i = divmod(forbidden, target.shape[1])
        raise ValueError(f"actions: agent {i} cannot perform {target[e, i]} in battle {e}")
