"""QPLEX (Wang et al., 2021)."""

from __future__ import annotations

import torch
from torch import Tensor

from remix.envs.spec import EnvSpec
from remix.networks.features import Rows
from remix.networks.feedforward import FeedForward, side_by_side
from remix.networks.importance import SMALLEST, Importance
from remix.networks.mixers.base import NOTHING_ELSE, Context, Mixer
from remix.settings import checks


class QPLEXMixer(Mixer):
    """Duplex dueling: every function whose joint maximum lies at the agents' own maxima.

    ``Q_tot = sum_i ~Q_i + sum_i (lambda_i(s, u) - 1) (~Q_i - ~V_i)`` with ``~Q_i = w_i(s) Q_i + b_i(s)`` and
    ``~V_i`` the same of the agent's highest utility. The advantages ``~Q_i - ~V_i`` get no gradient, so that
    to the utilities Q_tot looks like the sum of the ``~Q_i``.

    :param n_heads: see :class:`Importance`.
    :param n_layers: see :class:`Importance`.
    :param hidden_size: width of all hidden layers.
    """

    requires = frozenset({"actions", "maxima"})

    def __init__(self, spec: EnvSpec, n_heads: int = 4, n_layers: int = 2, hidden_size: int = 64) -> None:
        super().__init__()
        checks.whole("hidden_size", hidden_size, minimum=1)
        self.weight = FeedForward(spec.state_size, hidden_size, spec.n_agents)
        self.bias = FeedForward(spec.state_size, hidden_size, spec.n_agents)
        self.importance = Importance(spec, n_heads, n_layers, hidden_size)

    def value_and_slopes(
        self, utilities: Tensor, state: Rows, context: Context = NOTHING_ELSE
    ) -> tuple[Tensor, Tensor]:
        """Slopes of the value itself: ``lambda_i w_i``, and ``w_i`` where the action is the agent's best.

        They differ from the gradient that the utilities get, which is ``w_i`` everywhere.
        """
        assert context.actions is not None and context.maxima is not None
        weight, bias = side_by_side([self.weight, self.bias], state).chunk(2, dim=-1)
        weight = weight.abs().to(utilities.dtype) + SMALLEST
        importance = self.importance(state, context.actions).to(utilities.dtype)
        advantage = (weight * (utilities - context.maxima)).detach()
        own = weight * utilities + bias
        value = (own + (importance - 1.0) * advantage).sum(-1)
        with torch.no_grad():
            slopes = torch.where(utilities < context.maxima, importance * weight, weight)
        return value, slopes
