"""The environments of a run, of which the first tells what all of them are like."""

from __future__ import annotations

from typing import Any

from pytorch_lightning.utilities.seed import isolate_rng

from remix.envs.gate import Gate, behind_gate
from remix.envs.spec import EnvSpec
from remix.learning.workers.base import EnvironmentFactory


class Environments:
    """Builds environments, each behind its gate; an :data:`EnvironmentFactory` itself.

    The first one is built at once, as networks and the replay need its spec. It is also the first that is
    handed out, so that who plays in this process builds no other. Pickled, this takes no environment along:
    another process builds its own.

    :param make: builds one of them.
    :param first: builds the first one instead, where its errors are to be told in another way.
    """

    def __init__(self, make: EnvironmentFactory, first: EnvironmentFactory | None = None) -> None:
        self.make = make
        # Networks built after this are the same ones, whatever the game does with the global generators.
        with isolate_rng(include_cuda=False):
            self._first: Gate | None = behind_gate(make) if first is None else Gate.around(first())
        self.spec: EnvSpec = self._first.spec

    def __call__(self) -> Gate:
        first, self._first = self._first, None
        return first or behind_gate(self.make)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_first": None}

    def close(self) -> None:
        """Close the first environment if nobody has got it; later ones can still be had."""
        if self._first is not None:
            self._first.close()
            self._first = None
