"""Linear layers with ReLU in between, a block of rows through all of them.

R rows; layer l has S[l] inputs and S[l + 1] outputs. All sizes but the first are padded with zeros to a whole
number of vectors. The parameters of all layers lie in one array: for each layer its weight ``[inputs,
outputs]`` and then its bias. Nothing is kept for the gradient: the activations are computed again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.networks.kernels.arithmetic import (
    Array,
    Input,
    add_encoder_gradient,
    add_product,
    add_rows,
    compiled,
    copy,
    copy_rows,
    encode,
    fill,
    relu,
    relu_gradient,
    whole_groups,
)

# Rows in a block: the activations of all layers stay in the cache beside the weights.
BLOCK = 64


@compiled
def _offset(sizes: NDArray[np.int64], layer: int) -> int:
    """Where the parameters of a layer begin."""
    offset = 0
    for i in range(layer):
        offset += (sizes[i] + 1) * sizes[i + 1]
    return offset


@compiled
def _weight(parameters: Array, sizes: NDArray[np.int64], layer: int) -> Array:
    at = _offset(sizes, layer)
    return parameters[at : at + sizes[layer] * sizes[layer + 1]].reshape(sizes[layer], sizes[layer + 1])


@compiled
def _bias(parameters: Array, sizes: NDArray[np.int64], layer: int) -> Array:
    at = _offset(sizes, layer + 1)
    return parameters[at - sizes[layer + 1] : at]


@compiled
def _activation(activations: Array, sizes: NDArray[np.int64], layer: int) -> Array:
    """Outputs of a layer ``[BLOCK, S[layer + 1]]``, which lie one layer after the other."""
    at = BLOCK * sizes[1 : layer + 1].sum()
    return activations[at : at + BLOCK * sizes[layer + 1]].reshape(BLOCK, sizes[layer + 1])


@compiled
def _activate(
    inputs: Input,
    first: int,
    last: int,
    parameters: Array,
    sizes: NDArray[np.int64],
    n_layers: int,
    activations: Array,
) -> None:
    """Outputs of the first ``n_layers`` layers for rows ``first`` to ``last``, with a ReLU between layers."""
    n = last - first
    rows = whole_groups(n)
    out = _activation(activations, sizes, 0)
    encode(inputs, first, last, _weight(parameters, sizes, 0), _bias(parameters, sizes, 0), out)
    for layer in range(1, n_layers):
        relu(out[:n])
        below, out = out, _activation(activations, sizes, layer)
        copy_rows(_bias(parameters, sizes, layer), out[:rows])
        add_product(out, below[:rows], _weight(parameters, sizes, layer))


@compiled
def forward_rows(
    first: int,
    last: int,
    inputs: Input,
    parameters: Array,
    sizes: NDArray[np.int64],
    outputs: Array,
) -> None:
    """Outputs ``[R, O]`` of the rows ``first`` to ``last``, written."""
    n_layers = len(sizes) - 1
    activations = np.zeros(BLOCK * sizes[1:].sum(), outputs.dtype)
    out = _activation(activations, sizes, n_layers - 1)
    for start in range(first, last, BLOCK):
        end = min(start + BLOCK, last)
        _activate(inputs, start, end, parameters, sizes, n_layers, activations)
        for i in range(end - start):
            copy(out[i, : outputs.shape[1]], outputs[start + i])


@compiled
def backward_rows(
    first: int,
    last: int,
    grad_parameters: Array,
    inputs: Input,
    parameters: Array,
    transposed: Array,
    sizes: NDArray[np.int64],
    grad_outputs: Array,
    grad_dense: Array,
) -> None:
    """Gradients of the rows ``first`` to ``last``.

    :param grad_parameters: like ``parameters``; the gradient is added.
    :param transposed: the weights ``[outputs, inputs]`` of all layers, one after the other; of the first
        only the columns that meet dense features.
    :param grad_outputs: ``[R, O]``.
    :param grad_dense: with respect to the dense features ``[R, D]``, written; ``[0, D]`` if nobody wants it.
    """
    n_layers, kind = len(sizes) - 1, grad_outputs.dtype
    activations = np.zeros(BLOCK * sizes[1:].sum(), kind)
    # Gradients of every layer's outputs lie like the activations.
    grads = np.zeros(BLOCK * sizes[1:].sum(), kind)
    n_dense = inputs.dense.shape[1]
    grad_rows = np.zeros((BLOCK, n_dense), kind)
    for start in range(first, last, BLOCK):
        end = min(start + BLOCK, last)
        n = end - start
        rows = whole_groups(n)
        _activate(inputs, start, end, parameters, sizes, n_layers - 1, activations)
        if n_layers > 1:
            relu(_activation(activations, sizes, n_layers - 2)[:n])
        grad = _activation(grads, sizes, n_layers - 1)
        fill(0.0, grad[:rows])
        for i in range(n):
            copy(grad_outputs[start + i], grad[i])
        at = len(transposed)
        for layer in range(n_layers - 1, 0, -1):
            below = _activation(activations, sizes, layer - 1)
            fill(0.0, below[n:rows])
            add_product(_weight(grad_parameters, sizes, layer), below[:rows].T, grad[:rows])
            add_rows(_bias(grad_parameters, sizes, layer), grad[:n])
            at -= sizes[layer] * sizes[layer + 1]
            weight = transposed[at : at + sizes[layer] * sizes[layer + 1]]
            grad_below = _activation(grads, sizes, layer - 1)
            fill(0.0, grad_below[:rows])
            add_product(grad_below, grad[:rows], weight.reshape(sizes[layer + 1], sizes[layer]))
            relu_gradient(below[:rows], grad_below[:rows])
            grad = grad_below
        add_encoder_gradient(
            inputs, start, end, grad, _weight(grad_parameters, sizes, 0), _bias(grad_parameters, sizes, 0)
        )
        if len(grad_dense):
            fill(0.0, grad_rows)
            add_product(grad_rows, grad[:rows], transposed[:at].reshape(sizes[1], n_dense))
            for i in range(n):
                copy(grad_rows[i], grad_dense[start + i])
