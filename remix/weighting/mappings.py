"""Mappings of raw weights to scores, standing in for the theorem's unknown normaliser Z*.

Each takes the logarithms of K raw weights, minus infinity for a raw weight of zero, and returns scores
``[K]`` with 0 for those; scores of the positive ones lie in [0, 1] unless the class says otherwise. All are
unchanged when every raw weight is multiplied by the same factor. At least one raw weight is positive.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from envs.errors import SettingError


class Mapping(ABC):
    """From log raw weights ``[K]`` to scores ``[K]``."""

    @abstractmethod
    def __call__(self, log_raw: Tensor) -> Tensor:
        """Scores of the K raw weights."""


class CappedLinear(Mapping):
    """Proportional to the raw weight up to ``kappa`` times the mean positive one, then 1."""

    def __init__(self, kappa: float = 2.0) -> None:
        self.kappa = _positive("kappa", kappa)

    def __call__(self, log_raw: Tensor) -> Tensor:
        raw = _relative(log_raw)
        mean = raw.sum() / torch.isfinite(log_raw).sum()
        capped = raw.clamp(max=self.kappa * mean)
        return capped / capped.max()


class MinMax(Mapping):
    """Proportional to the raw weight; one outlier sets the scale."""

    def __call__(self, log_raw: Tensor) -> Tensor:
        return _relative(log_raw)


class LogMinMax(Mapping):
    """Linear in the logarithm, from a low quantile of the positive raw weights (score 0) to their maximum.

    :param floor_quantile: that quantile; raw weights near 0 would otherwise set the scale.
    """

    def __init__(self, floor_quantile: float = 0.05) -> None:
        if not 0.0 <= floor_quantile < 1.0:
            raise SettingError("floor_quantile", floor_quantile, "must be at least 0 and below 1")
        self.floor_quantile = floor_quantile

    def __call__(self, log_raw: Tensor) -> Tensor:
        positive = log_raw[torch.isfinite(log_raw)].sort().values
        low, high = positive[int(self.floor_quantile * (len(positive) - 1))], positive[-1]
        if low == high:
            return (log_raw >= low).to(log_raw.dtype)
        return ((log_raw - low) / (high - low)).clamp(min=0.0)


class MedianSaturating(Mapping):
    """``raw / (raw + median)``: smooth, without parameters, 0.5 for the median positive raw weight."""

    def __call__(self, log_raw: Tensor) -> Tensor:
        positive = log_raw[torch.isfinite(log_raw)].sort().values
        n = len(positive)
        # Of an even number, the mean of the middle two: of the raw weights, not of their logarithms.
        log_median = torch.logaddexp(positive[(n - 1) // 2], positive[n // 2]) - math.log(2.0)
        return torch.sigmoid(log_raw - log_median)


class Rank(Mapping):
    """Rank among the positive raw weights over their number, ties sharing the mean; keeps no magnitudes."""

    def __call__(self, log_raw: Tensor) -> Tensor:
        finite = torch.isfinite(log_raw)
        positive = log_raw[finite]
        _, group, counts = positive.unique(return_inverse=True, return_counts=True)
        last = counts.cumsum(0)
        mean_rank = (last - (counts - 1) / 2.0).to(log_raw.dtype)
        scores = torch.zeros_like(log_raw)
        scores[finite] = mean_rank[group] / len(positive)
        return scores


class SelfNormalised(Mapping):
    """Raw weight over the mean of all K, cut at ``kappa``.

    Scores average about 1 and reach ``kappa``: with ``weight_range`` 0 to 1 the weights keep the theorem's
    constraint E[w] = 1 (up to the cut) instead of a range.
    """

    def __init__(self, kappa: float = 10.0) -> None:
        self.kappa = _positive("kappa", kappa)

    def __call__(self, log_raw: Tensor) -> Tensor:
        raw = _relative(log_raw)
        return (raw / raw.mean()).clamp(max=self.kappa)


def _relative(log_raw: Tensor) -> Tensor:
    """Raw weights divided by their maximum: in [0, 1] for any scale of values."""
    return (log_raw - log_raw.max()).exp()


def _positive(name: str, value: float) -> float:
    if not value > 0.0:
        raise SettingError(name, value, "must be positive")
    return float(value)
