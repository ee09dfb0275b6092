"""Rollouts, updates, replay and whole training in the paper's setting (ReMIX, batch of 128 episodes)."""

from __future__ import annotations

import resource
import time
from functools import partial

import pytorch_lightning as pl
import torch

from envs.predator_prey import PredatorPrey
from remix.algorithms.value_factorization import ValueFactorization
from remix.datamodule import ReplayDataModule, Round
from remix.episodes import Episode
from remix.experiment import quiet
from remix.networks.central import CentralQ
from remix.policy import Policy
from remix.replay import EpisodeReplay
from remix.weighting.regret_minimizing import RegretMinimizing
from remix.workers.rollout import rollout
from remix.workers.seeds import episode_seeds
from tests.benchmarks.timing import median_seconds

BATCH = 128


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


def rollouts() -> list[tuple[str, str]]:
    """Environment steps per second of the policy in its environment, 8 and 32 episodes together."""
    rows = []
    for n_episodes in (8, 32):
        environment, policy = PredatorPrey(punishment=-2.0), Policy(PredatorPrey().spec, agent_id=False)
        seeds = episode_seeds(0, "train", 0, n_episodes)
        steps = sum(e.length for e in rollout(environment, policy, seeds, 1.0))
        seconds = median_seconds(partial(rollout, environment, policy, seeds, 1.0), 7)
        rows.append((f"policy rollout, {n_episodes} episodes together, steps/s", f"{steps / seconds:,.0f}"))
    return rows


def updates() -> list[tuple[str, str]]:
    """Milliseconds of one update, and of its parts."""
    learner = module()
    optimizer = learner.configure_optimizers()
    generator = torch.Generator().manual_seed(0)
    episodes = full_length_episodes(BATCH)
    rows = []
    for share in (1.0, 0.3):
        replay = EpisodeReplay(learner.spec, BATCH)
        replay.add([_cut(e, max(1, round(share * 200))) for e in episodes])

        def update(replay: EpisodeReplay = replay) -> None:
            loss, _ = learner.loss(replay.sample(BATCH, generator), env_steps=0)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learner.parameters(), 10.0)
            optimizer.step()

        steps = round(share * 200)
        rows.append((f"update, {BATCH} x {steps} steps, ms", f"{median_seconds(update, 5) * 1e3:,.0f}"))
        if share == 1.0:
            sampling = median_seconds(partial(replay.sample, BATCH, generator), 7)
            rows.append(
                (f"  of which drawing the batch, {BATCH} x {steps} steps, ms", f"{sampling * 1e3:.1f}")
            )
    return rows


def replay() -> list[tuple[str, str]]:
    """Memory of a full replay, extrapolated from 200 stored episodes of full length."""
    store = EpisodeReplay(PredatorPrey().spec, 5_000)
    store.add(full_length_episodes(200))
    return [("replay of 5,000 full-length episodes, MB", f"{store.nbytes / 200 * 5_000 / 1e6:.0f}")]


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


def end_to_end() -> list[tuple[str, str]]:
    """Training through Lightning, evaluations included, from the first update on."""
    quiet()
    data = ReplayDataModule(partial(PredatorPrey, punishment=-2.0), max_env_steps=52_000)
    clock = _Clock()
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=-1,
        gradient_clip_val=10.0,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[clock],
    )
    trainer.fit(module(), data)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return [
        ("training end to end, full-length episodes, steps/s", f"{clock.rate:,.0f}"),
        ("peak resident memory of this process, GB", f"{peak:.2f}"),
    ]


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
