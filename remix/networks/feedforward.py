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

from remix.kernels import feedforward as kernels
from remix.networks.features import Features, Rows, as_features, as_tensor, compiles
from remix.networks.layout import as_array, as_pairs, in_half, padded, padded_size, total
from remix.networks.threads import for_each, ranges


class FeedForward(nn.Sequential):
    """Linear - ReLU - ... - linear.

    In single and double precision on the CPU all layers run in one compiled pass, whose products autocast may
    turn to bfloat16; the outputs keep the type of the weights. Elsewhere PyTorch's layers run.

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
        if not compiles(self.linear[0].weight):
            outputs: Tensor = super().forward(as_tensor(rows, self.linear[0].weight.dtype))
            return outputs
        features = as_features(rows)
        if features.width != self.linear[0].in_features:
            raise ValueError(
                f"input rows have {features.width} columns, the network takes {self.linear[0].in_features}"
            )
        parameters = [p for layer in self.linear for p in (layer.weight, layer.bias)]
        outputs = _FeedForward.apply(features, features.dense, in_half(parameters[0]), *parameters)
        return outputs


class _FeedForward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Features, dense: Tensor, half: bool, *parameters: Tensor) -> Tensor:
        kind = parameters[0].dtype
        outputs = torch.empty(len(features), len(parameters[-1]), dtype=kind)
        arguments: tuple[Any, ...] = (
            features.arrays(kind), _layers(parameters, features, half), outputs.numpy()
        )  # fmt: skip
        for_each(lambda rows: kernels.forward_rows(*rows, *arguments), ranges(len(features), kernels.BLOCK))
        ctx.features, ctx.half = features, half
        ctx.save_for_backward(dense, *parameters)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        dense, *parameters = ctx.saved_tensors
        kind, features = parameters[0].dtype, ctx.features
        layers, parts = _layers(parameters, features, ctx.half), ranges(len(features), kernels.BLOCK)
        wanted = ctx.needs_input_grad[1]
        grad_dense = torch.empty(len(features) if wanted else 0, dense.shape[1], dtype=kind)
        size = int(((layers.sizes[:-1] + 1) * layers.sizes[1:]).sum())
        # One sum per part, added up in fixed order: the result depends neither on threads nor on timing.
        grads = np.zeros((len(parts), size), layers.first.dtype)
        arguments: tuple[Any, ...] = (
            features.arrays(kind), layers, as_array(grad_outputs[0]), grad_dense.numpy()
        )  # fmt: skip

        def add_part(part: int) -> None:
            first, last = parts[part]
            kernels.backward_rows(first, last, grads[part], *arguments)

        for_each(add_part, range(len(parts)))
        gradients = _unflat(torch.from_numpy(total(grads)), layers.sizes, parameters[::2])
        return None, grad_dense if wanted else None, None, *gradients


def _layers(parameters: Sequence[Tensor], features: Features, half: bool) -> kernels.Layers:
    """All parameters as the kernels read them."""
    weights, biases = parameters[::2], parameters[1::2]
    at, first = features.dense_at, padded(weights[0])
    higher = [padded(padded(weight).t()) for weight in weights[1:]]
    form = as_pairs if half else as_array

    def flat(matrices: Sequence[Tensor]) -> NDArray[Any]:
        kind = np.dtype(np.uint32) if half else as_array(first).dtype
        return np.concatenate([np.empty(0, kind), *(form(matrix).ravel() for matrix in matrices)])

    return kernels.Layers(
        sizes=np.array([weights[0].shape[1], *(padded_size(len(weight)) for weight in weights)]),
        first=as_array(first.t()),
        first_dense=as_array(padded(first[:, at : at + features.dense.shape[1]].t()).t()),
        biases=np.concatenate([as_array(padded(bias)) for bias in biases]),
        weights=flat(higher),
        transposed=flat([weight.t() for weight in higher]),
        per_word=2 if half else 1,
    )


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
