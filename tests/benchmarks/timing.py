"""Timing shared by the benchmarks."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def median_seconds(action: Callable[[], object], repeats: int) -> float:
    """Median wall time of ``repeats`` calls after one that is not counted."""
    _seconds(action)
    return statistics.median(_seconds(action) for _ in range(repeats))


def least_seconds(action: Callable[[], object], repeats: int) -> float:
    """Shortest wall time of ``repeats`` calls, which other programs disturb least."""
    return min(_seconds(action) for _ in range(repeats))


def ratio(first: Callable[[], object], second: Callable[[], object], repeats: int) -> float:
    """Time of the first over that of the second, called in turns: median of ``repeats`` pairs."""
    _seconds(first), _seconds(second)
    return statistics.median(_seconds(first) / _seconds(second) for _ in range(repeats))
