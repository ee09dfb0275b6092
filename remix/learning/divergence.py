"""The end of a run whose numbers have left what can be computed with."""

from __future__ import annotations

import torch
from torch import Tensor

from remix.settings.errors import Diverged

_NEVER = 2**62


class DivergenceGuard:
    """Looks for losses and gradients that are not finite, without making a GPU wait.

    On the CPU the run ends at once, before the optimizer's step. On other devices the number of the first
    such update stays on the device until :meth:`check`, which is called when numbers are read from it anyway.
    """

    def __init__(self) -> None:
        self._first: dict[str, Tensor] = {}
        self._env_steps: dict[int, int] = {}

    def look(self, what: str, value: Tensor, update: int, env_steps: int) -> None:
        """Look at a scalar.

        :param what: its name, e.g. ``loss``.
        :param update: number of the update, from 1.
        :raises Diverged: it is not finite, if that can be seen at once.
        """
        if at_once(value):
            if not value.isfinite():
                raise Diverged(what, update, env_steps)
            return
        self._env_steps[update] = env_steps
        first = self._first.get(what)
        if first is None:
            first = torch.full((), _NEVER, dtype=torch.int64, device=value.device)
        self._first[what] = torch.where(value.isfinite(), first, first.clamp(max=update))

    def check(self) -> None:
        """Read from the device what :meth:`look` left there since the last call; waits for the device.

        :raises Diverged: something was not finite.
        """
        if not self._first:
            return
        updates = dict(zip(self._first, torch.stack(list(self._first.values())).tolist(), strict=True))
        env_steps, self._first, self._env_steps = self._env_steps, {}, {}
        what = min(updates, key=lambda name: updates[name])
        if updates[what] != _NEVER:
            raise Diverged(what, updates[what], env_steps[updates[what]])


def at_once(value: Tensor) -> bool:
    """Whether the program can read a scalar without waiting for a device."""
    return value.device.type == "cpu"
