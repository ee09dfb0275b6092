"""What it costs to check everything that a game returns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from remix.envs.battles import Battles
from remix.envs.gate import Gate
from remix.envs.predator_prey import PredatorPrey
from remix.envs.spec import Environment, Observation, Step
from remix.learning.policy import Policy
from remix.learning.workers.rollout import rollout
from remix.learning.workers.seeds import episode_seeds

GAMES: dict[str, tuple[Callable[[], Environment], tuple[int, ...]]] = {
    "predator_prey": (lambda: PredatorPrey(punishment=-2.0), (1, 8, 32, 128)),
    "2s3z": (lambda: Battles("2s3z"), (1, 8, 32)),
    "27m_vs_30m": (lambda: Battles("27m_vs_30m"), (1, 8)),
}


class Open(Gate):
    """A gate that stands open, so that the same rollout can be played without one."""

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        return self._game.reset(seeds)

    def step(self, actions: NDArray[np.integer]) -> Step:
        step = self._game.step(actions)
        self.some_ended = bool((step.terminated | step.truncated).any())
        return step


def gate(seconds: float = 4.0) -> list[tuple[str, str]]:
    """Microseconds of a rollout's step, and how much longer it takes behind the gate, played in turns."""
    rows = []
    for name, (make, sizes) in GAMES.items():
        environment = make()
        policy = Policy(environment.spec)
        for n in sizes:
            games, seeds = (Open(environment), Gate(environment)), episode_seeds(0, "train", 0, n)
            times: list[tuple[float, float]] = []
            steps = max(episode.length for episode in rollout(environment, policy, seeds, 1.0))
            until = time.perf_counter() + seconds
            while time.perf_counter() < until or len(times) < 10:
                first, second, third, fourth = (_time(game, policy, seeds) for game in games + games[::-1])
                times.append((first + fourth, second + third))
            without = statistics.median(open_ / 2 for open_, _ in times)
            more = statistics.median(closed / open_ - 1 for open_, closed in times)
            figure = f"{without / steps * 1e6:,.0f} {more:+.1%}"
            rows.append((f"rollout without a gate, {name}, {n} together, us per step; with", figure))
    return rows


def _time(game: Gate, policy: Policy, seeds: NDArray[np.int64]) -> float:
    """Processor time, in which the machine's other programs do not count."""
    start = time.thread_time()
    rollout(game, policy, seeds, 1.0)
    return time.thread_time() - start
