"""The mixing layer of QMIX for given weights, one row after the other.

K rows, N agents, m hidden units, all of one type::

    z = b + sum_a q_a |W_a|        W [N, m]
    Q_tot = sum_j elu(z_j) |w_j| + v
    dQ_tot / dq_a = sum_j |W_aj| elu'(z_j) |w_j|

Only what goes in is kept for the gradient.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from remix.kernels.arithmetic import exp
from remix.kernels.compiler import OPTIONS, Array, compile_with

# Sums may be made in any order, so that they become vector code. It is always the same order on one machine,
# since no loop that adds up writes to an array too: such a loop would be vector code only where the arrays do
# not lie near each other in memory, and so its order would be a matter of chance.
_compiled = compile_with(OPTIONS | {"fastmath": {"contract", "reassoc", "nsz"}})


class Mixing(NamedTuple):
    """What is mixed and with what, or gradients of the same shapes."""

    utilities: Array
    """q ``[K, N]``"""
    first: Array
    """W ``[K, N * m]``, of any sign"""
    bias: Array
    """b ``[K, m]``"""
    second: Array
    """w ``[K, m]``, of any sign"""
    state_value: Array
    """v ``[K, 1]``"""


@_compiled
def _hidden(mixing: Mixing, k: int, z: Array, slope: Array) -> None:
    """z and elu'(z) ``[m]`` of row k."""
    size = len(z)
    for j in range(size):
        z[j] = mixing.bias[k, j]
    for a in range(mixing.utilities.shape[1]):
        q, weight = mixing.utilities[k, a], mixing.first[k, a * size : (a + 1) * size]
        for j in range(size):
            z[j] += q * abs(weight[j])
    zero = z.dtype.type(0)
    for j in range(size):
        # Written so that a NaN passes through; exp(0) is 1 exactly.
        slope[j] = exp(zero if z[j] > zero else z[j])


@_compiled
def _weighted_sum(weights: Array, numbers: Array) -> np.floating[Any]:
    """``sum_j |weights_j| numbers_j``."""
    total = numbers.dtype.type(0)
    for j in range(len(numbers)):
        total += abs(weights[j]) * numbers[j]
    return total


@_compiled
def forward_rows(first: int, last: int, mixing: Mixing, value: Array, slopes: Array) -> None:
    """``Q_tot [K]`` and its slopes ``[K, N]`` of the rows ``first`` to ``last``, written."""
    size = mixing.bias.shape[1]
    z, slope = np.empty(size, value.dtype), np.empty(size, value.dtype)
    one = value.dtype.type(1)
    for k in range(first, last):
        _hidden(mixing, k, z, slope)
        second, total = mixing.second[k], mixing.state_value[k, 0]
        for j in range(size):
            total += (z[j] if z[j] > 0 else slope[j] - one) * abs(second[j])
        value[k] = total
        for j in range(size):
            slope[j] *= abs(second[j])
        for a in range(slopes.shape[1]):
            slopes[k, a] = _weighted_sum(mixing.first[k, a * size : (a + 1) * size], slope)


@_compiled
def _signed(number: float, sign: float) -> float:
    """The derivative of ``number * |sign|`` by ``sign``, which to PyTorch is 0 for NaN."""
    return number if sign > 0 else (-number if sign < 0 else number * 0)


@_compiled
def backward_rows(first: int, last: int, mixing: Mixing, grad_value: Array, grads: Mixing) -> None:
    """Gradients of the rows ``first`` to ``last``, written."""
    size = mixing.bias.shape[1]
    z, slope = np.empty(size, grad_value.dtype), np.empty(size, grad_value.dtype)
    one = grad_value.dtype.type(1)
    for k in range(first, last):
        _hidden(mixing, k, z, slope)
        grad, second = grad_value[k], mixing.second[k]
        grads.state_value[k, 0] = grad
        for j in range(size):
            activation = z[j] if z[j] > 0 else slope[j] - one
            grads.second[k, j] = _signed(grad * activation, second[j])
            slope[j] *= grad * abs(second[j])
            grads.bias[k, j] = slope[j]
        for a in range(mixing.utilities.shape[1]):
            at = a * size
            weight, grad_weight = mixing.first[k, at : at + size], grads.first[k, at : at + size]
            grads.utilities[k, a] = _weighted_sum(weight, slope)
            q = mixing.utilities[k, a]
            for j in range(size):
                grad_weight[j] = _signed(q * slope[j], weight[j])
