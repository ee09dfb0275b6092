"""ReMIX's raw weights in the mapping that its authors probably ran."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from remix.settings import checks
from remix.weighting.base import WeightingInputs
from remix.weighting.mappings import CappedLinear
from remix.weighting.regret_minimizing import RegretMinimizing, boltzmann_log_policy


class SignedMinMax(RegretMinimizing):
    """Raw weights with their signs, cut at a multiple of their mean and stretched over the range.

    The raw weight is ``(y - Q_tot) exp(Q* - Q_tot) G`` where ``Q_tot < y``, negative where the mixing
    gradient G is, and 0 elsewhere. The mean is that of all raw weights that are not 0; the smallest of all
    transitions becomes the minimum, the largest the maximum. So one strongly negative G lifts over-estimated
    transitions above the minimum, and where the mean is negative, the cut is a floor. Where the stretch would
    divide by 0, all weights are the maximum if the raw weights are positive, else the minimum.

    :param kappa: the cut, in means.
    :param negative: negative raw weights are ``kept``, or ``floored`` at 0.
    :param overestimated: over-estimated transitions get what they are ``mapped`` to, or the ``minimum``.
    """

    def __init__(
        self,
        min_weight: float = 0.1,
        max_weight: float = 1.0,
        kappa: float = 2.0,
        negative: Literal["kept", "floored"] = "kept",
        overestimated: Literal["mapped", "minimum"] = "mapped",
        central_network: str = "online",
        temperature: float = 1.0,
        slope_floor: float = 1e-4,
        warmup_steps: int = 30_000,
    ) -> None:
        super().__init__(
            min_weight,
            max_weight,
            CappedLinear(kappa),
            central_network=central_network,
            temperature=temperature,
            slope_floor=slope_floor,
            warmup_steps=warmup_steps,
        )
        self.kappa = kappa
        self.negative = checks.choice("negative", negative, ("kept", "floored"))
        self.overestimated = checks.choice("overestimated", overestimated, ("mapped", "minimum"))

    def score(self, log_raw: Tensor, inputs: WeightingInputs) -> Tensor:
        taken = boltzmann_log_policy(inputs.utilities, inputs.avail_actions, inputs.actions, self.temperature)
        raw = self.gradient(taken, inputs).sign() * relative(log_raw)
        mean = raw.sum() / (raw != 0.0).sum().clamp(min=1)
        score = stretched(raw, self.kappa * mean, floored=self.negative == "floored")
        return torch.where(inputs.underestimated | (self.overestimated == "mapped"), score, 0.0)

    def _log_gradient(self, log_policy: Tensor, inputs: WeightingInputs) -> Tensor:
        """Logarithm ``[K]`` of the absolute mixing-gradient factor; :meth:`score` puts the sign back."""
        return self.gradient(log_policy, inputs).abs().log()


def relative(log_raw: Tensor) -> Tensor:
    """Raw weights ``[K]`` divided by their maximum, from their logarithms; 0 if all raw weights are 0."""
    highest = log_raw.max()
    return (log_raw - torch.where(highest.isfinite(), highest, 0.0)).exp()


def stretched(raw: Tensor, cap: Tensor, floored: bool) -> Tensor:
    """Raw weights ``[K]`` up to a cap, from the smallest (0) to the largest (1).

    :param floored: those below 0 count as 0.
    """
    cut = raw.minimum(cap.clamp(min=0.0)).clamp(min=0.0) if floored else raw.minimum(cap)
    low, high = cut.min(), cut.max()
    flat = low == high
    return torch.where(flat, (high > 0.0).to(raw.dtype), (cut - low) / torch.where(flat, 1.0, high - low))
