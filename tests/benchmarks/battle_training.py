"""What QMIX costs on battles on one core: an update, and training through Lightning without evaluations."""

from __future__ import annotations

import torch

import remix
from remix.learning.workers.inline import InlineWorkers
from remix.learning.workers.seeds import episode_seeds
from remix.runs.building import build, quiet
from tests.benchmarks.algorithms import updater
from tests.benchmarks.timing import least_seconds
from tests.benchmarks.training import trained_steps_per_second

MAPS = ("2s3z", "MMM2", "corridor")
BATCHES = (32, 128)


def battle_training() -> list[tuple[str, str]]:
    """Microseconds of an update per replayed step (the least of many), and environment steps per second."""
    quiet()
    threads, rows = torch.get_num_threads(), []
    torch.set_num_threads(1)
    for map_name in MAPS:
        for batch_size in BATCHES:
            label = f"QMIX on {map_name}, batches of {batch_size}, 1 thread: update, us a step; steps/s"
            rows.append(
                (label, f"{_update(map_name, batch_size):.1f}; {_training(map_name, batch_size):,.0f}")
            )
    torch.set_num_threads(threads)
    return rows


def _settings(map_name: str, batch_size: int) -> list[str]:
    battle = ["env=smac", f"env.map_name={map_name}", "algorithm=qmix", f"replay.batch_size={batch_size}"]
    return [*battle, "max_env_steps=60000", "run_dir=unused"]


def _update(map_name: str, batch_size: int) -> float:
    module, data = build(remix.compose(*_settings(map_name, batch_size)))
    seeds = episode_seeds(0, "train", 0, batch_size)
    workers = InlineWorkers(data.environment, module.policy)
    episodes = workers.collect(module.policy.state_dict(), seeds, 1.0)
    seconds = least_seconds(updater(module, data, episodes), 20)
    return seconds / sum(episode.length for episode in episodes) * 1e6


def _training(map_name: str, batch_size: int) -> float:
    module, data = build(remix.compose(*_settings(map_name, batch_size)))
    return trained_steps_per_second(module, data, evaluated=False)
