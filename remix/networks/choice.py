"""The choice of actions in PyTorch alone, for policies that leave: what the compiled one chooses.

Nothing here depends on how many agents there are, so that a trace of it takes any number.
"""

from __future__ import annotations

import torch
from torch import Tensor


def choose(
    outputs: Tensor, avail_actions: Tensor, noise: Tensor, exploration: float
) -> tuple[Tensor, Tensor]:
    """Epsilon-greedy actions of R agents, see :func:`remix.kernels.choice.choose`.

    :param outputs: finite utilities ``[R, A]``.
    :param avail_actions: bool ``[R, A]``, at least one of every agent.
    :param noise: uniform numbers in [0, 1), ``[R, 2]``: whether to explore, and where.
    :param exploration: epsilon.
    :returns: actions int64 ``[R]``, and the probability ``[R]`` with which each was chosen.
    """
    n_available = avail_actions.sum(-1)
    wanted = (noise[:, 1] * n_available).long().minimum(n_available - 1)
    explored = _first(avail_actions & (_numbered(avail_actions) == wanted.unsqueeze(-1)))
    greedy = outputs.masked_fill(~avail_actions, -torch.inf).argmax(-1)
    actions = torch.where(noise[:, 0] < exploration, explored, greedy)
    return actions, exploration / n_available + (1.0 - exploration) * (actions == greedy)


def draw(outputs: Tensor, avail_actions: Tensor, noise: Tensor, exploration: float) -> tuple[Tensor, Tensor]:
    """Actions of R agents from softmax policies, see :func:`remix.kernels.choice.draw`.

    :param outputs: finite logits ``[R, A]``.
    :param noise: as for :func:`choose`, of which the first number decides.
    :param exploration: share of the uniform choice.

    The others, and what is returned, are those of :func:`choose`.
    """
    n_available = avail_actions.sum(-1, keepdim=True)
    policy = outputs.masked_fill(~avail_actions, -torch.inf).softmax(-1)
    policy = ((1.0 - exploration) * policy + exploration / n_available) * avail_actions
    # Rounding may leave the whole a little below 1: the last one then is the last possible.
    last = _numbered(avail_actions) == n_available - 1
    actions = _first(avail_actions & ((noise[:, :1] < policy.cumsum(-1)) | last))
    return actions, policy.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


def _numbered(avail_actions: Tensor) -> Tensor:
    """How many available actions stand before every action, int64 ``[R, A]``."""
    available = avail_actions.long()
    return available.cumsum(-1) - available


def _first(those: Tensor) -> Tensor:
    """The first of the actions ``[R, A]``, int64 ``[R]``."""
    return those.long().argmax(-1)
