"""What every mixer gives.

A mixer is an ``nn.Module`` built from an :class:`EnvSpec`. Besides the joint value it gives its slopes
dQ_tot/dQ_a in closed form, which is what the regret-minimising weights need of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from remix.networks.features import Rows


@dataclass(frozen=True)
class Context:
    """What some mixers read besides utilities and state; present if the mixer ``requires`` it.

    :param actions: the joint actions, int64 ``[K, N]``.
    :param maxima: every agent's highest available utility ``[K, N]``, with its gradient.
    :param obs: every agent's observation, ``[K * N, O]``.
    """

    actions: Tensor | None = None
    maxima: Tensor | None = None
    obs: Rows | None = None


NOTHING_ELSE = Context()


class Mixer(nn.Module, ABC):
    """Joint action value Q_tot from the utilities of the N agents' actions."""

    requires: frozenset[str] = frozenset()
    """Names of the parts of :class:`Context` that this mixer reads."""

    monotonic: bool = True
    """Whether no slope is ever negative, so that the agents' own best actions are the best together."""

    @abstractmethod
    def value_and_slopes(
        self, utilities: Tensor, state: Rows, context: Context = NOTHING_ELSE
    ) -> tuple[Tensor, Tensor]:
        """``Q_tot [K]`` and its slopes ``[K, N]``, the latter without gradient.

        :param utilities: ``[K, N]`` of the joint actions.
        :param state: ``[K, S]``.
        """

    def forward(self, utilities: Tensor, state: Rows, context: Context = NOTHING_ELSE) -> Tensor:
        """``Q_tot [K]`` alone."""
        return self.value_and_slopes(utilities, state, context)[0]
