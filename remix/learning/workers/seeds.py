"""Random streams that depend on what an episode is, never on who plays it or when."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.kernels.compiler import brief

STREAMS = {"train": 0, "validation": 1, "test": 2, "absolute": 3}


def episode_seeds(run_seed: int, stream: str, first: int, count: int) -> NDArray[np.int64]:
    """The seeds, int64 ``[count]``, of episodes from ``first`` on of a run's stream, one of ``STREAMS``."""
    numbers = [
        np.random.SeedSequence((run_seed, STREAMS[stream], index)).generate_state(1, np.uint64)[0]
        >> np.uint64(1)
        for index in range(first, first + count)
    ]
    return np.array(numbers, dtype=np.int64)


def exploration_noise(seeds: NDArray[np.int64], t: int, n_agents: int) -> NDArray[np.float32]:
    """Uniform numbers in [0, 1), ``[E, N, 2]``, a function of (episode seed, time step, agent) alone."""
    noise = np.empty((len(seeds), n_agents, 2), np.float32)
    _fill(seeds.astype(np.uint64), np.uint64(t * n_agents * 2), noise.reshape(len(seeds), -1))
    return noise


_KEY, _STEP, _ONE = np.uint64(0x5851F42D4C957F2D), np.uint64(0x9E3779B97F4A7C15), np.uint64(1)
_FACTOR_1, _FACTOR_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFT_1, _SHIFT_2, _SHIFT_3, _SHIFT_40 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(40)
_UNIT = np.float32(2.0**-24)


@brief
def _mix(bits: np.uint64) -> np.uint64:
    """The SplitMix64 finaliser: every input bit reaches every output bit."""
    bits = (bits ^ (bits >> _SHIFT_1)) * _FACTOR_1
    bits = (bits ^ (bits >> _SHIFT_2)) * _FACTOR_2
    return bits ^ (bits >> _SHIFT_3)


@brief
def _fill(seeds: NDArray[np.uint64], first: np.uint64, noise: NDArray[np.float32]) -> None:
    """Numbers ``first`` and following of the stream of every seed, ``[E, count]``."""
    for e in range(len(seeds)):
        key = _mix(seeds[e] ^ _KEY)
        for j in range(noise.shape[1]):
            bits = _mix(key + (first + np.uint64(j) + _ONE) * _STEP)
            noise[e, j] = np.float32(bits >> _SHIFT_40) * _UNIT
