"""CW-QMIX (Rashid et al., 2020)."""

from __future__ import annotations

from remix.weighting.base import Weighting, WeightingInputs, Weights


class CentrallyWeighted(Weighting):
    """The maximum where the joint action is greedy or promises more than the greedy one, else the minimum."""

    requires: frozenset[str] = frozenset({"greedy_central_value"})

    def __call__(self, inputs: WeightingInputs) -> Weights:
        greedy = inputs.greedy
        promising = inputs.target > inputs.given("greedy_central_value")
        score = (greedy | promising).to(inputs.target.dtype)
        return Weights(self.between(score), {"weighting/greedy_share": greedy.float().mean()})
