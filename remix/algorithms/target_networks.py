"""Copies of networks that targets are made with."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TypeVar

from torch import nn

NetworkT = TypeVar("NetworkT", bound=nn.Module)


def target_copy(network: NetworkT) -> NetworkT:
    """An exact copy that is never trained."""
    return deepcopy(network).requires_grad_(False)


class TargetNetworks:
    """Copies that follow their originals from time to time.

    The copies are attributes of the algorithm, and so part of its checkpoints by their own names.

    :param pairs: of a copy and its original.
    :param every: what is counted (episodes, say) between two times of copying.
    """

    def __init__(self, pairs: Sequence[tuple[nn.Module, nn.Module]] = (), every: int = 1) -> None:
        self.pairs, self.every = pairs, every
        self.copied_at = 0

    def follow(self, count: int) -> None:
        """Give every copy the weights of its original, if that is due when so many were counted."""
        if self.pairs and count - self.copied_at >= self.every:
            for copy, original in self.pairs:
                copy.load_state_dict(original.state_dict())
            self.copied_at = count
