"""The mixer of FOP (Zhang et al., 2021)."""

from __future__ import annotations

import torch
from torch import Tensor

from remix.envs.spec import EnvSpec
from remix.networks.features import Rows
from remix.networks.feedforward import FeedForward
from remix.networks.importance import Importance
from remix.networks.mixers.base import NOTHING_ELSE, Context, Mixer


class FOPMixer(Mixer):
    """A joint value whose soft-optimal policy is the product of the agents' own: individual-global-optimal.

    ``Q_tot = V(s) + sum_i Q_i + sum_i (lambda_i(s, u) - 1) (Q_i - v_i)``, where ``context.maxima`` holds the
    agents' soft values ``v_i = alpha logsumexp_a(Q_i(a) / alpha)``; equal to
    ``V(s) + sum_i v_i + sum_i lambda_i (Q_i - v_i)``. The advantages ``Q_i - v_i`` get no gradient, so that
    to the utilities Q_tot looks like their sum.

    :param n_heads: see :class:`Importance`, whose networks are single linear layers here.
    :param hidden_size: width of the hidden layer of V.
    """

    requires = frozenset({"actions", "maxima"})

    def __init__(self, spec: EnvSpec, n_heads: int = 4, hidden_size: int = 32) -> None:
        super().__init__()
        self.importance = Importance(spec, n_heads, n_layers=1, hidden_size=hidden_size)
        self.state_value = FeedForward(spec.state_size, hidden_size, 1)

    def value_and_slopes(
        self, utilities: Tensor, state: Rows, context: Context = NOTHING_ELSE
    ) -> tuple[Tensor, Tensor]:
        """Slopes of the value itself for given ``v_i``: ``lambda_i``.

        Where ``Q_i = v_i`` the two move together and the slope is 1: at an agent's only action, and at its
        best one if ``context.maxima`` holds the highest utilities. The gradient that the utilities get is 1
        everywhere.
        """
        assert context.actions is not None and context.maxima is not None
        importance = self.importance(state, context.actions).to(utilities.dtype)
        advantage = (utilities - context.maxima).detach()
        value = self.state_value(state).squeeze(-1) + (utilities + (importance - 1.0) * advantage).sum(-1)
        with torch.no_grad():
            slopes = torch.where(advantage < 0.0, importance, 1.0)
        return value, slopes
