"""Percentile bootstraps, vectorised: SciPy's, and the same out of counts where sums are exact.

Intervals are of 95 % unless asked otherwise, and stratified: runs are drawn anew within their task, never
across tasks. All of them start from the same random state, so that the same runs give the same intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import nan
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.stats import bootstrap

from remix.report.results import Floats

CONFIDENCE = 0.95
RESAMPLES = 5_000
_RANDOM_STATE = 1
_BATCH = 1_000  # resamples in memory at once
_LARGEST_BATCH = 50_000_000  # scores in them


def interval(
    statistic: Callable[..., Any],
    samples: Sequence[Floats],
    confidence: float = CONFIDENCE,
    of_counts: Callable[..., Any] | None = None,
) -> tuple[Any, Any]:
    """Ends of the interval; NaN for a single run, which says nothing about others.

    :param statistic: of samples, whose runs are on the last axis.
    :param samples: one for each task.
    :param of_counts: the same statistic, ``[..., R]``, out of how often each run was drawn in R resamples, an
        array ``[R, n]`` for each sample. Many times faster, and the same to the last digit where what it
        sums are whole numbers or halves.
    """
    if min(sample.shape[-1] for sample in samples) < 2:
        return nan, nan
    known = None
    if of_counts is not None:
        parts = [of_counts(*counts) for counts in _counts([sample.shape[-1] for sample in samples])]
        known = SimpleNamespace(bootstrap_distribution=np.concatenate(parts, axis=-1))
    result = bootstrap(
        samples,
        statistic,
        n_resamples=RESAMPLES if known is None else 0,
        bootstrap_result=known,
        batch=max(1, min(_BATCH, _LARGEST_BATCH // max(sample.size for sample in samples))),
        vectorized=True,
        axis=-1,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(_RANDOM_STATE),
    )
    return result.confidence_interval


def _counts(sizes: Sequence[int]) -> Iterator[list[Floats]]:
    """How often each run is drawn, the draws being SciPy's: ``[R, n]`` for each of the sizes n."""
    random = np.random.default_rng(_RANDOM_STATE)
    for _ in range(0, RESAMPLES, _BATCH):
        yield [_counted(random.integers(0, n, (_BATCH, n)), n) for n in sizes]


def _counted(drawn: Any, n: int) -> Floats:
    places = drawn + n * np.arange(_BATCH)[:, None]
    return np.bincount(places.ravel(), minlength=_BATCH * n).reshape(_BATCH, n).astype(np.float64)
