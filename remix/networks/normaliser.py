"""Numbers in units of their own running mean and spread."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remix.settings import checks

_LOWEST_VARIANCE = 0.01
_LOWEST_WEIGHT = 1e-5


class RunningNormaliser(nn.Module):
    """Mean and variance of all batches of numbers so far; later ones count more (Yu et al., 2022).

    Both are divided by the weight of all batches together, so that the first one counts in full. The
    statistics are scalars in double precision, because the variance is a small difference of large numbers.

    :param decay: beta, the weight of the former statistics in an update; the new batch has 1 - beta.
    """

    mean: Tensor
    mean_square: Tensor
    weight: Tensor

    def __init__(self, decay: float = 0.99999) -> None:
        super().__init__()
        self.decay = checks.number("decay", decay, 0.0, below=1.0)
        for name in ("mean", "mean_square", "weight"):
            self.register_buffer(name, torch.zeros((), dtype=torch.float64))

    @torch.no_grad()
    def update(self, numbers: Tensor) -> None:
        """Take a batch of any shape into account."""
        numbers = numbers.double()
        self.mean.lerp_(numbers.mean(), 1.0 - self.decay)
        self.mean_square.lerp_(numbers.square().mean(), 1.0 - self.decay)
        self.weight.lerp_(torch.ones_like(self.weight), 1.0 - self.decay)

    def normalise(self, numbers: Tensor) -> Tensor:
        """Numbers of any shape in units of the statistics, in their own type."""
        mean, spread = self._statistics(numbers)
        return (numbers - mean) / spread

    def restore(self, numbers: Tensor) -> Tensor:
        """The numbers, of any shape, that :meth:`normalise` would turn into ``numbers``."""
        mean, spread = self._statistics(numbers)
        return numbers * spread + mean

    def _statistics(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation as they are now."""
        # Lower than any weight but that of no batch.
        weight = self.weight.clamp(min=min(_LOWEST_WEIGHT, 1.0 - self.decay))
        mean = self.mean / weight
        variance = (self.mean_square / weight - mean.square()).clamp(min=_LOWEST_VARIANCE)
        return mean.to(numbers.dtype), variance.sqrt().to(numbers.dtype)
