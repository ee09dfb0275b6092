"""Compiled choice of a velocity under constraints, the linear programme of ORCA (van den Berg et al., 2011).

A constraint (a, b, c) forbids the velocities (x, y) with ``a x + b y < c``; (a, b) has length 1. Constraints
are three arrays ``[L]``, one for each of these numbers. Velocities are in map units per second.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.compiler import lean

Lines = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]

_PARALLEL = 1e-5
_ROUNDING = 1e-9  # a constraint that is broken by less counts as kept


@lean
def nearest_velocity(
    lines: Lines,
    milder: Lines,
    n_firm: int,
    n_lines: int,
    x: float,
    y: float,
    fastest: float,
) -> tuple[float, float]:
    """The velocity nearest to (x, y) that all constraints allow and that is no faster than ``fastest``.

    If there is no such velocity, the first ``n_firm`` constraints still hold where possible, and the largest
    violation of the others is as small as possible.

    :param lines: constraints, of which the first ``n_lines`` count.
    :param milder: working memory of the size of ``lines``.
    """
    all_a, all_b, all_c = lines
    broken, x, y = _optimise(lines, n_lines, x, y, fastest, False)
    if broken == n_lines:
        return x, y
    least = 0.0
    for i in range(broken, n_lines):
        if all_c[i] - all_a[i] * x - all_b[i] * y <= least + _ROUNDING:
            continue
        # Break i less, but none of those before it more than i itself.
        count = 0
        for j in range(i):
            a, b, c = all_a[j], all_b[j], all_c[j]
            if j >= n_firm:
                a, b, c = a - all_a[i], b - all_b[i], c - all_c[i]
                length = np.sqrt(a * a + b * b)
                if length < _PARALLEL:
                    continue
                a, b, c = a / length, b / length, c / length
            milder[0][count], milder[1][count], milder[2][count] = a, b, c
            count += 1
        reached, new_x, new_y = _optimise(milder, count, all_a[i], all_b[i], fastest, True)
        if reached == count:
            x, y = new_x, new_y
        least = all_c[i] - all_a[i] * x - all_b[i] * y
    return x, y


@lean
def _optimise(
    lines: Lines, n_lines: int, x: float, y: float, fastest: float, far: bool
) -> tuple[int, float, float]:
    """The allowed velocity that is nearest to (x, y), or with ``far`` the furthest in this direction.

    Constraints are added one by one. If the best velocity so far breaks the next one, the new best velocity
    lies on the line of that constraint.

    :returns: the number of the first constraint that cannot be kept, or ``n_lines``; and the best velocity
        (x, y) under the constraints before it.
    """
    length = np.sqrt(x * x + y * y)
    scale = 1.0
    if far or length > fastest:
        scale = fastest / length
    best_x, best_y = scale * x, scale * y
    for i in range(n_lines):
        if lines[0][i] * best_x + lines[1][i] * best_y < lines[2][i] - _ROUNDING:
            feasible, new_x, new_y = _on_line(lines, i, x, y, fastest, far)
            if not feasible:
                return i, best_x, best_y
            best_x, best_y = new_x, new_y
    return n_lines, best_x, best_y


@lean
def _on_line(
    lines: Lines, i: int, x: float, y: float, fastest: float, far: bool
) -> tuple[bool, float, float]:
    """Whether the constraints before i allow a velocity on the line of i, and the best such one (x, y)."""
    all_a, all_b, all_c = lines
    a, b, c = all_a[i], all_b[i], all_c[i]
    room = fastest * fastest - c * c
    if room < 0.0:
        return False, 0.0, 0.0
    high = np.sqrt(room)
    low = -high
    for j in range(i):
        slope = all_b[j] * a - all_a[j] * b  # along the line, (-b, a)
        missing = all_c[j] - c * (all_a[j] * a + all_b[j] * b)
        if abs(slope) < _PARALLEL:
            if missing > _ROUNDING:
                return False, 0.0, 0.0
        elif slope > 0.0:
            low = max(low, missing / slope)
        else:
            high = min(high, missing / slope)
        if low > high:
            return False, 0.0, 0.0
    along = y * a - x * b
    if far:
        at = high if along > 0.0 else low
    else:
        at = min(max(along, low), high)
    return True, c * a - at * b, c * b + at * a
