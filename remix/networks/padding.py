"""Widths that vector instructions like."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

VECTOR = 16
"""Single-precision numbers in the widest vector of current processors."""


def padded_size(size: int) -> int:
    """The smallest whole number of vectors that holds ``size`` numbers."""
    return -(-size // VECTOR) * VECTOR


def padded(tensor: Tensor) -> Tensor:
    """Zeros after the last entry of the first axis, up to a whole number of vectors."""
    missing = padded_size(len(tensor)) - len(tensor)
    return F.pad(tensor, (0, 0) * (tensor.dim() - 1) + (0, missing))
