"""Replay of whole episodes: real time steps only, in the types and bits that the environment needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from remix.envs.spec import EnvSpec
from remix.learning.episodes import Batch, Episode, collate, pack
from remix.learning.packing import Arrays
from remix.learning.stored import check_episode, episodes_of
from remix.settings import checks


class EpisodeReplay:
    """A ring of the last ``capacity`` episodes that grows with what is stored.

    :param capacity: episodes kept; beyond it the oldest goes.
    :param behaviour: keep the behaviour probabilities of the actions too.
    :param individual_rewards: keep the agents' own rewards too.
    """

    def __init__(
        self, spec: EnvSpec, capacity: int, behaviour: bool = False, individual_rewards: bool = False
    ) -> None:
        self.spec, self.behaviour, self.individual_rewards = spec, behaviour, individual_rewards
        self.capacity = checks.whole("capacity", capacity, minimum=1)
        self._episodes: list[Arrays] = []
        self._oldest = 0

    def __len__(self) -> int:
        """Episodes stored."""
        return len(self._episodes)

    @property
    def nbytes(self) -> int:
        """Bytes of all stored arrays."""
        return sum(array.nbytes for arrays in self._episodes for array in arrays.values())

    def add(self, episodes: Sequence[Episode]) -> None:
        """Store episodes, in order, over the oldest ones once the ring is full.

        :raises ValueError: an episode does not fit the environment's spec.
        """
        for episode in episodes:
            check_episode(episode, self.spec)
            arrays = pack(episode, self.behaviour, not self.spec.state_from_obs, self.individual_rewards)
            if len(self._episodes) < self.capacity:
                self._episodes.append(arrays)
            else:
                self._episodes[self._oldest] = arrays
                self._oldest = (self._oldest + 1) % self.capacity

    def sample(self, n_episodes: int, generator: torch.Generator) -> Batch:
        """``n_episodes`` different episodes, uniformly."""
        # Numbered by age, so that a restored replay draws the same episodes as the one that was saved.
        ages = torch.randperm(len(self), generator=generator)[:n_episodes].tolist()
        return collate([self._episodes[(self._oldest + age) % len(self)] for age in ages], self.spec)

    def latest(self, n_episodes: int) -> Batch:
        """The ``n_episodes`` that were added last."""
        size = len(self)
        return collate(
            [self._episodes[(self._oldest + age) % size] for age in range(size - n_episodes, size)], self.spec
        )

    def state_dict(self) -> dict[str, Any]:
        """Everything stored, oldest first: one tensor per field, and how much of it each episode has."""
        ordered = self._episodes[self._oldest :] + self._episodes[: self._oldest]
        names = list(ordered[0]) if ordered else []
        return {
            "fields": {n: torch.from_numpy(np.concatenate([arrays[n] for arrays in ordered])) for n in names},
            "sizes": {n: torch.tensor([len(arrays[n]) for arrays in ordered]) for n in names},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned; the last ``capacity`` episodes of it.

        :raises ValueError: it holds what cannot be, as the rest of a sentence ("a replay whose ...").
        """
        episodes = episodes_of(state, self.spec, self.behaviour, self.individual_rewards)
        self._episodes, self._oldest = episodes[-self.capacity :], 0
