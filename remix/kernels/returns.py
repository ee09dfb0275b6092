"""Targets of packed transitions, from the last time step to the first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.kernels.compiler import Array, compiled


@compiled
def td_lambda(
    reward: Array,
    terminated: NDArray[np.bool_],
    next_value: Array,
    sizes: NDArray[np.int64],
    gamma: float,
    lambda_: float,
    returns: Array,
) -> None:
    """Write the ``returns [K]``, see :func:`remix.learning.returns.td_lambda`.

    :param sizes: ``[T]``, which sum to K.
    :param gamma: of the arrays' type, like ``lambda_``.
    """
    zero, one = reward.dtype.type(0), reward.dtype.type(1)
    end = len(reward)
    following = 0  # transitions of the next time step, which begin at `end`
    for n in sizes[::-1]:
        start = end - n
        for i in range(n):
            future = next_value[start + i]
            if i < following:
                # The same sums as PyTorch's lerp, to the bit.
                later, step = returns[end + i], returns[end + i] - future
                future = future + lambda_ * step if lambda_ < 0.5 else later + (lambda_ - one) * step
            discount = zero if terminated[start + i] else gamma
            returns[start + i] = reward[start + i] + discount * future
        end, following = start, n
