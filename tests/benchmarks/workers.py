"""How fast the kinds of workers play a compiled game and a slow one."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from remix.envs.predator_prey import PredatorPrey
from remix.envs.spec import Step
from remix.learning.policy import Policy
from remix.learning.workers.base import WorkersFactory
from remix.learning.workers.inline import InlineWorkers
from remix.learning.workers.process import ProcessWorkers
from remix.learning.workers.ray import RayWorkers
from remix.learning.workers.seeds import episode_seeds

N_WORKERS, N_EPISODES = 4, 16


class Sleeping(PredatorPrey):
    """Waits 5 ms in each step, as a game in another program does, and plays one episode at a time."""

    def __init__(self) -> None:
        super().__init__(episode_limit=50)

    def step(self, actions: NDArray[np.integer]) -> Step:
        time.sleep(0.005 * len(actions))
        return super().step(actions)


def workers(seconds: float = 8.0) -> list[tuple[str, str]]:
    """Environment steps per second of whole rounds; the start of the workers does not count."""
    rows = []
    games: dict[str, tuple[Callable[[], PredatorPrey], int]] = {
        "compiled": (partial(PredatorPrey, punishment=-2.0), 8),
        "5 ms per step": (Sleeping, 1),
    }
    for game, (make, at_once) in games.items():
        kinds: dict[str, WorkersFactory] = {"inline": InlineWorkers}
        kinds["process"] = partial(ProcessWorkers, n_workers=N_WORKERS, episodes_at_once=at_once)
        if find_spec("ray") is not None:
            kinds["ray"] = partial(RayWorkers, n_workers=N_WORKERS, episodes_at_once=at_once)
        for name, factory in kinds.items():
            policy = Policy(make().spec)
            pool = factory(make, policy)
            play = partial(pool.collect, policy.state_dict(), episode_seeds(0, "train", 0, N_EPISODES), 1.0)
            play()
            while pool.strength is not None and pool.strength[0] < N_WORKERS:
                play()
            steps, start = 0, time.perf_counter()
            while time.perf_counter() < start + seconds:
                steps += sum(episode.length for episode in play())
            label = f"{game}, workers={name}" + ("" if name == "inline" else f", {N_WORKERS} of them")
            rows.append((f"{label}, steps/s", f"{steps / (time.perf_counter() - start):,.0f}"))
            pool.close()
    return rows
