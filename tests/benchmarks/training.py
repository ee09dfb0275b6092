"""Rollouts, updates, replay and whole training in the paper's setting (ReMIX, batch of 128 episodes)."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

from remix.algorithms.base import MultiAgentModule
from remix.algorithms.value_factorization import ValueFactorization
from remix.envs.battles import Battles
from remix.envs.predator_prey import PredatorPrey
from remix.learning.datamodule import ReplayDataModule
from remix.learning.episodes import Episode
from remix.learning.policy import Policy
from remix.learning.replay import EpisodeReplay
from remix.learning.rounds import Round
from remix.learning.workers.inline import InlineWorkers
from remix.learning.workers.rollout import rollout
from remix.learning.workers.seeds import episode_seeds
from remix.networks.central import CentralQ
from remix.runs.building import quiet
from remix.weighting.regret_minimizing import RegretMinimizing
from tests.benchmarks.plain import plain_loss
from tests.benchmarks.timing import median_seconds, ratio

BATCH = 128
LENGTHS = (200, 150, 100, 60, 30, 10)

# What the usual reference implementation was recorded at, in this setting on 2 cores.
REFERENCE_STEPS_PER_SECOND = 235

Rows = list[tuple[str, str]]


def device() -> torch.device:
    """A GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precisions() -> dict[str, bool]:
    """Names of the precisions that this machine computes in, and whether they need autocast."""
    return {"32-true": False} | ({"bf16-mixed": True} if device().type == "cuda" else {})


def module() -> ValueFactorization:
    """ReMIX with the networks of the paper's setting."""
    torch.manual_seed(0)
    return ValueFactorization(
        PredatorPrey().spec,
        weighting=RegretMinimizing(warmup_steps=0),
        central=CentralQ,
        policy=partial(Policy, agent_id=False),
    )


def full_length_episodes(count: int) -> list[Episode]:
    """Episodes of nearly always 200 steps, by a random policy."""
    policy = Policy(PredatorPrey().spec, agent_id=False)
    return rollout(PredatorPrey(punishment=-2.0), policy, episode_seeds(0, "train", 0, count), 1.0)


class Update:
    """One update on a batch of episodes that were cut to a length.

    :param half: under autocast to bfloat16.
    :param plain: as in :mod:`tests.benchmarks.plain`.
    """

    def __init__(
        self,
        learner: ValueFactorization,
        episodes: list[Episode],
        length: int,
        half: bool = False,
        plain: bool = False,
    ) -> None:
        self.learner, self.half, self.plain = learner.to(device()), half, plain
        self.optimizer = learner.configure_optimizers()
        self.generator = torch.Generator().manual_seed(0)
        self.replay = EpisodeReplay(learner.spec, len(episodes))
        self.replay.add([_cut(episode, length) for episode in episodes])

    def __call__(self) -> None:
        batch = self.replay.sample(len(self.replay), self.generator).to(device())
        with torch.autocast(device().type, torch.bfloat16, enabled=self.half):
            loss = plain_loss(self.learner, batch) if self.plain else self.learner.loss(batch, env_steps=0)[0]
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.learner.parameters(), 10.0)
        self.optimizer.step()


def rollouts() -> Rows:
    """Environment steps per second of the policy in its environment, by episodes played together."""
    rows = []
    for n_episodes in (8, 32, 128):
        environment, policy = PredatorPrey(punishment=-2.0), Policy(PredatorPrey().spec, agent_id=False)
        seeds = episode_seeds(0, "train", 0, n_episodes)
        steps = sum(e.length for e in rollout(environment, policy, seeds, 1.0))
        seconds = median_seconds(partial(rollout, environment, policy, seeds, 1.0), 7)
        rows.append((f"policy rollout, {n_episodes} episodes together, steps/s", f"{steps / seconds:,.0f}"))
    return rows


def updates() -> Rows:
    """Milliseconds of one update by length of the episodes and precision."""
    learner, episodes = module(), full_length_episodes(BATCH)
    rows = []
    for name, half in precisions().items():
        full = 0.0
        for length in LENGTHS:
            seconds = median_seconds(Update(learner, episodes, length, half), 5)
            full = full or seconds
            label = f"update, {BATCH} x {length} steps, {name}, ms (share of {LENGTHS[0]})"
            rows.append((label, f"{seconds * 1e3:,.0f} ({seconds / full:.2f})"))
    full_length = Update(learner, episodes, 200)
    sampling = median_seconds(lambda: full_length.replay.sample(BATCH, full_length.generator), 7)
    rows.append((f"  of which drawing the batch, {BATCH} x 200 steps, ms", f"{sampling * 1e3:.1f}"))
    return rows


def against_plain() -> Rows:
    """The same update in plain PyTorch, in turns with ours."""
    learner, episodes = module(), full_length_episodes(BATCH)
    rows = []
    for name, half in precisions().items():
        plain = Update(learner, episodes, 200, half, plain=True)
        rows.append(
            (f"plain PyTorch update, {BATCH} x 200 steps, {name}, ms", f"{_milliseconds(plain):,.0f}")
        )
        for length in (200, 60):
            ours = Update(learner, episodes, length, half)
            theirs = Update(learner, episodes, length, half, plain=True)
            rows.append((f"  over ours, {length} steps", f"{ratio(theirs, ours, 5):.1f}x"))
    return rows


def _milliseconds(action: Update) -> float:
    return median_seconds(action, 3) * 1e3


def replay() -> Rows:
    """Memory of a full replay, extrapolated from 200 stored episodes of full length; and of battles."""
    store = EpisodeReplay(PredatorPrey().spec, 5_000)
    store.add(full_length_episodes(200))
    rows = [("replay of 5,000 full-length episodes, MB", f"{store.nbytes / 200 * 5_000 / 1e6:.0f}")]
    for name in ("3s_vs_5z", "2s3z", "MMM2", "27m_vs_30m"):
        battles = Battles(name)
        episodes = rollout(battles, Policy(battles.spec), np.arange(32), 1.0)
        store = EpisodeReplay(battles.spec, 5_000)
        store.add(episodes)
        steps = sum(episode.length for episode in episodes)
        numbers = sum(episode.obs.nbytes + episode.state.nbytes for episode in episodes)
        figure = f"{store.nbytes / steps / 1e3:.2f} {numbers / steps / 1e3:.2f}"
        rows.append((f"replay of random battles, {name}, kB per step; numbers alone", figure))
    return rows


class _Clock(pl.Callback):
    """Environment steps per second once learning has begun."""

    def __init__(self) -> None:
        self.start: tuple[float, int] | None = None
        self.rate = 0.0

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: Round,
        batch_idx: int,
    ) -> None:
        now = (time.perf_counter(), batch.env_steps)
        if batch.batch is not None:
            self.start = self.start or now
            if now != self.start:
                self.rate = (now[1] - self.start[1]) / (now[0] - self.start[0])


def end_to_end() -> Rows:
    """Training through Lightning, evaluations included, from the first update on."""
    quiet()
    rows = []
    for precision in precisions():
        for overlap in (False, True):
            rate = _steps_per_second(precision, overlap)
            label = (
                f"training end to end, {precision}{', overlapping' if overlap else ''}, steps/s (x reference)"
            )
            rows.append((label, f"{rate:,.0f} ({rate / REFERENCE_STEPS_PER_SECOND:.1f}x)"))
    return rows


def _steps_per_second(precision: Any, overlap: bool) -> float:
    data = ReplayDataModule(
        partial(PredatorPrey, punishment=-2.0),
        partial(InlineWorkers, overlap=overlap),
        max_env_steps=70_000,
    )
    return trained_steps_per_second(module(), data, precision=precision)


def trained_steps_per_second(
    module: MultiAgentModule, data: ReplayDataModule, precision: Any = "32-true", evaluated: bool = True
) -> float:
    """Environment steps per second of a whole training run through Lightning, from the first update on.

    :param evaluated: whether it is evaluated on the way.
    """
    clock = _Clock()
    trainer = pl.Trainer(
        accelerator=device().type,
        precision=precision,
        max_epochs=-1,
        gradient_clip_val=10.0,
        num_sanity_val_steps=0,
        limit_val_batches=None if evaluated else 0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[clock],
    )
    trainer.fit(module, data)
    return clock.rate


def _cut(episode: Episode, length: int) -> Episode:
    """The first ``length`` steps of an episode as an episode that was cut there."""
    return Episode(
        episode.obs[: length + 1],
        episode.state[: length + 1],
        episode.avail_actions[: length + 1],
        episode.actions[:length],
        episode.reward[:length],
        episode.behaviour[:length],
        terminated=False,
        metrics=episode.metrics,
    )
