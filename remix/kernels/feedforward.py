"""Linear layers with ReLU in between, a block of rows through all of them.

R rows; layer l has S[l] inputs and S[l + 1] outputs. All sizes but the first are padded with zeros to a whole
number of vectors. Nothing is kept for the gradient: the activations are computed again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.kernels.arithmetic import (
    Input,
    add_encoder_gradient,
    add_rows,
    copy,
    copy_rows,
    encode,
    fill,
    relu,
    relu_gradient,
    whole_groups,
)
from remix.kernels.compiler import Array, compiled
from remix.kernels.products import add_product, multiply, multiply_transposed

# Rows in a block: the activations of all layers stay in the cache beside the weights.
BLOCK = 64

Sizes = NDArray[np.int64]


class Layers(NamedTuple):
    """The parameters of all layers."""

    sizes: Sizes
    """S"""
    first: Array
    """``[S[0], S[1]]``"""
    first_dense: Array
    """``[S[1], D]``, of the first layer what meets dense features, D padded as well"""
    biases: Array
    """of all layers, one after the other"""
    weights: NDArray[Any]
    """of the second layer on, ``[S[l], S[l + 1]]`` each, or bfloat16 pairs ``[S[l] / 2, S[l + 1]]``"""
    transposed: NDArray[Any]
    """the same layers the other way round"""
    per_word: int
    """1, or 2 for pairs"""


@compiled
def _block_of(flat: NDArray[Any], at: int, rows: int, columns: int) -> NDArray[Any]:
    return flat[at : at + rows * columns].reshape(rows, columns)


@compiled
def _weight(layers: Layers, flat: NDArray[Any], layer: int, forward: bool) -> NDArray[Any]:
    """Weight of a layer from the second on; ``flat`` holds these layers in one direction or the other."""
    sizes, at = layers.sizes, 0
    for i in range(1, layer):
        at += sizes[i] * sizes[i + 1] // layers.per_word
    inner, outer = (sizes[layer], sizes[layer + 1]) if forward else (sizes[layer + 1], sizes[layer])
    return _block_of(flat, at, inner // layers.per_word, outer)


@compiled
def _activation(activations: Array, sizes: Sizes, layer: int) -> Array:
    """Outputs of a layer ``[BLOCK, S[layer + 1]]``, which lie one layer after the other."""
    return _block_of(activations, BLOCK * sizes[1 : layer + 1].sum(), BLOCK, sizes[layer + 1])


@compiled
def _activate(
    inputs: Input, first: int, last: int, layers: Layers, n_layers: int, activations: Array, scratch: Array
) -> None:
    """Outputs of the first ``n_layers`` layers for rows ``first`` to ``last``, with a ReLU between layers."""
    n, sizes, bias_at = last - first, layers.sizes, layers.sizes[1]
    rows = whole_groups(n)
    out = _activation(activations, sizes, 0)
    encode(inputs, first, last, layers.first, layers.biases[:bias_at], out)
    for layer in range(1, n_layers):
        relu(out[:n])
        below, out = out, _activation(activations, sizes, layer)
        copy_rows(layers.biases[bias_at : bias_at + sizes[layer + 1]], out[:rows])
        bias_at += sizes[layer + 1]
        multiply(out, below[:rows], _weight(layers, layers.weights, layer, True), scratch)


@compiled
def forward_rows(first: int, last: int, inputs: Input, layers: Layers, outputs: Array) -> None:
    """Outputs ``[R, O]`` of the rows ``first`` to ``last``, written."""
    sizes, n_layers = layers.sizes, len(layers.sizes) - 1
    activations = np.zeros(BLOCK * sizes[1:].sum(), outputs.dtype)
    scratch = np.empty((2, BLOCK, sizes[1:].max()), layers.weights.dtype)
    out = _activation(activations, sizes, n_layers - 1)
    for start in range(first, last, BLOCK):
        end = min(start + BLOCK, last)
        _activate(inputs, start, end, layers, n_layers, activations, scratch)
        for i in range(end - start):
            copy(out[i, : outputs.shape[1]], outputs[start + i])


@compiled
def backward_rows(
    first: int,
    last: int,
    grad_parameters: Array,
    inputs: Input,
    layers: Layers,
    grad_outputs: Array,
    grad_dense: Array,
) -> None:
    """Gradients of the rows ``first`` to ``last``.

    :param grad_parameters: for each layer of the weight ``[S[l], S[l + 1]]``, then of the bias; is added to.
    :param grad_outputs: ``[R, O]``.
    :param grad_dense: with respect to the dense features ``[R, D]``, written; ``[0, D]`` if nobody wants it.
    """
    sizes, n_layers, kind = layers.sizes, len(layers.sizes) - 1, grad_outputs.dtype
    activations = np.zeros(BLOCK * sizes[1:].sum(), kind)
    # Gradients of every layer's outputs lie like the activations.
    grads = np.zeros(BLOCK * sizes[1:].sum(), kind)
    scratch = np.empty((2, BLOCK, sizes[1:].max()), layers.weights.dtype)
    grad_rows = np.zeros((BLOCK, layers.first_dense.shape[1]), kind)
    for start in range(first, last, BLOCK):
        end = min(start + BLOCK, last)
        n = end - start
        rows = whole_groups(n)
        _activate(inputs, start, end, layers, n_layers - 1, activations, scratch)
        if n_layers > 1:
            relu(_activation(activations, sizes, n_layers - 2)[:n])
        grad = _activation(grads, sizes, n_layers - 1)
        fill(0.0, grad[:rows])
        for i in range(n):
            copy(grad_outputs[start + i], grad[i])
        at = len(grad_parameters)
        for layer in range(n_layers - 1, 0, -1):
            below = _activation(activations, sizes, layer - 1)
            # What earlier rows left here meets gradients of 0, but infinity times 0 is none.
            fill(0.0, below[n:rows])
            at -= sizes[layer + 1]
            add_rows(grad_parameters[at : at + sizes[layer + 1]], grad[:n])
            at -= sizes[layer] * sizes[layer + 1]
            grad_weight = _block_of(grad_parameters, at, sizes[layer], sizes[layer + 1])
            multiply_transposed(grad_weight, below[:rows], grad[:rows], scratch)
            grad_below = _activation(grads, sizes, layer - 1)
            fill(0.0, grad_below[:rows])
            multiply(grad_below, grad[:rows], _weight(layers, layers.transposed, layer, False), scratch)
            relu_gradient(below[:rows], grad_below[:rows])
            grad = grad_below
        at -= sizes[1]
        grad_first = _block_of(grad_parameters, 0, sizes[0], sizes[1])
        add_encoder_gradient(inputs, start, end, grad, grad_first, grad_parameters[at : at + sizes[1]])
        if len(grad_dense):
            fill(0.0, grad_rows)
            add_product(grad_rows, grad[:rows], layers.first_dense)
            for i in range(n):
                copy(grad_rows[i, : grad_dense.shape[1]], grad_dense[start + i])
