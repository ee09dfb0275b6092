"""Battles with random available actions on every map, and rollouts of a policy on some."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch

from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.maps import map_names
from remix.learning.policy import Policy
from remix.learning.workers.inline import InlineWorkers
from remix.learning.workers.seeds import episode_seeds
from tests.benchmarks.timing import least_seconds

TOGETHER = 32
ROLLOUTS = ("2s3z", "MMM2", "corridor")


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


def rollouts() -> list[tuple[str, str]]:
    """Environment steps per second of a policy by battles played together, in one thread and in all."""
    every, rows = torch.get_num_threads(), []
    for name in ROLLOUTS:
        environment = Skirmish(name)
        workers = InlineWorkers(partial(Skirmish, name), Policy(environment.spec))
        state = Policy(environment.spec).state_dict()
        for n in (1, 8, 32):
            collect = partial(workers.collect, state, episode_seeds(0, "train", 0, n), 1.0)
            steps = sum(episode.length for episode in collect())
            rates = []
            for n_threads in (1, every):
                torch.set_num_threads(n_threads)
                rates.append(steps / least_seconds(collect, 20))
            label = f"policy rollout, {name}, {n} together, steps/s in 1 and {every} threads"
            rows.append((label, " ".join(f"{rate:,.0f}" for rate in rates)))
        workers.close()
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
