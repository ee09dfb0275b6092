"""Proportions of times that must not be lost; measured in turns, so that the machine cancels out."""

from __future__ import annotations

import sys

from tests.benchmarks.timing import ratio
from tests.benchmarks.training import Rows, Update, full_length_episodes, module


def hold() -> Rows:
    """Ends the benchmarks with exit status 1 where one is lost."""
    learner, episodes = module(), full_length_episodes(16)
    ours, plain = Update(learner, episodes, 200), Update(learner, episodes, 200, plain=True)
    faster = ratio(plain, ours, repeats=3)  # three to four where this was written
    shorter = ratio(Update(learner, episodes, 60), ours, repeats=3)  # of 0.3 of the steps
    if faster < 1.5 or shorter > 0.5:
        sys.exit(
            f"an update is {faster:.1f} times as fast as plain PyTorch's (1.5 at least), "
            f"on 60 steps it takes {shorter:.2f} of the time on 200 (0.5 at most)"
        )
    return [
        ("guard: plain PyTorch update over ours, 16 x 200 steps", f"{faster:.1f}x"),
        ("guard: update of 60 steps over that of 200", f"{shorter:.2f}"),
    ]
