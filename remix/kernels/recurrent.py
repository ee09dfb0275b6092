"""Linear - ReLU - GRU - linear over packed rows, one block of sequences through all its time steps.

R packed rows, T time steps, I input features; H hidden width; O outputs, padded with zeros to a whole number
of vectors P. Gates lie side by side in the order of ``torch.nn.GRU``: reset r, update z, candidate c, each H
wide::

    x = relu(W_e features + b_e)
    r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh)
    c = tanh(W_ih x + b_ih + r q)        q = W_hh h + b_hh
    h' = c + z (h - c)
    outputs = W_o h' + b_o

For the gradient the hidden states are kept, and the gates where that takes little memory. Otherwise the gates
are computed again from the states, which takes no more time than bringing many of them back from memory.
"""

from __future__ import annotations

from typing import NamedTuple

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
    sigmoid,
    tanh,
    whole_groups,
)
from remix.kernels.compiler import Array, compiled
from remix.kernels.products import add_product

# Sequences in a block: enough rows to reuse each loaded weight, few enough to leave room in the cache.
BLOCK = 64


class Parameters(NamedTuple):
    """Weights with the inputs of a layer along the first axis, or gradients of the same shapes."""

    encoder: Array
    """``[I, H]``"""
    encoder_bias: Array
    input: Array
    """``[H, 3H]``"""
    input_bias: Array
    hidden: Array
    """``[H, 3H]``"""
    hidden_bias: Array
    head: Array
    """``[H, P]``"""
    head_bias: Array


class Transposed(NamedTuple):
    """The weights the other way round, for the way back."""

    input: Array
    """``[3H, H]``"""
    hidden: Array
    """``[3H, H]``"""
    head: Array
    """``[P, H]``"""


@compiled
def combine(sums: Array, recurrent: Array, n: int) -> None:
    """Gates of n sequences from the two halves of their arguments.

    :param sums: ``[n, 3H]`` W_ih x + b_ih; becomes r, z, c.
    :param recurrent: ``[n, 3H]`` W_hh h + b_hh.
    """
    size = sums.shape[1] // 3
    for i in range(n):
        act, product = sums[i], recurrent[i]
        for j in range(2 * size):
            act[j] = sigmoid(act[j] + product[j])
        r, c, q = act[:size], act[2 * size :], product[2 * size :]
        for j in range(size):
            c[j] = tanh(c[j] + r[j] * q[j])


@compiled
def _compute(
    inputs: Input,
    first: int,
    n: int,
    weights: Parameters,
    state: Array,
    encoded: Array,
    sums: Array,
    recurrent: Array,
) -> None:
    """One time step up to the gates, for the n input rows from ``first`` on and their states h.

    :param state: ``[.., H]`` h.
    :param encoded: ``[.., H]`` x, written.
    :param sums: ``[.., 3H]`` r, z, c, written.
    :param recurrent: ``[.., 3H]``, written; the last third is q.
    """
    rows = whole_groups(n)
    encode(inputs, first, first + n, weights.encoder, weights.encoder_bias, encoded)
    relu(encoded[:n])
    copy_rows(weights.input_bias, sums[:rows])
    copy_rows(weights.hidden_bias, recurrent[:rows])
    add_product(sums, encoded[:rows], weights.input)
    add_product(recurrent, state[:rows], weights.hidden)
    combine(sums, recurrent, n)


@compiled
def _restore(
    inputs: Input,
    first: int,
    n: int,
    weights: Parameters,
    gates: Array,
    encoded: Array,
    sums: Array,
    recurrent: Array,
) -> None:
    """What :func:`_compute` writes, of ``gates`` that were kept; of ``recurrent`` q alone."""
    size = weights.hidden.shape[1] // 3
    encode(inputs, first, first + n, weights.encoder, weights.encoder_bias, encoded)
    relu(encoded[:n])
    for i in range(n):
        kept = gates[first + i]
        copy(kept[: 3 * size], sums[i])
        copy(kept[3 * size :], recurrent[i, 2 * size :])


@compiled
def advance(gates: Array, state: Array, n: int) -> None:
    """The next states ``[n, H]`` from the gates r, z, c ``[n, 3H]``."""
    size = state.shape[1]
    for i in range(n):
        h, z, c = state[i], gates[i, size : 2 * size], gates[i, 2 * size :]
        for j in range(size):
            h[j] = c[j] + z[j] * (h[j] - c[j])


@compiled
def forward_block(
    block: int,
    batch_sizes: NDArray[np.int64],
    inputs: Input,
    weights: Parameters,
    initial: Array,
    hidden: Array,
    gates: Array,
    outputs: Array,
) -> None:
    """One block of sequences, from the first time step to the last.

    :param block: number of the block; it has the sequences from ``block * BLOCK`` on.
    :param batch_sizes: ``[T]`` sequences at each time step, non-increasing.
    :param initial: h before the first time step, ``[batch_sizes[0], H]``; ``[0, H]`` for zeros.
    :param hidden: h' for :func:`backward_block` ``[R, H]``, written; ``[0, H]`` to keep none.
    :param gates: r, z, c and q for it ``[R, 4H]``, written; ``[0, 4H]`` to keep none.
    :param outputs: ``[R, O]``, written.
    """
    first, size, kind = block * BLOCK, weights.hidden.shape[1] // 3, outputs.dtype
    width = min(BLOCK, batch_sizes[0] - first)
    rows = whole_groups(width)
    state = np.zeros((rows, size), kind)
    encoded = np.zeros((rows, size), kind)
    sums = np.empty((rows, 3 * size), kind)
    recurrent = np.empty((rows, 3 * size), kind)
    out = np.empty((rows, weights.head.shape[1]), kind)
    if len(initial):
        for i in range(width):
            copy(initial[first + i], state[i])
    start = first
    for running in batch_sizes:
        n = min(width, running - first)
        if n <= 0:
            break
        rows = whole_groups(n)
        _compute(inputs, start, n, weights, state, encoded, sums, recurrent)
        if len(gates):
            for i in range(n):
                copy(sums[i], gates[start + i])
                copy(recurrent[i, 2 * size :], gates[start + i, 3 * size :])
        advance(sums, state, n)
        copy_rows(weights.head_bias, out[:rows])
        add_product(out, state[:rows], weights.head)
        for i in range(n):
            if len(hidden):
                copy(state[i], hidden[start + i])
            copy(out[i, : outputs.shape[1]], outputs[start + i])
        start += running


@compiled
def _differentiate(
    gates: Array,
    recurrent: Array,
    before: Array,
    grad: Array,
    grad_sums: Array,
    grad_recurrent: Array,
    n: int,
) -> None:
    """Gradient of one time step of n sequences, from h' to the gates' arguments.

    :param gates: ``[n, 3H]`` r, z, c.
    :param recurrent: ``[n, 3H]``, of which the last third is q.
    :param before: ``[n, H]`` h.
    :param grad: ``[n, H]`` with respect to h'; becomes the part that reaches h without passing the weights.
    :param grad_sums: ``[n, 3H]`` with respect to W_ih x + b_ih, written.
    :param grad_recurrent: ``[n, 3H]`` with respect to W_hh h + b_hh, written.
    """
    size = before.shape[1]
    one = gates.dtype.type(1)
    for i in range(n):
        act, q, h, d = gates[i], recurrent[i, 2 * size :], before[i], grad[i]
        r, z, c = act[:size], act[size : 2 * size], act[2 * size :]
        d_r, d_z, d_c = grad_sums[i, :size], grad_sums[i, size : 2 * size], grad_sums[i, 2 * size :]
        for j in range(size):
            candidate = d[j] * (one - z[j])
            d_z[j] = candidate * z[j] * (h[j] - c[j])
            candidate *= one - c[j] * c[j]
            d_c[j] = candidate
            d_r[j] = candidate * q[j] * r[j] * (one - r[j])
            d[j] *= z[j]
        copy(grad_sums[i], grad_recurrent[i])
        d_q = grad_recurrent[i, 2 * size :]
        for j in range(size):
            d_q[j] *= r[j]


@compiled
def backward_block(
    block: int,
    batch_sizes: NDArray[np.int64],
    inputs: Input,
    weights: Parameters,
    transposed: Transposed,
    hidden: Array,
    gates: Array,
    grad_outputs: Array,
    grads: Parameters,
) -> None:
    """Gradients of one block of sequences, from the last time step to the first.

    :param hidden: ``[R, H]`` as :func:`forward_block` wrote it.
    :param gates: ``[R, 4H]`` likewise, or ``[0, 4H]``.
    :param grad_outputs: ``[R, O]``.
    :param grads: zeros, with an axis for the blocks in front of the others. The block adds its part to its
        own entry; their sum is the gradient.
    """
    first, size, kind = block * BLOCK, hidden.shape[1], hidden.dtype
    width = min(BLOCK, batch_sizes[0] - first)
    rows = whole_groups(width)
    # From the last time step on n only grows: rows that are not in use yet are zero and add nothing.
    before = np.zeros((rows, size), kind)
    after = np.zeros((rows, size), kind)
    encoded = np.zeros((rows, size), kind)
    grad = np.zeros((rows, size), kind)
    grad_encoded = np.zeros((rows, size), kind)
    sums = np.empty((rows, 3 * size), kind)
    recurrent = np.empty((rows, 3 * size), kind)
    grad_sums = np.zeros((rows, 3 * size), kind)
    grad_recurrent = np.zeros((rows, 3 * size), kind)
    grad_out = np.zeros((rows, weights.head.shape[1]), kind)
    start = len(hidden) + first
    for t in range(len(batch_sizes) - 1, -1, -1):
        start -= batch_sizes[t]
        n = min(width, batch_sizes[t] - first)
        if n <= 0:
            continue
        rows = whole_groups(n)
        end = start + n
        for i in range(n):
            if t > 0:
                copy(hidden[start - batch_sizes[t - 1] + i], before[i])
            copy(hidden[start + i], after[i])
            copy(grad_outputs[start + i], grad_out[i])
        if t == 0:
            fill(0.0, before)
        if len(gates):
            _restore(inputs, start, n, weights, gates, encoded, sums, recurrent)
        else:
            _compute(inputs, start, n, weights, before, encoded, sums, recurrent)

        add_product(grad, grad_out[:rows], transposed.head)
        add_product(grads.head[block], after[:rows].T, grad_out[:rows])
        _differentiate(sums, recurrent, before, grad, grad_sums, grad_recurrent, n)
        add_product(grad, grad_recurrent[:rows], transposed.hidden)
        add_product(grads.hidden[block], before[:rows].T, grad_recurrent[:rows])
        fill(0.0, grad_encoded[:rows])
        add_product(grad_encoded, grad_sums[:rows], transposed.input)
        add_product(grads.input[block], encoded[:rows].T, grad_sums[:rows])
        relu_gradient(encoded[:n], grad_encoded[:n])
        add_rows(grads.input_bias[block], grad_sums[:n])
        add_rows(grads.hidden_bias[block], grad_recurrent[:n])
        add_rows(grads.head_bias[block], grad_out[:n])
        add_encoder_gradient(
            inputs, start, end, grad_encoded, grads.encoder[block], grads.encoder_bias[block]
        )
