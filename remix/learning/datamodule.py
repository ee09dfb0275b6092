"""Workers -> replay -> batches, as a Lightning data module.

One Lightning *batch* is a :class:`Round`: episodes are played with the present policy and stored, and a batch
is drawn for one update. An *epoch* is a number of environment steps. After it the ordinary validation loop
gets greedy episodes.

If the workers *overlap*, the next round is played during the updates of the present one, with the policy from
before these updates. The first round of an epoch always gets the newest policy. Nothing depends on timing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytorch_lightning as pl
import torch

from remix.learning import epochs
from remix.learning.collector import Collector
from remix.learning.episodes import Episode
from remix.learning.replay import EpisodeReplay
from remix.learning.rounds import Learner, Round, check_capacity, wanted_episodes
from remix.learning.workers.base import EnvironmentFactory, WorkersFactory
from remix.learning.workers.environments import Environments
from remix.learning.workers.inline import InlineWorkers
from remix.settings import checks


class ReplayDataModule(pl.LightningDataModule):
    """Streams episodes from workers through a replay to a :class:`Learner`, the Lightning module.

    :param environment: builds the environment. It is built once in this process, for its spec and for the
        workers here, and once in every other process.
    :param workers: builds the worker pool.
    :param capacity: number of episodes that the replay holds.
    :param batch_size: B, number of episodes drawn for an update. Learning starts when this many are stored.
    :param latest_size: number of the episodes played last that an update gets, if the algorithm learns from
        such; None for those of the round.
    :param episodes_per_round: episodes played before each round of updates.
    :param updates_per_round: gradient updates in a round.
    :param steps_per_epoch: environment steps between validations. An epoch ends with a round.
    :param max_env_steps: environment steps after which the run ends. It ends with a round.
    :param validation_episodes: greedy episodes of a validation.
    :param test_episodes: greedy episodes of a test.
    :param seed: seed of all episodes and of the sampling.
    :raises SettingError: a setting has an invalid value; it is named as in ``conf/train.yaml``.
    """

    def __init__(
        self,
        environment: EnvironmentFactory,
        workers: WorkersFactory = InlineWorkers,
        capacity: int = 5_000,
        batch_size: int = 128,
        latest_size: int | None = None,
        episodes_per_round: int = 8,
        updates_per_round: int = 1,
        steps_per_epoch: int = 10_000,
        max_env_steps: int = 1_000_000,
        validation_episodes: int = 32,
        test_episodes: int = 100,
        seed: int = 1,
    ) -> None:
        super().__init__()
        self.batch_size = checks.whole("replay.batch_size", batch_size, minimum=1)
        self.episodes_per_round = checks.whole("replay.episodes_per_round", episodes_per_round, minimum=1)
        latest = latest_size if latest_size is not None else episodes_per_round
        self.latest_size = checks.whole("replay.latest_size", latest, minimum=1)
        self.updates_per_round = checks.whole("replay.updates_per_round", updates_per_round, minimum=1)
        self.steps_per_epoch = checks.whole("steps_per_epoch", steps_per_epoch, minimum=1)
        self.max_env_steps = checks.whole("max_env_steps", max_env_steps, minimum=1)
        self.validation_episodes = checks.whole("validation_episodes", validation_episodes, minimum=1)
        self.test_episodes = checks.whole("test_episodes", test_episodes, minimum=1)
        self.seed = checks.seed("seed", seed)
        self.environment = environment if isinstance(environment, Environments) else Environments(environment)
        self.spec = self.environment.spec
        self.evaluation_exploration: float | None = None
        self.env_steps = self.episodes = 0
        self.generator = torch.Generator().manual_seed(seed)
        self.replay = EpisodeReplay(self.spec, capacity)
        self.collector = Collector(self.environment, workers, seed)
        self._made: dict[str, Any] | None = None
        """Of a round with updates left: how many were made, its exploration, and whether it ends the epoch.
        None between two rounds."""

    @property
    def learner(self) -> Learner:
        """The Lightning module in training, whose policy the workers play."""
        assert self.trainer is not None
        return cast(Learner, self.trainer.lightning_module)

    def setup(self, stage: str) -> None:
        if stage == "fit":
            assert self.trainer is not None
            epochs.fetch_no_batch_ahead(self.trainer)
            check_capacity(self.learner, self.replay.capacity, self.batch_size, self.latest_size)
            self.replay.behaviour = self.learner.needs_behaviour
            self.replay.individual_rewards = self.learner.individual_rewards
        self.collector.recruit(self.learner)

    def teardown(self, stage: str) -> None:
        self.collector.end_stage()

    def on_exception(self, exception: BaseException) -> None:
        self.collector.dismiss()

    def train_dataloader(self) -> Rounds:
        return Rounds(self)

    def val_dataloader(self) -> EvaluationEpisodes:
        return EvaluationEpisodes(self, "validation", self.validation_episodes)

    def test_dataloader(self) -> EvaluationEpisodes:
        return EvaluationEpisodes(self, "test", self.test_episodes)

    def transfer_batch_to_device(
        self, batch: Round | list[Episode], device: torch.device, dataloader_idx: int
    ) -> Round | list[Episode]:
        return batch.to(device) if isinstance(batch, Round) else batch

    def state_dict(self) -> dict[str, Any]:
        """Counters and the sampling stream. The replay is saved by the checkpoint callback that wants it."""
        return {
            "env_steps": self.env_steps,
            "episodes": self.episodes,
            "generator": self.generator.get_state(),
            "ahead": self.collector.state(),
            "made": self._made,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.env_steps, self.episodes = state_dict["env_steps"], state_dict["episodes"]
        self.generator.set_state(state_dict["generator"].cpu())
        self.collector.restore(state_dict["ahead"])
        self._made = state_dict.get("made")


class Rounds:
    """The training loader: every iteration over it is one epoch."""

    def __init__(self, data: ReplayDataModule) -> None:
        self.data = data

    def __iter__(self) -> Iterator[Round]:
        data = self.data
        if data.env_steps >= data.max_env_steps and data._made is None:
            assert data.trainer is not None
            epochs.end_run(data.trainer)
            return
        boundary = (data.env_steps // data.steps_per_epoch + 1) * data.steps_per_epoch
        boundary = min(boundary, data.max_env_steps)
        ends_epoch = False
        if data._made is not None:  # the run stopped within a round
            ends_epoch = data._made["ends_epoch"]
            yield from self._updates([], **data._made)
        while not ends_epoch:
            collected, exploration = data.collector.next_round(
                data.episodes, data.episodes_per_round, data.env_steps
            )
            data.replay.add(collected)
            data.episodes += len(collected)
            data.env_steps += sum(episode.length for episode in collected)
            ends_epoch = data.env_steps >= boundary
            if data.collector.overlaps and not ends_epoch:
                data.collector.start_next_round(data.episodes, data.episodes_per_round, data.env_steps)
            yield from self._updates(collected, exploration, ends_epoch)

    def _updates(
        self, collected: list[Episode], exploration: float, ends_epoch: bool, updates: int = 0
    ) -> Iterator[Round]:
        """The updates of a round that are left.

        :param updates: number of updates already made.
        """
        data = self.data
        replayed, latest = data.learner.learns_from_replay, data.learner.learns_from_latest
        ready = len(data.replay) >= wanted_episodes(data.learner, data.batch_size, data.latest_size)
        # One more than were made at least, be it empty: without it an epoch that ends here never would.
        n_updates = max(data.updates_per_round if ready else 0, updates + 1)
        for i in range(updates, n_updates):
            last = ends_epoch and i == n_updates - 1
            made = {"exploration": exploration, "ends_epoch": ends_epoch, "updates": i + 1}
            data._made = made if i + 1 < n_updates else None
            yield Round(
                batch=data.replay.sample(data.batch_size, data.generator) if ready and replayed else None,
                latest=data.replay.latest(data.latest_size) if ready and latest else None,
                collected=collected if i == 0 else [],
                env_steps=data.env_steps,
                episodes=data.episodes,
                exploration=exploration,
                ends_epoch=last,
                ends_run=last and data.env_steps >= data.max_env_steps,
            )


class EvaluationEpisodes(Sequence[list[Episode]]):
    """An evaluation loader of one batch: episodes of the current policy, new ones at every epoch."""

    def __init__(self, data: ReplayDataModule, stream: str, n_episodes: int) -> None:
        self.data, self.stream, self.n_episodes = data, stream, n_episodes

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> list[Episode]:  # type: ignore[override]
        if index != 0:
            raise IndexError(index)
        first = self.data.env_steps if self.stream == "validation" else 0
        exploration = self.data.evaluation_exploration
        return self.data.collector.collect(self.stream, first, self.n_episodes, exploration)
