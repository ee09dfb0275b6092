"""A weighting of one's own."""

from __future__ import annotations

from remix.settings.checks import number
from remix.weighting.base import Weighting, WeightingInputs, Weights


class Sharp(Weighting):
    """Weights that grow with a power of the under-estimation y - Q_tot, in the range of weights.

    :param power: of the under-estimation over the largest one of the batch.
    """

    def __init__(self, power: float = 2.0, min_weight: float = 0.1, max_weight: float = 1.0) -> None:
        super().__init__(min_weight, max_weight)
        self.power = number("power", power, minimum=0.0)

    def __call__(self, inputs: WeightingInputs) -> Weights:
        """Weights ``[K]`` and their mean, to be logged."""
        gap = (inputs.target - inputs.joint_value).clamp(min=0.0)
        share = gap / gap.max().clamp(min=1e-30)
        weights = self.between(share.pow(self.power))
        return Weights(weights, {"weighting/mean": weights.mean()})
