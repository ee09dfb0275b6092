"""Parts of a batch that hold some of its episodes whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remix.learning.episodes import Batch


class Selection(NamedTuple):
    """Some episodes of a batch as a batch of their own.

    :ivar points: int64 ``[M']``, the rows that their time points have in the whole one.
    :ivar transitions: int64 ``[K']``, those of their transitions.
    """

    batch: Batch
    points: Tensor
    transitions: Tensor


def shares(n_episodes: int, n_parts: int, generator: torch.Generator) -> list[Tensor]:
    """Divide the numbers of B episodes at random into parts of nearly equal size.

    :param n_parts: the number of parts. There are fewer if there are fewer episodes, as none is empty.
    :returns: the parts, int64 ``[n]`` each, in ascending order.
    """
    order = torch.randperm(n_episodes, generator=generator)
    return [part.sort().values for part in order.tensor_split(min(n_parts, n_episodes))]


def select(batch: Batch, episodes: Tensor) -> Selection:
    """The batch of some of the episodes.

    :param episodes: ascending numbers int64 ``[B']`` on the CPU; 0 is the longest episode.
    """
    numbers, sizes = episodes.numpy(), batch.batch_sizes.numpy()
    running = np.searchsorted(numbers, sizes)
    running = running[running > 0]
    here = np.arange(len(numbers), running.sum()) - np.repeat(running[:-1], running[1:])
    points, transitions, here_now = (
        torch.from_numpy(rows).to(batch.reward.device, non_blocking=True)
        for rows in (_rows(numbers, sizes), _rows(numbers, sizes[1:]), here)
    )
    parts: dict[str, Any] = {
        **{name: getattr(batch, name)[points] for name in ("obs", "state", "avail_actions")},
        **{name: getattr(batch, name)[transitions] for name in ("actions", "reward", "terminated")},
        **{
            name: value[transitions]
            for name in ("behaviour", "individual_rewards")
            if (value := getattr(batch, name)) is not None
        },
        "here": here_now,
        "batch_sizes": torch.from_numpy(running),
    }
    return Selection(replace(batch, **parts), points, transitions)


def _rows(episodes: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of some episodes among packed ones.

    :param sizes: ``[T]``, episodes that run at each time, the longest ones.
    """
    starts, running = np.cumsum(sizes) - sizes, np.searchsorted(episodes, sizes)
    return np.concatenate([start + episodes[:n] for start, n in zip(starts, running, strict=True)])
