"""Compiled arithmetic for the CPU that all network kernels share.

The kernels work on *blocks* of rows that are small enough to stay in the cache of one core through all layers
and time steps, so memory is touched only to read the input and to write the result. Whole-batch operations
would stream every intermediate through main memory. Blocks have nothing in common: they may run in parallel,
in any order, with the same result to the last bit.

All arrays of a call are of one type, float32 or float64.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload
from numpy.typing import NDArray

from remix.kernels.compiler import OPTIONS, Array, compiled
from remix.kernels.products import ROWS, add_product

# 2^x on [-1/2, 1/2] as a polynomial, relative error 9.2e-8 (minimax fit).
_1, _2 = np.float32(1.0), np.float32(2.0)
_C1, _C2, _C3 = np.float32(0.69314698), np.float32(0.24022242), np.float32(0.05550734)
_C4, _C5 = np.float32(0.00967151), np.float32(0.00132647)
_LOG2_E = np.float32(math.log2(math.e))
# Adding and subtracting 1.5 * 2^23 rounds to a whole number, which the sum holds in its lowest bits.
_ROUND = np.float32(1.5 * 2**23)
_EXPONENT_BITS, _EXPONENT_ONE = np.int32(23), np.int32(127 << 23)
# The exponents whose bits mean 0 and infinity.
_ZERO, _INFINITE = np.float32(-127.0), np.float32(128.0)


def _exp_single(x: Any) -> Any:
    """Exponential without calls and branches, so that loops become vector code; relative error 1e-7."""
    power = x * _LOG2_E
    # Written so that a NaN passes through.
    power = _INFINITE if power > _INFINITE else power
    power = _ZERO if power < _ZERO else power
    rounded = np.float32(power + _ROUND)
    rest = power - (rounded - _ROUND)
    whole = np.int32((rounded.view(np.int32) << _EXPONENT_BITS) + _EXPONENT_ONE).view(np.float32)
    return whole * (((((_C5 * rest + _C4) * rest + _C3) * rest + _C2) * rest + _C1) * rest + _1)


def _exp_double(x: Any) -> Any:
    return math.exp(x)


def _sigmoid_single(x: Any) -> Any:
    return _1 / (_1 + exp(-x))


def _sigmoid_double(x: Any) -> Any:
    return 1.0 / (1.0 + math.exp(-x))


def _tanh_single(x: Any) -> Any:
    return _2 * sigmoid(_2 * x) - _1


def _tanh_double(x: Any) -> Any:
    return math.tanh(x)


def exp(x: Any) -> Any:
    """The exponential for the type of ``x``, in compiled code only."""


def sigmoid(x: Any) -> Any:
    """The sigmoid for the type of ``x``, in compiled code only; error below 1e-7 in single precision."""


def tanh(x: Any) -> Any:
    """The hyperbolic tangent for the type of ``x``, in compiled code only."""


@overload(exp, jit_options=OPTIONS)
def _choose_exp(x: Any) -> Any:
    return _exp_single if x == types.float32 else _exp_double


@overload(sigmoid, jit_options=OPTIONS)
def _choose_sigmoid(x: Any) -> Any:
    return _sigmoid_single if x == types.float32 else _sigmoid_double


@overload(tanh, jit_options=OPTIONS)
def _choose_tanh(x: Any) -> Any:
    return _tanh_single if x == types.float32 else _tanh_double


@compiled
def copy(numbers: Array, out: Array) -> None:
    """Numbers ``[m]`` to the front of ``out``; a slice assignment compiles to far more code."""
    for j in range(len(numbers)):
        out[j] = numbers[j]


@compiled
def fill(value: float, out: Array) -> None:
    """The same number everywhere in ``out [n, m]``."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = value


@compiled
def copy_rows(row: Array, out: Array) -> None:
    """``row [m]`` into every row of ``out [n, m]``."""
    for i in range(out.shape[0]):
        copy(row, out[i])


@compiled
def add_rows(total: Array, rows: Array) -> None:
    """``total [m]`` plus the sum of ``rows [n, m]``."""
    for i in range(len(rows)):
        for j in range(len(total)):
            total[j] += rows[i, j]


@compiled
def relu(out: Array) -> None:
    """``out [n, m]`` without its negative numbers; NaN stays."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = out.dtype.type(0) if out[i, j] < 0 else out[i, j]


@compiled
def relu_gradient(activation: Array, grad: Array) -> None:
    """``grad [n, m]`` where the activation is positive or NaN, 0 elsewhere."""
    for i in range(grad.shape[0]):
        for j in range(grad.shape[1]):
            grad[i, j] = grad.dtype.type(0) if activation[i, j] <= 0 else grad[i, j]


class Input(NamedTuple):
    """Network input ``[R, I]`` of R rows, see :class:`remix.networks.features.Features`."""

    ones: NDArray[np.int32]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    dense: Array
    dense_at: int


@compiled
def encode(inputs: Input, first: int, last: int, weight: Array, bias: Array, out: Array) -> None:
    """``out [n, H]``: a linear layer of the input rows ``first`` to ``last``; every one costs one addition.

    :param weight: ``[I, H]``.
    :param bias: ``[H]``.
    """
    for i in range(last - first):
        row = out[i]
        copy(bias, row)
        for k in range(inputs.starts[first + i], inputs.ends[first + i]):
            column = weight[inputs.ones[k]]
            for j in range(len(row)):
                row[j] += column[j]
    width = inputs.dense.shape[1]
    if width > 0:
        at = inputs.dense_at
        add_product(out, inputs.dense[first:last], weight[at : at + width])


@compiled
def add_encoder_gradient(
    inputs: Input, first: int, last: int, grad: Array, grad_weight: Array, grad_bias: Array
) -> None:
    """Adds the gradient of :func:`encode` to ``grad_weight [I, H]`` and ``grad_bias [H]``.

    :param grad: ``[n, H]`` with respect to the layer's output.
    """
    n = last - first
    add_rows(grad_bias, grad[:n])
    for i in range(n):
        row = grad[i]
        for k in range(inputs.starts[first + i], inputs.ends[first + i]):
            column = grad_weight[inputs.ones[k]]
            for j in range(len(row)):
                column[j] += row[j]
    width = inputs.dense.shape[1]
    if width > 0:
        at = inputs.dense_at
        add_product(grad_weight[at : at + width], inputs.dense[first:last].T, grad[:n])


@compiled
def whole_groups(n: int) -> int:
    """The smallest number of whole tiles' rows that is not below ``n``; scratch arrays have so many."""
    return -(-n // ROWS) * ROWS
