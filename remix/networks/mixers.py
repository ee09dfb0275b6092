"""Monotonic mixers: from agents' utilities to the joint action value.

A mixer is an ``nn.Module`` built from an :class:`EnvSpec`. Besides the joint value it gives its slopes
dQ_tot/dQ_a in closed form, which is what the regret-minimising weights need of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from envs.spec import EnvSpec


class Mixer(nn.Module, ABC):
    """Joint action value Q_tot from the utilities of the N agents' actions."""

    @abstractmethod
    def value_and_slopes(self, utilities: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """``Q_tot [K]`` and its slopes ``[K, N]``, the latter without gradient.

        :param utilities: ``[K, N]`` of the joint actions.
        :param state: float ``[K, S]``.
        """

    @abstractmethod
    def forward(self, utilities: Tensor, state: Tensor) -> Tensor:
        """``Q_tot [K]`` alone."""


class VDNMixer(Mixer):
    """The sum of the utilities (Sunehag et al., 2017); every slope is 1."""

    def __init__(self, spec: EnvSpec) -> None:
        super().__init__()

    def forward(self, utilities: Tensor, state: Tensor) -> Tensor:
        return utilities.sum(-1)

    def value_and_slopes(self, utilities: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return self(utilities, state), torch.ones_like(utilities)


class QMixer(Mixer):
    """Two-layer ELU network whose non-negative weights come from the state (Rashid et al., 2018).

    :param embed_dim: m, width of the mixing layer.
    :param hypernet_dim: width of the networks that make its weights.
    """

    def __init__(self, spec: EnvSpec, embed_dim: int = 32, hypernet_dim: int = 64) -> None:
        super().__init__()
        size, self.n_agents, self.embed_dim = spec.state_size, spec.n_agents, embed_dim
        self.first_weight = _two_layers(size, hypernet_dim, self.n_agents * embed_dim)
        self.first_bias = nn.Linear(size, embed_dim)
        self.second_weight = _two_layers(size, hypernet_dim, embed_dim)
        self.state_value = _two_layers(size, embed_dim, 1)

    def forward(self, utilities: Tensor, state: Tensor) -> Tensor:
        _, second, hidden = self._layers(utilities, state)
        return self._value(second, hidden, state)

    def value_and_slopes(self, utilities: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Slopes of paper Lemma 1, with ELU's own slope for every hidden unit (not one outside the sum)."""
        first, second, hidden = self._layers(utilities, state)
        with torch.no_grad():
            unit_slopes = hidden.clamp(max=0.0).exp()
            slopes = torch.bmm(first, (unit_slopes * second).unsqueeze(-1)).squeeze(-1)
        return self._value(second, hidden, state), slopes

    def _layers(self, utilities: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        first = self.first_weight(state).abs().view(-1, self.n_agents, self.embed_dim)
        second = self.second_weight(state).abs()
        hidden = torch.baddbmm(self.first_bias(state).unsqueeze(1), utilities.unsqueeze(1), first).squeeze(1)
        return first, second, hidden

    def _value(self, second: Tensor, hidden: Tensor, state: Tensor) -> Tensor:
        return (F.elu(hidden) * second).sum(-1) + self.state_value(state).squeeze(-1)


def _two_layers(size: int, width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size, width), nn.ReLU(), nn.Linear(width, outputs))
