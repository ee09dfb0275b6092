"""Compiled GRU recurrence over packed rows, for the CPU.

Whole-batch products stream every gate of every time step through main memory. Here a *block* of
:data:`BLOCK` neighbouring sequences goes through all its time steps at once, and all that a step works on,
weights included, stays in the cache of one core: memory is touched only to read the input rows and to write
the hidden states (in training the gates, too). Blocks have nothing in common, so each call handles one block
and calls may run in parallel, in any order, with the same result to the last bit.

R packed rows, T time steps; input width I, hidden width H. Gates lie side by side in the order of
``torch.nn.GRU``: reset r, update z, candidate c, each H wide::

    r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh)
    c = tanh(W_ih x + b_ih + r q)        q = W_hh h + b_hh
    h' = c + z (h - c)

All arrays of a call are C-contiguous and of one type, float32 or float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

# Sequences in a block: enough rows to reuse each loaded weight, few enough to leave room in the cache.
BLOCK = 32

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Fused multiply-adds double the speed of the products. The other liberties of fast mathematics would lose
# NaNs and cancel the rounding in the exponential function.
_OPTIONS: Any = {"nogil": True, "fastmath": {"contract"}, "error_model": "numpy"}


def _compiled(function: _Function) -> _Function:
    return cast(_Function, njit(cache=True, **_OPTIONS)(function))


# 2^x on [-1/2, 1/2] as a polynomial, relative error 9.2e-8 (minimax fit).
_1, _2 = np.float32(1.0), np.float32(2.0)
_C1, _C2, _C3 = np.float32(0.69314698), np.float32(0.24022242), np.float32(0.05550734)
_C4, _C5 = np.float32(0.00967151), np.float32(0.00132647)
_LOG2_E = np.float32(math.log2(math.e))
# Adding and subtracting 1.5 * 2^23 rounds to a whole number, which the sum holds in its lowest bits.
_ROUND = np.float32(1.5 * 2**23)
_EXPONENT_BITS, _EXPONENT_ONE = np.int32(23), np.int32(127 << 23)
_LARGEST_EXPONENT = np.float32(126.0)


def _sigmoid_single(x: Any) -> Any:
    """Sigmoid without calls and branches, so that loops over it become vector code; error below 1e-7."""
    power = -x * _LOG2_E
    # Written so that a NaN passes through.
    power = _LARGEST_EXPONENT if power > _LARGEST_EXPONENT else power
    power = -_LARGEST_EXPONENT if power < -_LARGEST_EXPONENT else power
    rounded = np.float32(power + _ROUND)
    rest = power - (rounded - _ROUND)
    whole = np.int32((rounded.view(np.int32) << _EXPONENT_BITS) + _EXPONENT_ONE).view(np.float32)
    fraction = ((((_C5 * rest + _C4) * rest + _C3) * rest + _C2) * rest + _C1) * rest + _1
    return _1 / (_1 + whole * fraction)


def _sigmoid_double(x: Any) -> Any:
    return 1.0 / (1.0 + math.exp(-x))


def _tanh_single(x: Any) -> Any:
    return _2 * _sigmoid(_2 * x) - _1


def _tanh_double(x: Any) -> Any:
    return math.tanh(x)


def _sigmoid(x: Any) -> Any:
    """The sigmoid for the type of ``x``, in compiled code only."""


def _tanh(x: Any) -> Any:
    """The hyperbolic tangent for the type of ``x``, in compiled code only."""


@overload(_sigmoid, jit_options=_OPTIONS)
def _choose_sigmoid(x: Any) -> Any:
    return _sigmoid_single if x == types.float32 else _sigmoid_double


@overload(_tanh, jit_options=_OPTIONS)
def _choose_tanh(x: Any) -> Any:
    return _tanh_single if x == types.float32 else _tanh_double


@_compiled
def _add_product(out: Array, a: Array, b: Array) -> None:
    """``out [n, m] += a [n, k] @ b [k, m]``.

    Eight rows of ``a`` meet four of ``b`` at a time: each loaded number of ``b`` is used eight times, each
    loaded number of ``out`` four times, and the factors from ``a`` stay in registers.
    """
    n, inner, m = a.shape[0], a.shape[1], out.shape[1]
    for i in range(0, n - n % 8, 8):
        for k in range(0, inner - inner % 4, 4):
            a00, a01, a02, a03 = a[i, k], a[i, k + 1], a[i, k + 2], a[i, k + 3]
            a10, a11, a12, a13 = a[i + 1, k], a[i + 1, k + 1], a[i + 1, k + 2], a[i + 1, k + 3]
            a20, a21, a22, a23 = a[i + 2, k], a[i + 2, k + 1], a[i + 2, k + 2], a[i + 2, k + 3]
            a30, a31, a32, a33 = a[i + 3, k], a[i + 3, k + 1], a[i + 3, k + 2], a[i + 3, k + 3]
            a40, a41, a42, a43 = a[i + 4, k], a[i + 4, k + 1], a[i + 4, k + 2], a[i + 4, k + 3]
            a50, a51, a52, a53 = a[i + 5, k], a[i + 5, k + 1], a[i + 5, k + 2], a[i + 5, k + 3]
            a60, a61, a62, a63 = a[i + 6, k], a[i + 6, k + 1], a[i + 6, k + 2], a[i + 6, k + 3]
            a70, a71, a72, a73 = a[i + 7, k], a[i + 7, k + 1], a[i + 7, k + 2], a[i + 7, k + 3]
            for j in range(m):
                b0, b1, b2, b3 = b[k, j], b[k + 1, j], b[k + 2, j], b[k + 3, j]
                out[i, j] = out[i, j] + a00 * b0 + a01 * b1 + a02 * b2 + a03 * b3
                out[i + 1, j] = out[i + 1, j] + a10 * b0 + a11 * b1 + a12 * b2 + a13 * b3
                out[i + 2, j] = out[i + 2, j] + a20 * b0 + a21 * b1 + a22 * b2 + a23 * b3
                out[i + 3, j] = out[i + 3, j] + a30 * b0 + a31 * b1 + a32 * b2 + a33 * b3
                out[i + 4, j] = out[i + 4, j] + a40 * b0 + a41 * b1 + a42 * b2 + a43 * b3
                out[i + 5, j] = out[i + 5, j] + a50 * b0 + a51 * b1 + a52 * b2 + a53 * b3
                out[i + 6, j] = out[i + 6, j] + a60 * b0 + a61 * b1 + a62 * b2 + a63 * b3
                out[i + 7, j] = out[i + 7, j] + a70 * b0 + a71 * b1 + a72 * b2 + a73 * b3
    # What is left over: the last columns of whole groups of rows, and the last rows.
    for i in range(n):
        done = inner - inner % 4 if i < n - n % 8 else 0
        for k in range(done, inner):
            factor = a[i, k]
            for j in range(m):
                out[i, j] += factor * b[k, j]


@_compiled
def _copy(numbers: Array, out: Array) -> None:
    """Numbers ``[m]`` to the front of ``out``; a slice assignment compiles to far more code."""
    for j in range(len(numbers)):
        out[j] = numbers[j]


@_compiled
def _activate(sums: Array, recurrent: Array, state: Array) -> None:
    """One time step of n sequences from the two halves of the gates' arguments.

    :param sums: ``[n, 3H]`` W_ih x + b_ih; becomes r, z, c.
    :param recurrent: ``[n, 3H]`` W_hh h + b_hh.
    :param state: ``[n, H]`` h; becomes h'.
    """
    size = state.shape[1]
    for i in range(len(state)):
        act, product, h = sums[i], recurrent[i], state[i]
        for j in range(2 * size):
            act[j] = _sigmoid(act[j] + product[j])
        r, z, c, q = act[:size], act[size : 2 * size], act[2 * size :], product[2 * size :]
        for j in range(size):
            c[j] = _tanh(c[j] + r[j] * q[j])
            h[j] = c[j] + z[j] * (h[j] - c[j])


@_compiled
def forward_block(
    block: int,
    batch_sizes: NDArray[np.int64],
    rows: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array,
    bias_hh: Array,
    hidden: Array,
    gates: Array,
) -> None:
    """Hidden states of one block of sequences, from the first time step to the last.

    :param block: number of the block; it has the sequences from ``block * BLOCK`` on.
    :param batch_sizes: ``[T]`` sequences at each time step, non-increasing.
    :param rows: ``[R, I]`` input.
    :param weight_ih: ``[I, 3H]``, transposed like ``weight_hh [H, 3H]``; the biases are ``[3H]``.
    :param hidden: ``[R, H]``, written.
    :param gates: r, z, c, q for :func:`backward_block` ``[R, 4H]``, written; ``[0, 4H]`` to keep none.
    """
    first, size = block * BLOCK, hidden.shape[1]
    width = min(BLOCK, batch_sizes[0] - first)
    state = np.zeros((width, size), hidden.dtype)
    sums = np.empty((width, 3 * size), hidden.dtype)
    recurrent = np.empty((width, 3 * size), hidden.dtype)
    start = first
    for running in batch_sizes:
        n = min(width, running - first)
        if n <= 0:
            break
        end = start + n
        for i in range(n):
            _copy(bias_ih, sums[i])
            _copy(bias_hh, recurrent[i])
        _add_product(sums, rows[start:end], weight_ih)
        _add_product(recurrent, state[:n], weight_hh)
        _activate(sums, recurrent, state[:n])
        for i in range(n):
            _copy(state[i], hidden[start + i])
            if len(gates):
                _copy(sums[i], gates[start + i])
                _copy(recurrent[i, 2 * size :], gates[start + i, 3 * size :])
        start += running


@_compiled
def _differentiate(
    gates: Array, before: Array, grad_hidden: Array, grad: Array, grad_sums: Array, grad_recurrent: Array
) -> None:
    """Gradient of one time step of n sequences, from h' to the gates' arguments.

    :param gates: ``[n, 4H]`` r, z, c, q.
    :param before: ``[n, H]`` h.
    :param grad_hidden: ``[n, H]`` with respect to h' as an output.
    :param grad: ``[n, H]`` with respect to h' as the next step's state; becomes the part that reaches h
        without passing the weights.
    :param grad_sums: ``[n, 3H]`` with respect to W_ih x + b_ih, written.
    :param grad_recurrent: ``[n, 3H]`` with respect to W_hh h + b_hh, written.
    """
    size = before.shape[1]
    one = gates.dtype.type(1)
    for i in range(len(before)):
        act, h, d_out, d = gates[i], before[i], grad_hidden[i], grad[i]
        r, z, c, q = act[:size], act[size : 2 * size], act[2 * size : 3 * size], act[3 * size :]
        d_r, d_z, d_c = grad_sums[i, :size], grad_sums[i, size : 2 * size], grad_sums[i, 2 * size :]
        for j in range(size):
            total = d_out[j] + d[j]
            candidate = total * (one - z[j])
            d_z[j] = candidate * z[j] * (h[j] - c[j])
            candidate *= one - c[j] * c[j]
            d_c[j] = candidate
            d_r[j] = candidate * q[j] * r[j] * (one - r[j])
            d[j] = total * z[j]
        _copy(grad_sums[i], grad_recurrent[i])
        d_q = grad_recurrent[i, 2 * size :]
        for j in range(size):
            d_q[j] *= r[j]


@_compiled
def _add_rows(total: Array, rows: Array) -> None:
    """``total [m]`` plus the sum of ``rows [n, m]``."""
    for i in range(len(rows)):
        for j in range(len(total)):
            total[j] += rows[i, j]


@_compiled
def backward_block(
    block: int,
    batch_sizes: NDArray[np.int64],
    rows: Array,
    hidden: Array,
    gates: Array,
    grad_hidden: Array,
    weight_ih: Array,
    weight_hh: Array,
    grad_rows: Array,
    grad_weight_ih: Array,
    grad_weight_hh: Array,
    grad_bias_ih: Array,
    grad_bias_hh: Array,
) -> None:
    """Gradients of one block of sequences, from the last time step to the first.

    :param hidden: ``[R, H]`` as :func:`forward_block` wrote it, like ``gates [R, 4H]``.
    :param grad_hidden: ``[R, H]``.
    :param weight_ih: ``[3H, I]``, like ``weight_hh [3H, H]``.
    :param grad_rows: ``[R, I]``, zeros; the gradient is added.
    :param grad_weight_ih: ``[blocks, I, 3H]``, zeros, like ``grad_weight_hh [blocks, H, 3H]`` and the
        biases' ``[blocks, 3H]``. The block adds its part to its own entry; their sum is the gradient.
    """
    first, size = block * BLOCK, hidden.shape[1]
    width = min(BLOCK, batch_sizes[0] - first)
    nothing = np.zeros((width, size), hidden.dtype)
    grad = np.zeros((width, size), hidden.dtype)
    grad_sums = np.empty((width, 3 * size), hidden.dtype)
    grad_recurrent = np.empty((width, 3 * size), hidden.dtype)
    start = len(rows) + first
    for t in range(len(batch_sizes) - 1, -1, -1):
        start -= batch_sizes[t]
        n = min(width, batch_sizes[t] - first)
        if n <= 0:
            continue
        end = start + n
        before = nothing[:n]
        if t > 0:
            before = hidden[start - batch_sizes[t - 1] : end - batch_sizes[t - 1]]
        _differentiate(gates[start:end], before, grad_hidden[start:end], grad, grad_sums, grad_recurrent)
        _add_product(grad, grad_recurrent[:n], weight_hh)
        _add_product(grad_rows[start:end], grad_sums[:n], weight_ih)
        _add_product(grad_weight_ih[block], rows[start:end].T, grad_sums)
        _add_product(grad_weight_hh[block], before.T, grad_recurrent)
        _add_rows(grad_bias_ih[block], grad_sums[:n])
        _add_rows(grad_bias_hh[block], grad_recurrent[:n])
