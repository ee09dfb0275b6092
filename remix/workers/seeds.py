"""Random streams that depend on what an episode is, never on who plays it or when."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STREAMS = {"train": 0, "validation": 1, "test": 2}


def episode_seeds(run_seed: int, stream: str, first: int, count: int) -> NDArray[np.int64]:
    """Seeds of the episodes ``first .. first + count - 1`` of a run's stream (one of ``STREAMS``)."""
    numbers = [
        np.random.SeedSequence((run_seed, STREAMS[stream], index)).generate_state(1, np.uint64)[0]
        >> np.uint64(1)
        for index in range(first, first + count)
    ]
    return np.array(numbers, dtype=np.int64)


def exploration_noise(seeds: NDArray[np.int64], t: int, n_agents: int) -> NDArray[np.float32]:
    """Uniform numbers in [0, 1), ``[E, N, 2]``, a function of (episode seed, time step, agent) alone."""
    index = np.arange(n_agents * 2, dtype=np.uint64) + np.uint64(t * n_agents * 2)
    key = _mix(seeds.astype(np.uint64) ^ np.uint64(0x5851F42D4C957F2D))
    bits = _mix(key[:, None] + (index + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15))
    return ((bits >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)).reshape(
        len(seeds), n_agents, 2
    )


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The SplitMix64 finaliser: every input bit reaches every output bit."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
