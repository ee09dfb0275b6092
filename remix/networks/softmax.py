"""Softmax policies over the actions that are available."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def log_policy(outputs: Tensor, avail_actions: Tensor, temperature: float = 1.0) -> Tensor:
    """Logarithms of the policies, minus infinity for what is not available; all ``[..., A]``."""
    return F.log_softmax((outputs / temperature).masked_fill(~avail_actions, -torch.inf), dim=-1)


def with_exploration(log_policy: Tensor, avail_actions: Tensor, exploration: float) -> Tensor:
    """Log probabilities ``[..., A]`` when a share ``exploration`` of the choices is uniform."""
    if exploration == 0.0:
        return log_policy
    uniform = exploration / avail_actions.sum(-1, keepdim=True)
    mixed = (1.0 - exploration) * log_policy.exp() + uniform
    return mixed.masked_fill(~avail_actions, 1.0).log().masked_fill(~avail_actions, -torch.inf)


def expectation(log_policy: Tensor, values: Tensor) -> Tensor:
    """``sum_a pi(a) values(a)`` ``[...]`` from ``[..., A]`` of both; impossible actions do not count."""
    possible = log_policy.isfinite()
    return (log_policy.exp() * values.masked_fill(~possible, 0.0)).sum(-1)


def entropy(log_policy: Tensor) -> Tensor:
    """``- sum_a pi(a) log pi(a)`` ``[...]``."""
    return -expectation(log_policy, log_policy)


def gather(values: Tensor, actions: Tensor) -> Tensor:
    """Values ``[..., N]`` of the ``actions [..., N]`` from ``[..., N, A]``."""
    return values.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


def sample(policy: Tensor, noise: Tensor) -> Tensor:
    """Actions int64 ``[...]`` from log probabilities ``[..., A]``; impossible ones are never drawn.

    :param noise: ``[..., A]``, uniform in [0, 1). The highest of log probability plus Gumbel noise is drawn.
    """
    positive = noise.clamp(min=torch.finfo(noise.dtype).tiny)
    return (policy - (-positive.log()).log()).argmax(-1)
