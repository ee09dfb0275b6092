"""Linear layers with ReLU in between, quick on the CPU."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from remix.kernels import feedforward as kernels
from remix.networks.features import Features, Rows, as_features, as_tensor, compiles
from remix.networks.layout import as_array, padded_size, total
from remix.networks.threads import for_each, ranges


class FeedForward(nn.Sequential):
    """Linear - ReLU - ... - linear.

    In single and double precision on the CPU all layers run in one compiled pass, whatever autocast says.
    Elsewhere PyTorch's layers run.

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
        if compiles(self.linear[0].weight):
            return side_by_side([self], rows)
        outputs: Tensor = super().forward(as_tensor(rows, self.linear[0].weight.dtype))
        return outputs


def side_by_side(networks: Sequence[FeedForward], rows: Rows) -> Tensor:
    """Outputs of all ``networks`` for the same ``rows [R, I]``, ``[R, O1 + O2 + ...]``.

    Where they are compiled this is one pass. It has the same numbers as a pass for each.
    """
    layers = [network.linear for network in networks]
    if not compiles(layers[0][0].weight):
        return torch.cat([network(rows) for network in networks], dim=-1)
    features = as_features(rows)
    if features.width != layers[0][0].in_features:
        raise ValueError(
            f"input rows have {features.width} columns, the network takes {layers[0][0].in_features}"
        )
    sizes = tuple((features.width, *(layer.out_features for layer in network)) for network in layers)
    parameters = [p for network in layers for layer in network for p in (layer.weight, layer.bias)]
    outputs: Tensor = _FeedForward.apply(features, features.dense, sizes, *parameters)
    return outputs


Sizes = tuple[tuple[int, ...], ...]
"""Of every network the width of its input, of every hidden layer, and of its output."""


class _FeedForward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Features, dense: Tensor, sizes: Sizes, *parameters: Tensor) -> Tensor:
        kind = parameters[0].dtype
        outputs = torch.empty(len(features), sum(widths[-1] for widths in sizes), dtype=kind)
        arguments: tuple[Any, ...] = (
            features.arrays(kind), _networks(parameters, features, sizes), outputs.numpy()
        )  # fmt: skip
        for_each(lambda rows: kernels.forward_rows(*rows, *arguments), ranges(len(features), kernels.BLOCK))
        ctx.features, ctx.sizes = features, sizes
        ctx.save_for_backward(dense, *parameters)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        dense, *parameters = ctx.saved_tensors
        kind, features = parameters[0].dtype, ctx.features
        networks, parts = _networks(parameters, features, ctx.sizes), ranges(len(features), kernels.BLOCK)
        wanted = ctx.needs_input_grad[1]
        grad_dense = torch.empty(len(features) if wanted else 0, dense.shape[1], dtype=kind)
        # One sum per part, added up in fixed order: the result depends neither on threads nor on timing.
        grads = np.zeros((len(parts), len(networks.parameters)), networks.parameters.dtype)
        arguments: tuple[Any, ...] = (
            features.arrays(kind), networks, as_array(grad_outputs[0]), grad_dense.numpy()
        )  # fmt: skip

        def add_part(part: int) -> None:
            first, last = parts[part]
            kernels.backward_rows(first, last, grads[part], *arguments)

        for_each(add_part, range(len(parts)))
        gradients = _unflat(total(grads), networks.plan, parameters)
        return None, grad_dense if wanted else None, None, *gradients


@cache
def _plan(sizes: Sizes, n_dense: int) -> kernels.Plan:
    """Where the layers of networks lie that read rows of so many dense columns."""
    layers = [pair for widths in sizes for pair in pairwise((widths[0], *map(padded_size, widths[1:])))]
    firsts = [0, *accumulate(len(widths) - 1 for widths in sizes)]

    def places(lengths: Iterable[int]) -> NDArray[np.int64]:
        return np.array([0, *accumulate(lengths)])

    return kernels.Plan(
        networks=np.array(firsts),
        n_inputs=np.array([n_inputs for n_inputs, _ in layers]),
        n_outputs=np.array([n_outputs for _, n_outputs in layers]),
        parameters=places((n_inputs + 1) * n_outputs for n_inputs, n_outputs in layers),
        transposed=places(
            n_outputs * (padded_size(n_dense) if layer in firsts else n_inputs)
            for layer, (n_inputs, n_outputs) in enumerate(layers)
        ),
        activations=places(n_outputs for _, n_outputs in layers),
        columns=places(widths[-1] for widths in sizes),
    )


def _networks(parameters: Sequence[Tensor], features: Features, sizes: Sizes) -> kernels.Networks:
    """All parameters as the kernels read them."""
    n_dense = features.dense.shape[1]
    plan, kind = _plan(sizes, n_dense), as_array(parameters[0]).dtype
    flat, transposed = np.zeros(plan.parameters[-1], kind), np.zeros(plan.transposed[-1], kind)
    for layer, (weight, bias) in enumerate(zip(parameters[::2], parameters[1::2], strict=True)):
        matrix, (n_outputs, n_inputs) = weight.detach().numpy(), weight.shape
        to, to_bias = _layer(flat, plan, layer)
        to[:n_inputs, :n_outputs], to_bias[:n_outputs] = matrix.T, bias.detach().numpy()
        back = transposed[plan.transposed[layer] : plan.transposed[layer + 1]].reshape(len(to_bias), -1)
        if layer in plan.networks:
            matrix = matrix[:, features.dense_at : features.dense_at + n_dense]
        back[:n_outputs, : matrix.shape[1]] = matrix
    return kernels.Networks(plan, flat, transposed)


def _layer(flat: NDArray[Any], plan: kernels.Plan, layer: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Weight ``[I, J]`` and bias ``[J]`` of a layer among all parameters."""
    first, last, width = plan.parameters[layer], plan.parameters[layer + 1], plan.n_outputs[layer]
    return flat[first : last - width].reshape(-1, width), flat[last - width : last]


def _unflat(flat: NDArray[Any], plan: kernels.Plan, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Gradients of weights and biases in the shapes of the modules'."""
    grads = []
    for layer, (n_outputs, n_inputs) in enumerate(weight.shape for weight in parameters[::2]):
        weight, bias = _layer(flat, plan, layer)
        grads += [
            torch.from_numpy(np.ascontiguousarray(weight[:n_inputs, :n_outputs].T)),
            torch.from_numpy(bias[:n_outputs].copy()),
        ]
    return grads
