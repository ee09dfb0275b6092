"""Environment steps with random available actions, observations, state and masks included."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from remix.envs.games import MatrixGame
from remix.envs.predator_prey import PredatorPrey
from remix.envs.skirmish.environment import Skirmish
from remix.envs.spec import Environment
from tests.benchmarks.timing import median_seconds

STEPS = 150
TOGETHER = (1, 8, 32, 128, 512)
ALONE: dict[str, Callable[[], Environment]] = {
    "predator_prey": PredatorPrey,
    "matrix game": partial(MatrixGame, [[1, 2], [3, 4]], stages=50),
    "2s3z": partial(Skirmish, "2s3z"),
}


def stepping() -> list[tuple[str, str]]:
    """Steps per second by environments stepped together and threads, each with a batch of its own."""
    cores = os.cpu_count() or 1
    threads = [n for n in (1, 2, 4, 8, 16) if n <= cores]
    rows = []
    for n_envs in TOGETHER:
        rates = [_rate(n_envs, n_threads) for n_threads in threads]
        label = f"environment, {n_envs} together, steps/s by threads ({', '.join(map(str, threads))})"
        rows.append((label, " ".join(f"{rate:,.0f}" for rate in rates)))
        microseconds = 1e6 / rates[0]
        rows.append(("  microseconds per step of one core", f"{microseconds:.2f}"))
    for name, environment in ALONE.items():
        rows.append((f"a step of one episode, {name}, microseconds", f"{_alone(environment()):.1f}"))
    return rows


def _alone(environment: Environment) -> float:
    """Least time of a step of a single episode, in microseconds."""
    seconds = np.inf
    for seed in range(200):
        available, running = environment.reset(np.array([seed])).avail_actions, True
        while running:
            actions = available.argmax(-1)
            start = time.perf_counter()
            step = environment.step(actions)
            seconds = min(seconds, time.perf_counter() - start)
            available, running = step.observation.avail_actions, not (step.terminated | step.truncated)[0]
    return 1e6 * seconds


def _rate(n_envs: int, n_threads: int) -> float:
    """Environment steps per second of all threads."""
    players = [_Player(n_envs, seed) for seed in range(n_threads)]
    with ThreadPoolExecutor(n_threads) as pool:
        resets = median_seconds(lambda: list(pool.map(_Player.reset, players)), 7)
        both = median_seconds(lambda: list(pool.map(_Player.reset_and_play, players)), 7)
    return STEPS * n_envs * n_threads / (both - resets)


class _Player:
    def __init__(self, n_envs: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.environment, self.seeds = PredatorPrey(), np.arange(n_envs) + seed * n_envs
        self.actions = rng.integers(0, 5, size=(STEPS, n_envs, 8))

    def reset(self) -> None:
        self.environment.reset(self.seeds)

    def reset_and_play(self) -> None:
        self.reset()
        for joint in self.actions:
            self.environment.step(joint)
