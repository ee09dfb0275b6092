"""Compiled choice of actions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.networks.kernels.compiler import Array, compiled


@compiled
def choose(
    utilities: Array,
    avail_actions: NDArray[np.bool_],
    noise: NDArray[np.float32],
    exploration: np.float32,
    actions: NDArray[np.int64],
    probability: NDArray[np.float32],
) -> None:
    """Epsilon-greedy actions of R agents.

    :param utilities: ``[R, A]``.
    :param avail_actions: ``[R, A]``, at least one for every agent.
    :param noise: uniform numbers in [0, 1), ``[R, 2]``: whether to explore, and where.
    :param exploration: epsilon.
    :param actions: ``[R]``, written.
    :param probability: ``[R]`` with which each was chosen, written.
    """
    one = np.float32(1.0)
    for r in range(len(utilities)):
        n_available, greedy = 0, -1
        for a in range(utilities.shape[1]):
            if avail_actions[r, a]:
                n_available += 1
                if greedy < 0 or utilities[r, a] > utilities[r, greedy]:
                    greedy = a
        action = greedy
        if noise[r, 0] < exploration:
            left = min(int(noise[r, 1] * np.float32(n_available)), n_available - 1)
            for a in range(utilities.shape[1]):
                if avail_actions[r, a]:
                    if left == 0:
                        action = a
                        break
                    left -= 1
        actions[r] = action
        probability[r] = exploration / np.float32(n_available)
        if action == greedy:
            probability[r] += one - exploration
