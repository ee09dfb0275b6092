"""Compiled choice of actions."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from remix.kernels.compiler import Array, brief


@brief
def choose(
    outputs: Array,
    avail_actions: NDArray[np.bool_],
    noise: NDArray[np.float32],
    exploration: np.float32,
    actions: NDArray[np.int64],
    probability: NDArray[np.float32],
) -> int:
    """Epsilon-greedy actions of R agents; among utilities that are NaN, any available action.

    :param outputs: utilities ``[R, A]``, or more columns, of which the first A count.
    :param avail_actions: ``[R, A]``.
    :param noise: uniform numbers in [0, 1), ``[R, 2]``: whether to explore, and where.
    :param exploration: epsilon.
    :param actions: ``[R]``, written.
    :param probability: ``[R]`` with which each was chosen, written.
    :returns: how many agents have no action at all; what is written for them means nothing.
    """
    one, n_actions, stuck = np.float32(1.0), avail_actions.shape[1], 0
    for r in range(len(outputs)):
        n_available, greedy = 0, -1
        for a in range(n_actions):
            if avail_actions[r, a]:
                n_available += 1
                if greedy < 0 or outputs[r, a] > outputs[r, greedy]:
                    greedy = a
        stuck += n_available == 0
        action = greedy
        if noise[r, 0] < exploration:
            left = min(int(noise[r, 1] * np.float32(n_available)), n_available - 1)
            for a in range(n_actions):
                if avail_actions[r, a]:
                    if left == 0:
                        action = a
                        break
                    left -= 1
        actions[r] = action
        probability[r] = exploration / np.float32(n_available)
        if action == greedy:
            probability[r] += one - exploration
    return stuck


@brief
def draw(
    outputs: Array,
    avail_actions: NDArray[np.bool_],
    noise: NDArray[np.float32],
    exploration: np.float32,
    actions: NDArray[np.int64],
    probability: NDArray[np.float32],
) -> int:
    """Actions of R agents from softmax policies over what is available, mixed with uniform choice.

    Where a logit is not finite, any available action.

    :param outputs: logits ``[R, A]``, or more columns, of which the first A count.
    :param noise: as for :func:`choose`, of which the first number decides.
    :param exploration: share of the uniform choice.

    The others, and what is returned, are those of :func:`choose`.
    """
    n_actions, stuck = avail_actions.shape[1], 0
    policy = np.empty(n_actions, np.float32)
    for r in range(len(outputs)):
        n_available, highest = 0, -np.inf
        for a in range(n_actions):
            if avail_actions[r, a]:
                n_available += 1
                highest = max(highest, outputs[r, a])
        stuck += n_available == 0
        total = np.float32(0.0)
        for a in range(n_actions):
            policy[a] = math.exp(outputs[r, a] - highest) if avail_actions[r, a] else 0.0
            total += policy[a]
        uniform = exploration / np.float32(n_available)
        below, action = np.float32(0.0), 0
        for a in range(n_actions):
            if avail_actions[r, a]:
                # Rounding may leave the whole a little below 1: the last one then is the last possible.
                action = a
                policy[a] = (np.float32(1.0) - exploration) * policy[a] / total + uniform
                below += policy[a]
                if noise[r, 0] < below:
                    break
        actions[r] = action
        probability[r] = policy[action]
    return stuck
