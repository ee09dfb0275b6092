"""Battles with random available actions on every map, and rollouts of a policy on some."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch

from remix.envs.skirmish.drawn import DrawnSkirmish
from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.maps import load_map, map_names
from remix.envs.skirmish.scenarios import scenario_names
from remix.envs.spec import Environment
from remix.learning.policy import Policy
from remix.learning.workers.inline import InlineWorkers
from remix.learning.workers.seeds import episode_seeds
from tests.benchmarks.timing import least_seconds

TOGETHER = 32
ROLLOUTS = ("2s3z", "MMM2", "corridor")


# Scenarios of SMACv2, each beside a map of SMAC with as many units, or more.
BESIDE = {10: "2s3z", 20: "MMM", 21: "10m_vs_11m", 40: "25m", 43: "bane_vs_bane"}


def battles() -> list[tuple[str, str]]:
    """Steps per second on SMAC's maps, then SMACv2's scenarios beside maps with as many units."""
    return [*on_maps(), *drawn()]


def drawn() -> list[tuple[str, str]]:
    """Microseconds of a step on one core, resets included, on a map of SMAC and in a scenario of SMACv2."""
    rows = []
    for name in scenario_names():
        environment = DrawnSkirmish(name)
        n_units = environment.scenario.n_agents + environment.scenario.n_enemies
        players = [_Player(BESIDE[n_units]), _Player(environment)]
        for player in players:
            player.steps_per_second()  # everything is compiled and loaded
        pairs = [[player.steps_per_second(resets=True) for player in players] for _ in range(3)]
        usual, new = (1e6 / max(rates) for rates in zip(*pairs, strict=True))
        label = f"battles, {name} ({n_units} units) and {BESIDE[n_units]}, us a step, ratio"
        rows.append((label, f"{new:.1f} {usual:.1f} {new / usual:.2f}"))
    return rows


def on_maps() -> list[tuple[str, str]]:
    """Environment steps per second on one core, and on all of them with a batch of its own each."""
    cores = os.cpu_count() or 1
    rows = []
    for name in map_names():
        players = [_Player(name, seed) for seed in range(cores)]
        players[0].steps_per_second()  # everything is compiled and loaded
        alone = max(players[0].steps_per_second() for _ in range(3))
        with ThreadPoolExecutor(cores) as pool:
            together = max(sum(pool.map(_Player.steps_per_second, players)) for _ in range(3))
        units = load_map(name)
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
    def __init__(self, name: str | Environment, seed: int = 0) -> None:
        self.environment = Skirmish(name) if isinstance(name, str) else name
        self.rng, self.seeds = np.random.default_rng(seed), np.arange(TOGETHER) + seed * TOGETHER

    def steps_per_second(self, resets: bool = False) -> float:
        """Of whole battles, counting the time within ``step``, and within ``reset`` if wanted."""
        start = time.perf_counter()
        observation = self.environment.reset(self.seeds)
        seconds = time.perf_counter() - start if resets else 0.0
        running, steps = np.ones(TOGETHER, bool), 0
        while running.any():
            available = observation.avail_actions
            actions = (available * self.rng.random(available.shape, np.float32)).argmax(-1)
            start = time.perf_counter()
            step = self.environment.step(actions)
            seconds += time.perf_counter() - start
            steps += int(running.sum())
            observation, running = step.observation, running & ~(step.terminated | step.truncated)
        return steps / seconds
