"""Qatten (Yang et al., 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remix.envs.spec import EnvSpec
from remix.networks.features import Rows
from remix.networks.feedforward import FeedForward, side_by_side
from remix.networks.mixers.base import NOTHING_ELSE, Context, Mixer
from remix.settings import checks


class QattenMixer(Mixer):
    """Attention of the state over the agents: ``Q_tot = c(s) + sum_k w_k(s) sum_i att_ki Q_i`` over K heads.

    ``att_k`` is the softmax over agents of ``query_k(s) . key_k(o_i) / sqrt(d)``, ``o_i`` what agent i sees.

    :param n_heads: K.
    :param key_size: d, width of queries and keys.
    :param hidden_size: width of the hidden layers of queries and head weights.
    :param weighted_heads: let the state weight the heads; else every ``w_k`` is 1.
    """

    requires = frozenset({"obs"})

    def __init__(
        self,
        spec: EnvSpec,
        n_heads: int = 4,
        key_size: int = 32,
        hidden_size: int = 64,
        weighted_heads: bool = True,
    ) -> None:
        super().__init__()
        for name, value in (("n_heads", n_heads), ("key_size", key_size), ("hidden_size", hidden_size)):
            checks.whole(name, value, minimum=1)
        size = spec.state_size
        self.n_agents, self.n_heads, self.key_size = spec.n_agents, n_heads, key_size
        self.queries = nn.ModuleList(FeedForward(size, hidden_size, key_size) for _ in range(n_heads))
        self.keys = FeedForward(spec.obs_size, n_heads * key_size)
        self.head_weights = FeedForward(size, hidden_size, n_heads) if weighted_heads else None
        self.constant = FeedForward(size, key_size, 1)

    def attention(self, queries: Tensor, obs: Rows) -> Tensor:
        """``att [K, heads, N]``, which sums to 1 over the agents.

        :param queries: ``[K, heads * d]``.
        """
        queries = queries.unflatten(-1, (self.n_heads, self.key_size))
        keys = self.keys(obs).view(-1, self.n_agents, self.n_heads, self.key_size)
        logits = torch.einsum("khd,knhd->khn", queries, keys) / self.key_size**0.5
        return logits.softmax(-1, dtype=torch.promote_types(logits.dtype, torch.float32))

    def value_and_slopes(
        self, utilities: Tensor, state: Rows, context: Context = NOTHING_ELSE
    ) -> tuple[Tensor, Tensor]:
        """Slopes ``sum_k w_k(s) att_ki``, whatever the utilities."""
        assert context.obs is not None
        networks = [*self.queries, self.constant]
        if self.head_weights is not None:
            networks.append(self.head_weights)
        of_state, n_queries = side_by_side(networks, state), self.n_heads * self.key_size
        attention = self.attention(of_state[:, :n_queries], context.obs)
        if self.head_weights is not None:
            attention = attention * of_state[:, n_queries + 1 :].abs().unsqueeze(-1)
        slopes = attention.sum(1)
        value = (slopes * utilities).sum(-1) + of_state[:, n_queries]
        return value, slopes.detach()
