"""OW-QMIX (Rashid et al., 2020; equation 1 of the ReMIX paper)."""

from __future__ import annotations

from remix.weighting.base import Weighting, WeightingInputs, Weights


class Optimistic(Weighting):
    """The maximum for under-estimated transitions, the minimum (alpha) for all others."""

    def __call__(self, inputs: WeightingInputs) -> Weights:
        return Weights(self.between(inputs.underestimated.to(inputs.target.dtype)), {})
