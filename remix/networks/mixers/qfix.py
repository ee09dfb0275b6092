"""QFIX (Baisero et al., 2025)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from remix.envs.spec import EnvSpec
from remix.networks.features import Rows, with_choices
from remix.networks.feedforward import FeedForward
from remix.networks.importance import SMALLEST
from remix.networks.mixers.base import NOTHING_ELSE, Context, Mixer
from remix.networks.mixers.vdn import VDNMixer
from remix.settings import checks
from remix.settings.errors import SettingError


class QFIXMixer(Mixer):
    """A mixer whose advantages are rescaled, so that every function with its greedy joint action can be had.

    With ``F`` and ``M`` the inner mixer's values of the actions and of the agents' best ones::

        Q_tot = F + w(s, u) (F - M) + b(s)        w > -1, additive (Q+FIX)
        Q_tot = w(s, u) (F - M) + b(s)            w > 0, otherwise (QFIX)

    Without an inner mixer every agent's advantage ``Q_i - max Q_i`` has a weight of its own, and F is the
    sum of utilities (the authors' Q+FIX-lin). Unlike in QPLEX the utilities learn from the advantages, their
    maxima included.

    :param inner: builds the inner mixer, of utilities and state; None for none.
    :param additive: Q+FIX, or else QFIX.
    :param detach_advantages: let the advantages of Q+FIX be constants for the gradient, as the authors do in
        their experiments.
    :param hidden_size: width of the hidden layers of w and b.
    """

    requires = frozenset({"actions", "maxima"})

    def __init__(
        self,
        spec: EnvSpec,
        inner: Callable[[EnvSpec], Mixer] | None = VDNMixer,
        additive: bool = True,
        detach_advantages: bool = False,
        hidden_size: int = 64,
    ) -> None:
        super().__init__()
        checks.whole("hidden_size", hidden_size, minimum=1)
        if detach_advantages and not additive:
            raise SettingError(
                "detach_advantages", True, "must be false unless additive: nothing would learn"
            )
        self.inner: Mixer | None = None
        if inner is not None:
            self.inner = checks.built("inner", Mixer, inner, spec)
            if self.inner.requires:
                name = type(self.inner).__name__
                raise SettingError("inner", name, "must read utilities and state alone: VDNMixer or QMixer")
        self.additive, self.detach_advantages, self.n_actions = additive, detach_advantages, spec.n_actions
        # Where a mixer bends, the maximum may weigh more than the value that moves with it.
        self.monotonic = self.inner is None or isinstance(self.inner, VDNMixer)
        n_inputs, n_weights = spec.state_size + spec.n_agents * spec.n_actions, 1
        if self.inner is None:
            n_weights = spec.n_agents
        self.weight = FeedForward(n_inputs, hidden_size, n_weights)
        self.bias = FeedForward(spec.state_size, hidden_size, 1)

    def weights(self, state: Rows, actions: Tensor) -> Tensor:
        """``w`` ``[K, 1]``, or ``[K, N]`` without an inner mixer."""
        lowest = -1.0 if self.additive else 0.0
        made = self.weight(with_choices(state, actions, self.n_actions))
        return (made - lowest).abs() + lowest + SMALLEST

    def value_and_slopes(
        self, utilities: Tensor, state: Rows, context: Context = NOTHING_ELSE
    ) -> tuple[Tensor, Tensor]:
        """Slopes of the value itself, where an agent's best action moves its maximum as well.

        With detached advantages they differ from the gradient that the utilities get, which is F's.
        """
        assert context.actions is not None and context.maxima is not None
        weight = self.weights(state, context.actions).to(utilities.dtype)
        values, slopes = self._inner(utilities, state)
        best_values, best_slopes = self._inner(context.maxima.to(utilities.dtype), state)
        advantages = values - best_values
        if self.detach_advantages:
            advantages = advantages.detach()
        value = (weight * advantages).sum(-1) + self.bias(state).squeeze(-1)
        with torch.no_grad():
            moved = torch.where(utilities < context.maxima, 0.0, best_slopes)
            total = weight * (slopes - moved)
        if self.additive:
            value, total = value + values.sum(-1), total + slopes
        return value, total.detach()

    def _inner(self, utilities: Tensor, state: Rows) -> tuple[Tensor, Tensor]:
        """What w rescales, ``[K, 1]`` or ``[K, N]``, and its slopes by the utilities ``[K, N]``."""
        if self.inner is None:
            return utilities, torch.ones_like(utilities)
        value, slopes = self.inner.value_and_slopes(utilities, state)
        return value.unsqueeze(-1), slopes
