"""Learning curves and runs in numbers. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite, isnan, nan

from remix.tracking.journal import ABSOLUTE_BEST, ABSOLUTE_LAST, FINAL, Journal

_AFTER = (f"{FINAL}/", f"{ABSOLUTE_BEST}/", f"{ABSOLUTE_LAST}/")
"""With what the names of metrics begin that are logged when training is over."""


def curve_summary(env_steps: Sequence[float], returns: Sequence[float]) -> dict[str, float]:
    """A learning curve in four numbers.

    ``final_return`` is the mean of the evaluations in the last tenth of the steps, ``best_return`` the
    highest evaluation, ``area_under_curve`` the mean return over all steps (trapezoids, divided by the
    steps), ``steps_to_90_percent`` the environment steps of the first evaluation at 90 % of the best (of a
    negative best: a tenth of it below); a run that never rose above its first evaluation has none. A curve
    without points is summarised by nothing.

    A return that is not finite is never the best one. A mean over such returns is not finite either.

    :param env_steps: ``[P]``, in any order; of equal steps the last one counts.
    :param returns: ``[P]``, the return of each evaluation.
    """
    points = sorted(dict(zip(env_steps, returns, strict=True)).items())
    if not points:
        return {}
    (first, start), (last, _) = points[0], points[-1]
    tail = [r for step, r in points if step >= last - 0.1 * (last - first)]
    area = sum((b - a) * (x + y) / 2.0 for (a, x), (b, y) in pairwise(points))
    finite = [(step, r) for step, r in points if isfinite(r)]
    best = max((r for _, r in finite), default=nan)
    summary = {
        "final_return": sum(tail) / len(tail),
        "best_return": best,
        "area_under_curve": area / (last - first) if last > first else start,
    }
    if finite and best > finite[0][1]:
        enough = best - 0.1 * abs(best)
        summary["steps_to_90_percent"] = next(step for step, r in finite if r >= enough)
    return {name: float(value) for name, value in summary.items()}


def run_scores(journal: Journal) -> dict[str, float]:
    """A run in a few numbers, as far as it has come.

    The summary of its curve (:func:`curve_summary`), and the statistics of its last policy's test episodes,
    ``return`` and ``length`` among them. With ``absolute_best_`` and ``absolute_last_`` before them they are
    those of the absolute metric.
    """
    evaluations: dict[int, float] = {}
    after: dict[str, float] = {}
    for entry in journal.entries():
        if not isnan(value := entry.values.get("test/return", nan)):
            evaluations[entry.step] = value
        after |= {name: value for name, value in entry.values.items() if name.startswith(_AFTER)}
    scores = curve_summary(list(evaluations), list(evaluations.values()))
    named = {name.removeprefix(f"{FINAL}/").replace("/", "_"): value for name, value in after.items()}
    return scores | named
