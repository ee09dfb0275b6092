"""Learning curves in numbers. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def curve_summary(env_steps: Sequence[float], returns: Sequence[float]) -> dict[str, float]:
    """What one learning curve comes down to.

    ``final_return`` is the mean of the evaluations in the last tenth of the steps, ``best_return`` the
    highest evaluation, ``area_under_curve`` the mean return over all steps (trapezoids, divided by the
    steps), ``steps_to_90_percent`` the environment steps of the first evaluation at 90 % of the best; a run
    that never rose above its first evaluation has none. A curve without points is summarised by nothing.

    :param env_steps: ``[P]``, increasing.
    :param returns: ``[P]``, the return of each evaluation.
    """
    if len(env_steps) == 0:
        return {}
    first, last, best = env_steps[0], env_steps[-1], max(returns)
    tail = [r for step, r in zip(env_steps, returns, strict=True) if step >= last - 0.1 * (last - first)]
    points = list(zip(env_steps, returns, strict=True))
    area = sum((b - a) * (x + y) / 2.0 for (a, x), (b, y) in pairwise(points))
    summary = {
        "final_return": sum(tail) / len(tail),
        "best_return": best,
        "area_under_curve": area / (last - first) if last > first else best,
    }
    if best > returns[0]:
        enough = best - 0.1 * abs(best)
        summary["steps_to_90_percent"] = next(step for step, r in points if r >= enough)
    return {name: float(value) for name, value in summary.items()}
