"""As if tensors were on another device than the CPU."""

import traceback

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from remix.learning.episodes import Batch

COMPILED = ("networks.agent", "networks.feedforward", "networks.mixers.qmix", "learning.returns")
"""Modules that choose between kernels and PyTorch's operations."""


def leave_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on PyTorch's layers compute, on rows as other devices get them."""
    for module in COMPILED:
        monkeypatch.setattr(f"remix.{module}.compiles", lambda weight: False)
    monkeypatch.setattr("remix.learning.divergence.at_once", lambda value: False)
    monkeypatch.setattr(Batch, "obs_rows", lambda batch: batch.observations().flatten(0, 1))
    monkeypatch.setattr(Batch, "state_rows", Batch.states)


class Waits(TorchDispatchMode):
    """Notes operations for whose result a program on a GPU has to wait.

    ``batch_sizes`` may be read: they stay on the CPU, and PyTorch's GRU reads them too.
    """

    OPERATIONS = ("_local_scalar_dense", "nonzero", "equal", "bincount", "unique", "masked_select")

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        by_mask = "aten.index" in str(func) and any(i is not None and i.dtype == torch.bool for i in args[1])
        if by_mask or any(name in str(func) for name in self.OPERATIONS):
            callers = traceback.extract_stack()
            if not any(
                "batch_sizes" in (c.line or "") or c.filename.endswith("rnn.py") for c in callers[-6:]
            ):
                self.seen.append(str(func))
        return func(*args, **(kwargs or {}))
