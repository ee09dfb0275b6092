"""The linear mixer of DOP (Wang et al., 2021)."""

from __future__ import annotations

import torch
from torch import Tensor

from remix.envs.spec import EnvSpec
from remix.networks.features import Rows
from remix.networks.feedforward import FeedForward, side_by_side
from remix.networks.importance import SMALLEST
from remix.networks.mixers.base import NOTHING_ELSE, Context, Mixer
from remix.settings import checks


class LinearMixer(Mixer):
    """``Q_tot = sum_i k_i(s) Q_i (+ b(s))`` with ``k_i >= 0``; an expectation passes through it exactly.

    ``k = |W_1(s)| |W_2(s)|`` with linear hypernetworks.

    :param embed_dim: m, the width between the two.
    :param normalise: scale the ``k_i`` to sum to 1 over the agents, as the authors' code does.
    :param bias: add b(s), as in their paper.
    """

    def __init__(
        self, spec: EnvSpec, embed_dim: int = 32, normalise: bool = True, bias: bool = False
    ) -> None:
        super().__init__()
        checks.whole("embed_dim", embed_dim, minimum=1)
        size, self.n_agents, self.embed_dim, self.normalise = (
            spec.state_size,
            spec.n_agents,
            embed_dim,
            normalise,
        )
        self.first_weight = FeedForward(size, spec.n_agents * embed_dim)
        self.second_weight = FeedForward(size, embed_dim)
        self.state_value = FeedForward(size, embed_dim, 1) if bias else None

    def weights(self, state: Rows) -> Tensor:
        """``k [K, N]``."""
        both = side_by_side([self.first_weight, self.second_weight], state).abs()
        first, second = both.split([self.n_agents * self.embed_dim, self.embed_dim], dim=-1)
        k = torch.einsum("knm,km->kn", first.view(-1, self.n_agents, self.embed_dim), second)
        k = k.to(torch.promote_types(k.dtype, torch.float32))
        return k / (k.sum(-1, keepdim=True) + SMALLEST) if self.normalise else k

    def value_and_slopes(
        self, utilities: Tensor, state: Rows, context: Context = NOTHING_ELSE
    ) -> tuple[Tensor, Tensor]:
        k = self.weights(state)
        value = (k * utilities).sum(-1)
        if self.state_value is not None:
            value = value + self.state_value(state).squeeze(-1)
        return value, k.detach()
