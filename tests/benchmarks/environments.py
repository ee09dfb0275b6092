"""Environment steps with random available actions, observations, state and masks included."""

from __future__ import annotations

import numpy as np

from envs.predator_prey import PredatorPrey
from tests.benchmarks.timing import median_seconds

STEPS = 150


def stepping() -> list[tuple[str, str]]:
    """Microseconds per environment step of one core, by number of environments stepped together."""
    rows = []
    for n_envs in (1, 8, 32, 256):
        environment = PredatorPrey()
        rng = np.random.default_rng(0)
        seeds = np.arange(n_envs)

        def reset(environment: PredatorPrey = environment, seeds: np.ndarray = seeds) -> object:
            return environment.reset(seeds)

        actions = rng.integers(0, 5, size=(STEPS, n_envs, 8))

        def play(environment: PredatorPrey = environment, actions: np.ndarray = actions) -> None:
            for joint in actions:
                environment.step(joint)

        def both() -> None:
            reset()
            play()

        seconds = median_seconds(both, 7) - median_seconds(reset, 7)
        microseconds = seconds / (STEPS * n_envs) * 1e6
        rows.append((f"environment, {n_envs} together, microseconds per step", f"{microseconds:.2f}"))
    return rows
