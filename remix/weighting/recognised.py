"""POW-QMIX (Huang et al., 2026): only joint actions that may be optimal count."""

from __future__ import annotations

import torch

from remix.settings import checks
from remix.weighting.base import Weighting, WeightingInputs, Weights


class Full(Weighting):
    """The maximum everywhere."""

    def __call__(self, inputs: WeightingInputs) -> Weights:
        return Weights(self.between(torch.ones_like(inputs.target)), {})


class Recognised(Weighting):
    """The maximum where the recognised gap to the agents' own best joint action is small, else the minimum.

    With a minimum of 0, as the authors have it, Q_tot learns nothing of other joint actions.

    :param tolerance: C, gaps below which a joint action may be optimal, in units of value.
    :param warmup_steps: environment steps in which all transitions count before these.
    """

    requires = frozenset({"recognised_gap"})

    def __init__(
        self,
        min_weight: float = 0.0,
        max_weight: float = 1.0,
        tolerance: float = 0.1,
        warmup_steps: int = 100_000,
    ) -> None:
        super().__init__(min_weight, max_weight)
        self.tolerance = checks.number("tolerance", tolerance, above=0.0)
        self.warmup_steps = checks.whole("warmup_steps", warmup_steps, minimum=0)
        self.warmup: Full = Full(min_weight, max_weight)

    def __call__(self, inputs: WeightingInputs) -> Weights:
        recognised = inputs.given("recognised_gap") < self.tolerance
        shown = {"weighting/recognised_share": recognised.float().mean()}
        if inputs.env_steps < self.warmup_steps:
            return Weights(self.warmup(inputs).values, shown)
        return Weights(self.between(recognised.to(inputs.target.dtype)), shown)
