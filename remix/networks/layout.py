"""Weights in the forms that the kernels read."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

VECTOR = 16
"""Single-precision numbers in the widest vector of current processors."""


def padded_size(size: int) -> int:
    """The smallest whole number of vectors that holds ``size`` numbers."""
    return -(-size // VECTOR) * VECTOR


def padded(tensor: Tensor) -> Tensor:
    """``tensor [D, ...]`` with zeros behind it, so that D becomes :func:`padded_size` of D."""
    missing = padded_size(len(tensor)) - len(tensor)
    return F.pad(tensor, (0, 0) * (tensor.dim() - 1) + (0, missing))


def as_array(tensor: Tensor) -> NDArray[Any]:
    """The numbers of a tensor of any shape as a contiguous array, without gradient."""
    array: NDArray[Any] = tensor.detach().contiguous().numpy()
    return array


def total(parts: NDArray[Any]) -> NDArray[Any]:
    """The sum of ``parts [P, ...]`` over the first axis, in order. NaN and infinity give no warning."""
    with np.errstate(all="ignore"):
        added: NDArray[Any] = parts.sum(0)
    return added
