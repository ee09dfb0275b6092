"""Weights in the forms that the kernels read."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from remix.kernels.compiler import HAS_HALF

VECTOR = 16
"""Single-precision numbers in the widest vector of current processors."""


def padded_size(size: int) -> int:
    """The smallest whole number of vectors that holds ``size`` numbers."""
    return -(-size // VECTOR) * VECTOR


def padded(tensor: Tensor) -> Tensor:
    """Zeros after the last entry of the first axis, up to a whole number of vectors."""
    missing = padded_size(len(tensor)) - len(tensor)
    return F.pad(tensor, (0, 0) * (tensor.dim() - 1) + (0, missing))


def as_array(tensor: Tensor) -> NDArray[Any]:
    """The numbers of a tensor as a contiguous array, without gradient."""
    array: NDArray[Any] = tensor.detach().contiguous().numpy()
    return array


def total(parts: NDArray[Any]) -> NDArray[Any]:
    """The sum over the first axis, in order. NaN and infinity are passed on without a warning."""
    with np.errstate(all="ignore"):
        added: NDArray[Any] = parts.sum(0)
    return added


def as_pairs(weight: Tensor) -> NDArray[np.uint32]:
    """``[k, m]`` rounded to bfloat16 as pairs along k, ``[k / 2, m]``; k is even."""
    n_inputs, n_outputs = weight.shape
    half = weight.detach().to(torch.bfloat16).view(n_inputs // 2, 2, n_outputs)
    words = half.transpose(1, 2).contiguous().view(torch.int32).squeeze(-1)
    pairs: NDArray[np.uint32] = words.numpy().view(np.uint32)
    return pairs


def in_half(weight: Tensor) -> bool:
    """Whether autocast asks for bfloat16 products with such weights, and this machine has them."""
    asked = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    if not asked or weight.dtype != torch.float32:
        return False
    if not HAS_HALF:
        _warn_of_float32()
    return HAS_HALF


@cache
def _warn_of_float32() -> None:
    warnings.warn(
        "this processor has no bfloat16 instructions: the networks compute in float32", stacklevel=4
    )
