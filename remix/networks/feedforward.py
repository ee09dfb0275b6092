"""Linear layers with ReLU in between, quick on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from remix.networks.features import Features, Rows, as_features, as_tensor, compiles
from remix.networks.kernels import feedforward as kernels
from remix.networks.padding import padded, padded_size
from remix.networks.threads import for_each, ranges


class FeedForward(nn.Sequential):
    """Linear - ReLU - ... - linear.

    In single and double precision on the CPU all layers run in one compiled pass; elsewhere, and where
    autocast asks for half precision, layer by layer in PyTorch.

    :param sizes: width of the input, of every hidden layer, and of the output.
    """

    def __init__(self, *sizes: int) -> None:
        layers: list[nn.Module] = []
        for n_inputs, n_outputs in pairwise(sizes):
            layers += [nn.Linear(n_inputs, n_outputs), nn.ReLU()]
        super().__init__(*layers[:-1])

    @property
    def linear(self) -> list[nn.Linear]:
        """The layers with weights."""
        return [layer for layer in self if isinstance(layer, nn.Linear)]

    def forward(self, rows: Rows) -> Tensor:
        """Outputs ``[R, O]`` for input ``rows [R, I]``."""
        if not compiles(self.linear[0].weight) or torch.is_autocast_enabled("cpu"):
            outputs: Tensor = super().forward(as_tensor(rows, self.linear[0].weight.dtype))
            return outputs
        features = as_features(rows)
        if features.width != self.linear[0].in_features:
            raise ValueError(
                f"input rows have {features.width} columns, the network takes {self.linear[0].in_features}"
            )
        parameters = [p for layer in self.linear for p in (layer.weight, layer.bias)]
        outputs = _FeedForward.apply(features, features.dense, *parameters)
        return outputs


class _FeedForward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Features, dense: Tensor, *parameters: Tensor) -> Tensor:
        weights, kind = parameters[::2], parameters[0].dtype
        outputs = torch.empty(len(features), len(weights[-1]), dtype=kind)
        arguments: tuple[Any, ...] = (
            features.arrays(kind),
            _flat(parameters),
            _sizes(weights),
            outputs.numpy(),
        )
        for_each(lambda rows: kernels.forward_rows(*rows, *arguments), ranges(len(features), kernels.BLOCK))
        ctx.features = features
        ctx.save_for_backward(dense, *parameters)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        dense, *parameters = ctx.saved_tensors
        weights, kind, features = parameters[::2], parameters[0].dtype, ctx.features
        sizes, flat, parts = _sizes(weights), _flat(parameters), ranges(len(features), kernels.BLOCK)
        grad_dense = torch.empty(len(features) if ctx.needs_input_grad[1] else 0, dense.shape[1], dtype=kind)
        grads = np.zeros((len(parts), len(flat)), flat.dtype)
        arguments: tuple[Any, ...] = (
            features.arrays(kind),
            flat,
            _flat_transposed(weights, features),
            sizes,
            grad_outputs[0].contiguous().numpy(),
            grad_dense.numpy(),
        )

        def add_part(part: int) -> None:
            first, last = parts[part]
            kernels.backward_rows(first, last, grads[part], *arguments)

        for_each(add_part, range(len(parts)))
        return (
            None,
            grad_dense if ctx.needs_input_grad[1] else None,
            *_unflat(torch.from_numpy(grads.sum(0)), sizes, weights),
        )


def _sizes(weights: Sequence[Tensor]) -> NDArray[np.int64]:
    return np.array([weights[0].shape[1], *(padded_size(len(weight)) for weight in weights)])


def _flat(parameters: Sequence[Tensor]) -> NDArray[Any]:
    """All parameters as the kernels lay them out."""
    arrays = []
    for layer, (weight, bias) in enumerate(zip(parameters[::2], parameters[1::2], strict=True)):
        columns = weight.t() if layer == 0 else padded(weight.t())
        arrays += [padded(columns.t()).t().flatten(), padded(bias)]
    flat: NDArray[Any] = torch.cat(arrays).detach().numpy()
    return flat


def _flat_transposed(weights: Sequence[Tensor], features: Features) -> NDArray[Any]:
    """The weights as the way back needs them; of the first layer what meets dense features."""
    at = features.dense_at
    first = padded(weights[0])[:, at : at + features.dense.shape[1]]
    arrays = [first.flatten(), *(padded(padded(weight).t()).t().flatten() for weight in weights[1:])]
    flat: NDArray[Any] = torch.cat(arrays).detach().numpy()
    return flat


def _unflat(flat: Tensor, sizes: NDArray[np.int64], weights: Sequence[Tensor]) -> list[Tensor]:
    """Gradients of weights and biases in the shapes of the modules'."""
    grads, at = [], 0
    for (n_inputs, n_outputs), weight in zip(pairwise(sizes.tolist()), weights, strict=True):
        end = at + n_inputs * n_outputs
        grads += [
            flat[at:end].view(n_inputs, n_outputs)[: weight.shape[1], : weight.shape[0]].t().contiguous(),
            flat[end : end + weight.shape[0]].clone(),
        ]
        at = end + n_outputs
    return grads
