"""What a weighting sees and returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Set
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from remix.settings import checks
from remix.settings.errors import SettingError


@dataclass(frozen=True)
class WeightingInputs:
    """Values of K transitions, all detached. Optional ones are present if the weighting ``requires`` them.

    :param joint_value: Q_tot(tau, u) ``[K]`` of the taken joint actions.
    :param target: y ``[K]``.
    :param utilities: Q_a(tau_a, .) ``[K, N, A]``.
    :param avail_actions: bool ``[K, N, A]``.
    :param actions: int64 ``[K, N]``, the actions taken.
    :param env_steps: environment steps collected so far.
    :param central_value: Q*(tau, u) ``[K]`` of the online central networks at the taken actions.
    :param target_central_value: the same of their target copies.
    :param greedy_central_value: target Q* ``[K]`` at the agents' greedy joint action.
    :param slopes: dQ_tot/dQ_a ``[K, N]``.
    :param behaviour: probability of each agent's action when it was played, ``[K, N]``.
    :param recognised_gap: by how much a recogniser holds the taken joint action for worse than the one of
        the agents' own best actions, ``[K]``.
    """

    joint_value: Tensor
    target: Tensor
    utilities: Tensor
    avail_actions: Tensor
    actions: Tensor
    env_steps: int = 0
    central_value: Tensor | None = None
    target_central_value: Tensor | None = None
    greedy_central_value: Tensor | None = None
    slopes: Tensor | None = None
    behaviour: Tensor | None = None
    recognised_gap: Tensor | None = None

    @property
    def underestimated(self) -> Tensor:
        """Bool ``[K]``: Q_tot lies strictly below its target."""
        return self.joint_value < self.target

    @property
    def greedy_agents(self) -> Tensor:
        """Bool ``[K, N]``: the agent took the available action of its highest utility."""
        masked = self.utilities.masked_fill(~self.avail_actions, -float("inf"))
        return masked.argmax(-1) == self.actions

    @property
    def greedy(self) -> Tensor:
        """Bool ``[K]``: every agent took the available action of its highest utility."""
        return self.greedy_agents.all(-1)

    def given(self, name: str) -> Tensor:
        """The optional input ``name``.

        :raises ValueError: it is absent, although the weighting names it in ``requires``.
        """
        value = getattr(self, name)
        if value is None:
            raise ValueError(f"the weighting needs '{name}', which was not computed")
        return value


class Weights(NamedTuple):
    """``values [K]`` and scalars worth logging.

    Their names begin with ``weighting/``; NaN where a batch has no such number.
    """

    values: Tensor
    diagnostics: dict[str, Tensor]


class Weighting(ABC):
    """Projection weights in a range.

    :param min_weight: weight of transitions that matter least.
    :param max_weight: weight of those that matter most.
    """

    requires: frozenset[str] = frozenset()
    """Names of the optional :class:`WeightingInputs` that this weighting reads."""

    warmup: Weighting | None = None
    """The weighting that stands in for this one at first; None if there is none."""

    warmup_steps: int = 0
    """Environment steps for which ``warmup`` stands in."""

    def __init__(self, min_weight: float = 0.1, max_weight: float = 1.0) -> None:
        self.min_weight, self.max_weight = checks.ordered("min_weight", min_weight, "max_weight", max_weight)

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest weight that there can be."""
        return self.min_weight, self.max_weight

    @abstractmethod
    def __call__(self, inputs: WeightingInputs) -> Weights:
        """Weights of the K transitions."""

    def between(self, score: Tensor) -> Tensor:
        """Scores in [0, 1] placed in the weight range; 0 and 1 give its ends exactly."""
        low, high = (torch.full_like(score, end) for end in (self.min_weight, self.max_weight))
        return torch.lerp(low, high, score)


def usable(weighting: Any) -> Weighting:
    """A weighting that an algorithm was given.

    :raises SettingError: about the setting ``weighting``, saying what it must have.
    """
    name = type(checks.instance("weighting", weighting, Weighting)).__name__
    if not hasattr(weighting, "min_weight") or not hasattr(weighting, "max_weight"):
        raise SettingError("weighting", name, "has no min_weight and max_weight, must call super().__init__")
    if not isinstance(weighting.requires, Set):
        raise SettingError("weighting", name, "must have a set of names in requires")
    return weighting


def effective_sample_size(weights: Tensor) -> Tensor:
    """``(sum w)^2 / (K sum w^2)`` of weights ``[K]``, a scalar in (0, 1], which is 1 for equal weights."""
    return weights.sum() ** 2 / (len(weights) * weights.square().sum()).clamp(
        min=torch.finfo(weights.dtype).tiny
    )
