"""Targets for joint action values, computed without gradient.

Values are packed (see :mod:`remix.networks`): K transitions in time-major order, ``sizes[t]`` of them at
time step t, longest episode first.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


@torch.no_grad()
def td_lambda(
    reward: Tensor,
    terminated: Tensor,
    next_value: Tensor,
    sizes: Sequence[int],
    gamma: float,
    lambda_: float,
) -> Tensor:
    """TD(lambda) targets ``[K]``, the Peng form when ``next_value`` is greedy.

    ``G_t = r_t + gamma (1 - d_t) [(1 - lambda) v_{t+1} + lambda G_{t+1}]``; the last transition of an
    episode bootstraps from ``v`` alone unless it is a true end.

    :param reward: ``[K]``.
    :param terminated: ``[K]`` bool, true ends only; an episode cut by its limit is bootstrapped.
    :param next_value: ``[K]``, value v_{t+1} of the state after each transition.
    :param sizes: transitions at each time step, non-increasing.
    """
    returns = torch.empty_like(reward)
    discount = gamma * (~terminated).to(reward.dtype)
    end = len(reward)
    following = next_value[end:]
    for n in reversed(sizes):
        rows = slice(end - n, end)
        future = next_value[rows].clone()
        future[: len(following)].lerp_(following, lambda_)
        following = torch.addcmul(reward[rows], discount[rows], future, out=returns[rows])
        end -= n
    return returns
