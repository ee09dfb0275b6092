"""What collecting hands to learning, and what it needs to know of the learner."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch

from remix.learning.episodes import Batch, Episode
from remix.learning.policy import Policy
from remix.settings.errors import SettingError


@dataclass
class Round:
    """What one training step gets.

    :param batch: episodes drawn from the replay, if the algorithm learns from such and there are enough.
    :param latest: the episodes collected last, if the algorithm learns from such and there are enough.
    :param collected: the episodes just played; empty when a round makes several updates.
    :param env_steps: environment steps collected so far, these included.
    :param episodes: episodes collected so far, these included.
    :param exploration: epsilon with which the collected episodes were played.
    :param ends_epoch: no further round follows before validation.
    :param ends_run: the budget of environment steps is spent.
    """

    batch: Batch | None
    latest: Batch | None
    collected: list[Episode]
    env_steps: int
    episodes: int
    exploration: float
    ends_epoch: bool
    ends_run: bool

    @property
    def learns(self) -> bool:
        """Whether there is something to learn from."""
        return self.batch is not None or self.latest is not None

    def to(self, device: torch.device, **options: Any) -> Round:
        """The same round with its batches on another device."""
        batch, latest = (
            data.to(device, **options) if data is not None else None for data in (self.batch, self.latest)
        )
        return replace(self, batch=batch, latest=latest)


class Learner(Protocol):
    """An algorithm, as far as collecting and storing episodes depend on it."""

    policy: Policy
    learns_from_replay: bool
    learns_from_latest: bool
    needs_behaviour: bool
    individual_rewards: bool

    def exploration(self, env_steps: int) -> float:
        """Epsilon of the episodes that begin after so many environment steps."""


def wanted_episodes(learner: Learner | type[Learner], batch_size: int, latest_size: int) -> int:
    """Episodes that have to be stored before the first update."""
    replayed = batch_size if learner.learns_from_replay else 0
    return max(replayed, latest_size if learner.learns_from_latest else 0)


def check_capacity(
    learner: Learner | type[Learner], capacity: int, batch_size: int, latest_size: int
) -> None:
    """Refuse a replay that never holds what an update wants of it.

    :raises SettingError: naming the size that is too large.
    """
    sizes = {
        "replay.batch_size": batch_size if learner.learns_from_replay else 0,
        "replay.latest_size": latest_size if learner.learns_from_latest else 0,
    }
    for name, size in sizes.items():
        if size > capacity:
            raise SettingError(name, size, f"must be at most replay.capacity={capacity} episodes")
