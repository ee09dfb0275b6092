"""Which joint actions may be optimal (Huang et al., 2026, POW)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from remix.envs.spec import EnvSpec
from remix.networks.features import Rows, with_choices
from remix.networks.feedforward import FeedForward
from remix.networks.trying import blank, expect_shape, tried
from remix.settings import checks


class Recogniser(nn.Module):
    """``Q_r = V(s) - gap``, with ``gap = sum_i lambda_i(s, u) (max_a Q_i(a) - Q_i(u_i))`` of at least 0.

    ``lambda_i = sum_m |W_im(s, u)| |w_m(s, u)|``. The gap is 0 at the agents' own best actions, and learns
    elsewhere how much worse a joint action is; the utilities get no gradient.

    :param embed_dim: m, the width between both factors of lambda.
    :param hidden_size: width of both hidden layers of W, w and V.
    """

    def __init__(self, spec: EnvSpec, embed_dim: int = 64, hidden_size: int = 128) -> None:
        super().__init__()
        checks.whole("embed_dim", embed_dim, minimum=1)
        checks.whole("hidden_size", hidden_size, minimum=1)
        self.n_agents, self.n_actions, self.embed_dim = spec.n_agents, spec.n_actions, embed_dim
        size = spec.state_size + spec.n_agents * spec.n_actions
        self.first_weight = FeedForward(size, hidden_size, hidden_size, spec.n_agents * embed_dim)
        self.second_weight = FeedForward(size, hidden_size, hidden_size, embed_dim)
        self.state_value = FeedForward(spec.state_size, hidden_size, hidden_size, 1)

    def forward(self, regret: Tensor, state: Rows, actions: Tensor) -> tuple[Tensor, Tensor]:
        """``Q_r`` and the gap, both ``[K]``, in single precision.

        :param regret: ``max_a Q_i(a) - Q_i(u_i)`` of every agent, ``[K, N]``, at least 0.
        :param state: ``[K, S]``.
        :param actions: int64 ``[K, N]``.
        """
        rows = with_choices(state, actions, self.n_actions)
        first = self.first_weight(rows).abs().view(-1, self.n_agents, self.embed_dim)
        importance = torch.einsum("knm,km->kn", first, self.second_weight(rows).abs())
        gap = (importance.float() * regret.detach().float()).sum(-1)
        return self.state_value(state).squeeze(-1).float() - gap, gap


def build_recogniser(recogniser: Callable[[EnvSpec], Recogniser], spec: EnvSpec) -> Recogniser:
    """The recogniser that an algorithm was given a function for.

    :raises SettingError: about the setting ``recogniser``: it is none, or cannot compute.
    """

    def attempt(copy: Recogniser) -> None:
        regret, (state, _) = torch.zeros(2, spec.n_agents), blank(spec, 2)
        for what, found in zip(("values", "gaps"), copy(regret, state, regret.long()), strict=True):
            expect_shape("recogniser", copy, what, found, 2)

    return tried("recogniser", Recogniser, recogniser, spec, attempt=attempt)
