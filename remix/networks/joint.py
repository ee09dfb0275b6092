"""The joint action value and the state value of QTRAN-base (Son et al., 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remix.envs.spec import EnvSpec
from remix.networks.features import Rows, with_numbers
from remix.networks.feedforward import FeedForward
from remix.settings import checks


class JointValue(nn.Module):
    """``Q_jt(s, u)`` of the agents' hidden states and actions, encoded agent by agent and summed.

    :param hidden_size: width H of the agents' hidden states.
    :param embed_dim: width of the two hidden layers.
    """

    def __init__(self, spec: EnvSpec, hidden_size: int = 64, embed_dim: int = 64) -> None:
        super().__init__()
        checks.whole("embed_dim", embed_dim, minimum=1)
        self.n_actions = spec.n_actions
        width = hidden_size + spec.n_actions
        self.encoder = FeedForward(width, width, width)
        self.value = FeedForward(spec.state_size + width, embed_dim, embed_dim, 1)

    def forward(self, hidden: Tensor, actions: Tensor, state: Rows) -> Tensor:
        """Values ``[K]`` of the joint ``actions [K, N]``.

        :param hidden: ``[K, N, H]`` the agents' hidden states when they chose.
        :param state: ``[K, S]``.
        """
        # Compared instead of F.one_hot, which looks at the actions first and may wait for them.
        one_hot = actions.unsqueeze(-1) == torch.arange(self.n_actions, device=actions.device)
        rows = torch.cat((hidden, one_hot.to(hidden.dtype)), dim=-1)
        agents: Tensor = self.encoder(rows.flatten(0, 1)).view(rows.shape).sum(1)
        value: Tensor = self.value(with_numbers(state, agents))
        return value.squeeze(-1)


class StateValue(nn.Module):
    """``V(s)``: what the sum of utilities lacks to be the joint value.

    :param embed_dim: width of the two hidden layers.
    """

    def __init__(self, spec: EnvSpec, embed_dim: int = 64) -> None:
        super().__init__()
        checks.whole("embed_dim", embed_dim, minimum=1)
        self.value = FeedForward(spec.state_size, embed_dim, embed_dim, 1)

    def forward(self, state: Rows) -> Tensor:
        """Values ``[K]`` of ``state [K, S]``."""
        value: Tensor = self.value(state)
        return value.squeeze(-1)
