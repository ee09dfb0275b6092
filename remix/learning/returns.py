"""Targets for joint action values, computed without gradient.

Values are packed (see :mod:`remix.networks`): K transitions in time-major order, ``sizes[t]`` of them at
time step t, longest episode first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from remix.kernels import returns as kernels
from remix.networks.features import compiles
from remix.networks.layout import as_array


@torch.no_grad()
def td_lambda(
    reward: Tensor,
    terminated: Tensor,
    next_value: Tensor,
    sizes: Sequence[int],
    gamma: float,
    lambda_: float,
) -> Tensor:
    """TD(lambda) targets ``[K]`` or ``[K, ...]``, the Peng form when ``next_value`` is greedy.

    ``G_t = r_t + gamma (1 - d_t) [(1 - lambda) v_{t+1} + lambda G_{t+1}]``; the last transition of an
    episode bootstraps from ``v`` alone unless it is a true end.

    :param reward: of the shape of the targets.
    :param terminated: likewise, bool; true ends only. An episode cut by its limit is bootstrapped.
    :param next_value: likewise, value v_{t+1} of the state after each transition.
    :param sizes: transitions at each time step, non-increasing.
    :raises ValueError: the shapes differ, or ``sizes`` do not sum to K.
    """
    shapes = [tuple(tensor.shape) for tensor in (reward, terminated, next_value)]
    if len(set(shapes)) > 1 or sum(sizes) != len(reward):
        raise ValueError(f"{sum(sizes)} transitions, but arguments of shapes {shapes}")
    if compiles(reward) and next_value.dtype == reward.dtype:
        written = np.empty(reward.shape, as_array(reward).dtype)
        kind, columns = written.dtype.type, reward[:1].numel()
        kernels.td_lambda(
            as_array(reward).ravel(),
            as_array(terminated).ravel(),
            as_array(next_value).ravel(),
            columns * np.array(sizes, np.int64),  # further columns are further transitions of a time step
            kind(gamma),
            kind(lambda_),
            written.ravel(),
        )
        return torch.from_numpy(written)
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


@torch.no_grad()
def tree_backup(
    reward: Tensor,
    terminated: Tensor,
    value: Tensor,
    next_value: Tensor,
    probability: Tensor,
    sizes: Sequence[int],
    gamma: float,
    lambda_: float,
    depth: int,
) -> Tensor:
    """Tree-backup targets ``[K]`` (Wang et al., 2021), which need no behaviour policy.

    ``G_t = Q_t + sum_{l < depth} (gamma lambda)^l [pi_{t+1} ... pi_{t+l}] delta_{t+l}`` with
    ``delta_t = r_t + gamma (1 - d_t) v_{t+1} - Q_t``; nothing is added beyond the end of an episode.

    :param reward: ``[K]``.
    :param terminated: ``[K]`` bool, true ends only; an episode cut by its limit is bootstrapped.
    :param value: ``[K]``, Q_t of the action that was taken.
    :param next_value: ``[K]``, expectation v_{t+1} under the policy of the state after each transition.
    :param probability: ``[K]``, with which the policy takes the action that was taken.
    :param sizes: transitions at each time step, non-increasing.
    :param depth: transitions that a target looks at.
    """
    delta = reward + gamma * (~terminated).to(reward.dtype) * next_value - value
    targets = value + delta
    # Beyond the ends lies one more row, of zeros, which leads to itself.
    trace, delta = F.pad(gamma * lambda_ * probability, (0, 1)), F.pad(delta, (0, 1))
    following = _following(sizes).to(reward.device, non_blocking=True)
    row, weight = following[:-1], torch.ones_like(reward)
    for _ in range(1, min(depth, len(sizes))):
        weight = weight * trace[row]
        targets = targets + weight * delta[row]
        row = following[row]
    return targets


def _following(sizes: Sequence[int]) -> Tensor:
    """The row of the transition after each one, K after the last of an episode and after K: ``[K + 1]``."""
    n, running = sum(sizes), torch.tensor([*sizes, 0])
    rows, ends = torch.arange(n), running.cumsum(0)
    time = torch.repeat_interleave(running)
    following = rows + running[time]
    following = torch.where(following < ends[time + 1], following, n)
    return torch.cat((following, torch.tensor([n])))
