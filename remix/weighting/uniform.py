"""Every transition counts the same: QMIX, VDN."""

from __future__ import annotations

import torch

from remix.weighting.base import Weighting, WeightingInputs, Weights


class Uniform(Weighting):
    """Weight 1 everywhere."""

    def __init__(self) -> None:
        super().__init__(1.0, 1.0)

    def __call__(self, inputs: WeightingInputs) -> Weights:
        return Weights(torch.ones_like(inputs.target), {})
