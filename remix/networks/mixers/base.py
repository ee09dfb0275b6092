"""What every mixer gives.

A mixer is an ``nn.Module`` built from an :class:`EnvSpec`. Besides the joint value it gives its slopes
dQ_tot/dQ_a in closed form, which is what the regret-minimising weights need of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from remix.envs.spec import EnvSpec
from remix.networks.features import Rows
from remix.networks.trying import expect_shape, to_be_tried, trying
from remix.settings import checks
from remix.settings.errors import SettingError


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


def build_mixer(mixer: Callable[[EnvSpec], Mixer], spec: EnvSpec) -> Mixer:
    """The mixer that an algorithm was given a function for.

    :raises SettingError: about the setting ``mixer``: it is none, or asks for what a :class:`Context` lacks.
    """
    built = checks.built("mixer", Mixer, mixer, spec)
    known = {field.name for field in fields(Context)}
    if unknown := set(built.requires) - known:
        expected = f"requires {', '.join(sorted(unknown))}, must be among {', '.join(sorted(known))}"
        raise SettingError("mixer", type(built).__name__, expected)
    if to_be_tried(built):
        with trying("mixer", built) as copy:
            _try(copy, spec)
    return built


def _try(mixer: Mixer, spec: EnvSpec) -> None:
    """Two rows."""
    utilities, actions = torch.zeros(2, spec.n_agents), torch.zeros(2, spec.n_agents, dtype=torch.int64)
    known = {"actions": actions, "maxima": utilities, "obs": torch.zeros(2 * spec.n_agents, spec.obs_size)}
    context = Context(**{name: known[name] for name in mixer.requires})
    value = mixer(utilities, torch.zeros(2, spec.state_size), context)
    expect_shape("mixer", mixer, "values", value, 2)
