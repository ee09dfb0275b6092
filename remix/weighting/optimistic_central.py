"""OW-QMIX that asks Q* instead of the sampled target."""

from __future__ import annotations

from remix.weighting.base import Weighting, WeightingInputs, Weights
from remix.weighting.regret_minimizing import central_input


class OptimisticCentral(Weighting):
    """The maximum where ``Q_tot < Q*(tau, u)``, else the minimum.

    The target is one noisy return, and Q* is the regression of such returns. The weight therefore does not
    depend on the luck of a sample; a bias of the targets it inherits.

    :param central_network: whose Q*, ``online`` or ``target``.
    """

    def __init__(
        self, min_weight: float = 0.1, max_weight: float = 1.0, central_network: str = "online"
    ) -> None:
        super().__init__(min_weight, max_weight)
        self.central_input = central_input(central_network)
        self.requires = frozenset({self.central_input})

    def __call__(self, inputs: WeightingInputs) -> Weights:
        below = inputs.joint_value < inputs.given(self.central_input)
        disagreement = (below != inputs.underestimated).float().mean()
        score = below.to(inputs.target.dtype)
        return Weights(self.between(score), {"weighting/condition_disagreement": disagreement})
