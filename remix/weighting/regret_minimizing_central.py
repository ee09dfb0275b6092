"""ReMIX whose condition and Bellman error look at Q* instead of the sampled target."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from remix.weighting.base import WeightingInputs, Weights
from remix.weighting.regret_minimizing import RegretMinimizing


class RegretMinimizingCentral(RegretMinimizing):
    """Raw weight ``(Q* - Q_tot) exp(Q* - Q_tot) G`` where ``Q_tot < Q*``, with Q* at the actions taken.

    The parameters are those of :class:`RegretMinimizing`; ``central_network`` says whose Q* in all places.
    """

    def __init__(self, **inherited: Any) -> None:
        super().__init__(**inherited)
        self.requires |= {self.central_input}

    def __call__(self, inputs: WeightingInputs) -> Weights:
        values, diagnostics = super().__call__(inputs)
        below = inputs.joint_value < self.reference(inputs)
        diagnostics["weighting/condition_disagreement"] = (below != inputs.underestimated).float().mean()
        return Weights(values, diagnostics)

    def reference(self, inputs: WeightingInputs) -> Tensor:
        return inputs.given(self.central_input)
