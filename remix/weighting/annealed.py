"""OW-QMIX whose minimum weight rises until all transitions count the same.

It answers how much of what the weights achieve is a matter of exploration early in training.
"""

from __future__ import annotations

import torch

from remix.settings import checks
from remix.weighting.base import Weighting, WeightingInputs, Weights


class Annealed(Weighting):
    """The maximum for under-estimated transitions; for others a minimum that rises with the training.

    In the end that is QMIX, but with the targets of Q*.

    :param end: the minimum at last.
    :param begin: environment steps before it begins to rise.
    :param steps: environment steps for which it rises.
    """

    def __init__(
        self,
        min_weight: float = 0.1,
        max_weight: float = 1.0,
        end: float = 1.0,
        begin: int = 100_000,
        steps: int = 800_000,
    ) -> None:
        super().__init__(min_weight, max_weight)
        self.end = checks.number("end", end, self.min_weight, self.max_weight)
        self.begin = checks.whole("begin", begin, minimum=0)
        self.steps = checks.whole("steps", steps, minimum=1)

    def __call__(self, inputs: WeightingInputs) -> Weights:
        minimum = self.minimum(inputs.env_steps)
        weights = torch.where(inputs.underestimated, self.max_weight, minimum).to(inputs.target.dtype)
        return Weights(weights, {"weighting/minimum": torch.full_like(inputs.target[:1], minimum).squeeze()})

    def minimum(self, env_steps: int) -> float:
        """The minimum weight after so many environment steps."""
        done = min(max((env_steps - self.begin) / self.steps, 0.0), 1.0)
        return self.min_weight + done * (self.end - self.min_weight)
