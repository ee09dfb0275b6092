"""Estimates from few runs: interquartile means, score distributions, probabilities, each with an interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from remix.report.resampling import CONFIDENCE, interval
from remix.report.results import Floats, Run

_TRIMMED = 0.25
_ROUNDING = 1e-12  # of numbers relative to themselves
_MOST_POINTS = 2_000  # of a curve; more than a figure has pixels


@dataclass(frozen=True)
class Estimate:
    """A number from n runs; the interval is NaN where a task has a single run."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, eq=False)
class Band:
    """An estimate at each point of an axis; everything is ``[P]``.

    Intervals are NaN where there are none: of a single run, and between the :func:`places` of a long curve.
    """

    at: Floats
    value: Floats
    low: Floats
    high: Floats
    n: int


def interquartile_mean(*tasks: Floats) -> Estimate:
    """The mean of the middle half of all scores (of all of them below four scores); tasks weigh alike.

    :param tasks: scores of one variant, one array ``[n]`` per task, of comparable scale.
    """
    return _estimate(_interquartile_mean, tasks, sum(map(len, tasks)))


def mean(scores: Floats) -> Estimate:
    """The mean of scores ``[n]``."""
    return _estimate(_mean, [scores], len(scores))


def probability_of_improvement(*tasks: tuple[Floats, Floats], confidence: float = CONFIDENCE) -> Estimate:
    """How likely a run of X has a higher score than one of Y; ties count half.

    :param tasks: scores of X ``[n]`` and of Y ``[m]`` for each task; the mean over tasks is taken.
    :param confidence: of the interval.
    """
    n = sum(min(len(x), len(y)) for x, y in tasks)
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        wins = [pairs_won(x, y) for x, y in tasks]

    def of_counts(*counts: Floats) -> Any:
        pairs = zip(wins, counts[::2], counts[1::2], strict=True)
        return np.mean([((xs @ won) * ys).sum(axis=-1) / won.size for won, xs, ys in pairs], axis=0)

    samples = [scores for pair in tasks for scores in pair]
    return _estimate(_improvement, samples, n, confidence, of_counts)


def difference_of_means(x: Floats, y: Floats, confidence: float = CONFIDENCE) -> Estimate:
    """Interquartile mean of X minus that of Y.

    :param x: scores ``[n]``, and of Y ``[m]``.
    :param confidence: of the interval.
    """
    return _estimate(_difference_of_means, (x, y), min(len(x), len(y)), confidence)


def places(n: int, most: int) -> Any:
    """Which of the n points of a curve stand for it, about ``most``: every k-th one, and the last."""
    return np.unique([*range(0, n, -(-n // most)), n - 1])


def learning_curve(runs: Sequence[Run], most: int = _MOST_POINTS) -> Band:
    """Interquartile mean of several runs over environment steps.

    Evaluations of different runs lie at slightly different steps; between them scores are interpolated. Runs
    that are not :func:`comparable` with most of the others are left out.

    :param most: points with an interval, which takes nearly all of the time.
    """
    runs = comparable(runs)
    grid = common_grid(runs)
    return curve_over_tasks(grid, [on_grid(runs, grid)], most)


def curve_over_tasks(at: Floats, tasks: Sequence[Floats], most: int = _MOST_POINTS) -> Band:
    """Interquartile mean at each point over the runs of all tasks, which weigh alike.

    :param at: ``[P]``.
    :param tasks: scores of one variant of comparable scale, ``[n, P]`` for each task.
    :param most: points with an interval.
    """
    chosen = places(len(at), most)
    low, high = np.full((2, len(at)), nan)
    samples = [np.take(scores, chosen, axis=1).T for scores in tasks]
    low[chosen], high[chosen] = interval(_interquartile_mean, samples)
    return Band(at, _interquartile_mean(*(scores.T for scores in tasks)), low, high, sum(map(len, tasks)))


def smoothed(run: Run, evaluations: int) -> Run:
    """The run with the mean of so many evaluations up to each one, of fewer at its beginning."""
    most = min(evaluations, len(run.scores))
    # Not by running sums: one huge score would take the digits of all after it.
    sums = sliding_window_view(np.pad(run.scores, (most - 1, 0)), most).sum(axis=-1)
    return replace(run, scores=sums / np.minimum(np.arange(1, len(sums) + 1), most))


def performance_profile(scores: Floats, thresholds: Floats) -> Band:
    """Share of runs with a score above each threshold.

    :param scores: ``[n]``.
    :param thresholds: ``[P]``.
    """
    above = (scores > thresholds[:, None]).astype(np.float64)
    low, high = interval(_mean, [above], of_counts=lambda counts: above @ counts.T / len(scores))
    low, high = (np.broadcast_to(end, len(thresholds)) for end in (low, high))
    return Band(thresholds, _mean(above), low, high, len(scores))


def comparable(runs: Sequence[Run]) -> list[Run]:
    """The runs whose evaluations span about what those of most runs span; at least one, if there is any.

    Curves are compared at the same environment steps, and nothing is known of a run beyond its own
    evaluations. A run that ended early must not shorten the comparison of the others. So the medians of the
    first and of the last steps say what is compared, and a run may miss a tenth of it at either end.
    """
    if not runs:
        return []
    middle = (len(runs) - 1) // 2
    first, last = (sorted(float(run.env_steps[end]) for run in runs)[middle] for end in (0, -1))
    slack = 0.1 * last
    return [run for run in runs if run.env_steps[0] <= first + slack and run.env_steps[-1] >= last - slack]


def common_grid(runs: Sequence[Run], n: int | None = None) -> Floats:
    """Environment steps that all runs cover.

    :param n: number of points; None for as many as the runs have evaluations (their median), up to 2,000, and
        for a single one if the runs have no more than a step in common.
    """
    first, last = max(run.env_steps[0] for run in runs), min(run.env_steps[-1] for run in runs)
    if n is None:
        n = median_evaluations(runs) if last > first else 1
    return np.linspace(min(first, last), last, n) if n > 1 else np.array([last], dtype=np.float64)


def median_evaluations(runs: Sequence[Run]) -> int:
    """How many evaluations the runs have, up to 2,000."""
    return min(_MOST_POINTS, int(np.median([len(run.scores) for run in runs])))


def on_grid(runs: Sequence[Run], grid: Floats) -> Floats:
    """Scores of all runs at the same environment steps, ``[n, P]``."""
    return np.stack([np.interp(grid, run.env_steps, run.scores) for run in runs])


def spread(scores: Floats) -> float:
    """Distance between the lowest and the highest of several scores; 0 if they differ by rounding only."""
    return float(_difference(scores.max(), scores.min()))


def pairs_won(x: Floats, y: Floats) -> Any:
    """Whether each run of X has the higher score than each of Y, ``[..., n, m]``; half if they are equal."""
    difference = _difference(x[..., :, None], y[..., None, :])
    return (difference > 0) + 0.5 * (difference == 0)


def _difference(a: Any, b: Any) -> Any:
    """``a - b``, but 0 where the difference is no larger than the rounding error of a mean."""
    difference = np.subtract(a, b)
    return np.where(np.abs(difference) > _ROUNDING * np.maximum(np.abs(a), np.abs(b)), difference, 0.0)


def _interquartile_mean(*samples: Floats, axis: int = -1) -> Any:
    """As SciPy's ``trim_mean``, whose checks of each call would take as long as its work."""
    scores = np.concatenate(samples, axis=axis)
    assert axis in (-1, scores.ndim - 1)
    if len({sample.shape[-1] for sample in samples}) > 1:
        return _middle_half(scores, np.concatenate([np.full(s.shape[-1], 1 / s.shape[-1]) for s in samples]))
    n = scores.shape[-1]
    cut = int(_TRIMMED * n)
    return np.partition(scores, (cut, n - cut - 1), axis=-1)[..., cut : n - cut].mean(axis=-1)


def _middle_half(scores: Floats, weights: Floats) -> Any:
    """The mean of the middle half of the weight of scores ``[..., n]``.

    :param weights: ``[n]``.
    """
    order = np.argsort(scores, axis=-1)
    weights = weights[order] / weights.sum()
    ends = np.cumsum(weights, axis=-1)
    inside = [np.clip(end, _TRIMMED, 1.0 - _TRIMMED) for end in (ends - weights, ends)]
    shares = inside[1] - inside[0]
    return (shares * np.take_along_axis(scores, order, axis=-1)).sum(axis=-1) / shares.sum(axis=-1)


def _difference_of_means(x: Floats, y: Floats, axis: int = -1) -> Any:
    return _difference(_interquartile_mean(x, axis=axis), _interquartile_mean(y, axis=axis))


def _mean(sample: Floats, axis: int = -1) -> Any:
    return sample.mean(axis=axis)


def _improvement(*samples: Floats, axis: int = -1) -> Any:
    """Of X and Y in turn, for each task; runs are on the last axis."""
    assert axis == -1
    pairs = zip(samples[::2], samples[1::2], strict=True)
    return np.mean([pairs_won(x, y).mean(axis=(-2, -1)) for x, y in pairs], axis=0)


def _estimate(
    statistic: Callable[..., Any],
    samples: Sequence[Floats],
    n: int,
    confidence: float = CONFIDENCE,
    of_counts: Callable[..., Any] | None = None,
) -> Estimate:
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        low, high = interval(statistic, samples, confidence, of_counts)
        return Estimate(float(statistic(*samples)), float(low), float(high), n)
