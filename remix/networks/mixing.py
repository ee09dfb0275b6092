"""The compiled mixing layer of QMIX as an operation with a gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from remix.kernels import mixing as kernels
from remix.networks.threads import for_each, ranges


def mix(utilities: Tensor, weights: Tensor, units: int) -> tuple[Tensor, Tensor]:
    """``Q_tot [K]`` and its slopes ``[K, N]``, the latter without gradient.

    :param utilities: ``[K, N]``.
    :param weights: side by side ``[K, (N + 2) * m + 1]``: those of the first layer ``[N * m]``, of which the
        absolute values count, their bias ``[m]``, those of the second layer ``[m]``, of which the absolute
        values count, and the value of the state.
    :param units: m.
    :raises ValueError: the shapes do not fit together, which the kernels do not notice.
    """
    n_rows, n_agents = utilities.shape
    if weights.shape != (n_rows, (n_agents + 2) * units + 1):
        raise ValueError(f"weights {list(weights.shape)} cannot mix utilities {list(utilities.shape)}")
    value, slopes = _Mixing.apply(utilities, weights)
    return value, slopes


class _Mixing(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        value = torch.empty(len(tensors[0]), dtype=tensors[1].dtype)
        slopes = torch.empty(tensors[0].shape, dtype=tensors[1].dtype)
        arguments: tuple[Any, ...] = (_arrays(tensors), value.numpy(), slopes.numpy())
        for_each(lambda rows: kernels.forward_rows(*rows, *arguments), ranges(len(value)))
        ctx.save_for_backward(*tensors)
        ctx.mark_non_differentiable(slopes)
        return value, slopes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        tensors = ctx.saved_tensors
        results = tuple(torch.empty(tensor.shape, dtype=tensors[1].dtype) for tensor in tensors)
        arguments: tuple[Any, ...] = (_arrays(tensors), grads[0].contiguous().numpy(), _arrays(results))
        for_each(lambda rows: kernels.backward_rows(*rows, *arguments), ranges(len(grads[0])))
        return results


def _arrays(tensors: Sequence[Tensor]) -> kernels.Mixing:
    kind = tensors[1].dtype
    return kernels.Mixing(*(tensor.detach().to(kind).contiguous().numpy() for tensor in tensors))
