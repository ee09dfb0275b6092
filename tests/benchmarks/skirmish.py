"""Battles with random available actions on every map, observations, states and masks included."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.maps import map_names

TOGETHER = 32


def battles() -> list[tuple[str, str]]:
    """Environment steps per second on one core, and on all of them with a batch of its own each."""
    cores = os.cpu_count() or 1
    rows = []
    for name in map_names():
        players = [_Player(name, seed) for seed in range(cores)]
        players[0].steps_per_second()  # everything is compiled and loaded
        alone = max(players[0].steps_per_second() for _ in range(3))
        with ThreadPoolExecutor(cores) as pool:
            together = max(sum(pool.map(_Player.steps_per_second, players)) for _ in range(3))
        units = players[0].environment.map
        teams = f"{units.n_agents} against {units.n_enemies}"
        label = f"battles, {name} ({teams}), steps/s on 1 and {cores} cores"
        rows.append((label, f"{alone:,.0f} {together:,.0f}"))
    return rows


class _Player:
    def __init__(self, name: str, seed: int) -> None:
        self.environment = Skirmish(name)
        self.rng, self.seeds = np.random.default_rng(seed), np.arange(TOGETHER) + seed * TOGETHER

    def steps_per_second(self) -> float:
        """Of whole battles, counting the time within ``step`` only."""
        observation = self.environment.reset(self.seeds)
        running, steps, seconds = np.ones(TOGETHER, bool), 0, 0.0
        while running.any():
            available = observation.avail_actions
            actions = (available * self.rng.random(available.shape, np.float32)).argmax(-1)
            start = time.perf_counter()
            step = self.environment.step(actions)
            seconds += time.perf_counter() - start
            steps += int(running.sum())
            observation, running = step.observation, running & ~(step.terminated | step.truncated)
        return steps / seconds
