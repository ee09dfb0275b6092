"""Parameters of every algorithm and the time of its update, as configured for Predator-Prey."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import torch
from omegaconf import DictConfig

import remix
from remix.algorithms.base import MultiAgentModule
from remix.learning.datamodule import ReplayDataModule
from remix.learning.episodes import Episode
from remix.learning.rounds import Round
from remix.runs.building import build
from tests.benchmarks.timing import median_seconds
from tests.benchmarks.training import full_length_episodes


def names() -> list[str]:
    """All that ``algorithm=`` takes, without the variants with the settings of their authors."""
    found = (file.name for file in (files("remix.conf") / "algorithm").iterdir())
    stems = sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml"))
    return [name for name in stems if name[0] != "_" and not name.endswith("_official")]


def per_algorithm() -> list[tuple[str, str]]:
    """Trainable parameters; milliseconds of the learning after a round, per update and per 1,000 steps."""
    rows = []
    for name in names():
        module, data = build(_config(name))
        episodes = full_length_episodes(max(data.batch_size, data.latest_size))
        seconds = median_seconds(updater(module, data, episodes), 3)
        parameters = sum(p.numel() for p in module.parameters() if p.requires_grad)
        steps = data.episodes_per_round * data.spec.episode_limit / data.updates_per_round
        per_thousand = 1e3 * seconds / steps * 1e3
        rows.append(
            (f"{name}: parameters; update, ms; ms per 1,000 steps",
             f"{parameters:,}; {seconds * 1e3:,.0f}; {per_thousand:,.0f}")
        )  # fmt: skip
    return rows


def updater(module: MultiAgentModule, data: ReplayDataModule, episodes: list[Episode]) -> Callable[[], None]:
    """One round's learning without Lightning's loops: batches drawn, losses, gradients and steps."""
    data.replay.behaviour = module.needs_behaviour
    data.replay.add(episodes)
    configured: Any = module.configure_optimizers()
    optimizers = configured if isinstance(configured, list) else [configured]
    # What Lightning gives a module that makes its own steps.
    vars(module)["optimizers"] = lambda: optimizers
    vars(module)["manual_backward"] = lambda loss: loss.backward()

    def update() -> None:
        loss = module.learn(_round(module, data))
        if loss is None:
            return
        optimizers[0].zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 10.0)
        optimizers[0].step()

    return update


def _round(module: MultiAgentModule, data: ReplayDataModule) -> Round:
    return Round(
        batch=data.replay.sample(data.batch_size, data.generator) if module.learns_from_replay else None,
        latest=data.replay.latest(data.latest_size) if module.learns_from_latest else None,
        collected=[],
        env_steps=100_000,
        episodes=500,
        exploration=0.05,
        ends_epoch=False,
        ends_run=False,
    )


def _config(algorithm: str) -> DictConfig:
    return remix.compose(f"algorithm={algorithm}", "env.punishment=-2", "run_dir=unused")
