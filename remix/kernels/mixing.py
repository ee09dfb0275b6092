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
    weights: Array
    """of every row W ``[N * m]`` and b ``[m]``, then w ``[m]`` and v, ``[K, (N + 2) * m + 1]``; W and w of
    any sign"""


@_compiled
def _hidden(utilities: Array, weights: Array, z: Array, slope: Array) -> None:
    """z and elu'(z) ``[m]`` of one row."""
    size, n_agents = len(z), len(utilities)
    bias = weights[n_agents * size : (n_agents + 1) * size]
    for j in range(size):
        z[j] = bias[j]
    for a in range(n_agents):
        q, weight = utilities[a], weights[a * size : (a + 1) * size]
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
    n_agents = mixing.utilities.shape[1]
    size = mixing.weights.shape[1] // (n_agents + 2)
    z, slope = np.empty(size, value.dtype), np.empty(size, value.dtype)
    one = value.dtype.type(1)
    for k in range(first, last):
        weights = mixing.weights[k]
        _hidden(mixing.utilities[k], weights, z, slope)
        second, total = weights[(n_agents + 1) * size : (n_agents + 2) * size], weights[-1]
        for j in range(size):
            total += (z[j] if z[j] > 0 else slope[j] - one) * abs(second[j])
        value[k] = total
        for j in range(size):
            slope[j] *= abs(second[j])
        for a in range(n_agents):
            slopes[k, a] = _weighted_sum(weights[a * size : (a + 1) * size], slope)


@_compiled
def _signed(number: float, sign: float) -> float:
    """The derivative of ``number * |sign|`` by ``sign``, which to PyTorch is 0 for NaN."""
    return number if sign > 0 else (-number if sign < 0 else number * 0)


@_compiled
def backward_rows(first: int, last: int, mixing: Mixing, grad_value: Array, grads: Mixing) -> None:
    """Gradients of the rows ``first`` to ``last``, written."""
    n_agents = mixing.utilities.shape[1]
    size = mixing.weights.shape[1] // (n_agents + 2)
    z, slope = np.empty(size, grad_value.dtype), np.empty(size, grad_value.dtype)
    one, at = grad_value.dtype.type(1), n_agents * size
    for k in range(first, last):
        weights, grad_weights, grad = mixing.weights[k], grads.weights[k], grad_value[k]
        _hidden(mixing.utilities[k], weights, z, slope)
        second, grad_second = weights[at + size : at + 2 * size], grad_weights[at + size : at + 2 * size]
        grad_bias = grad_weights[at : at + size]
        for j in range(size):
            activation = z[j] if z[j] > 0 else slope[j] - one
            grad_second[j] = _signed(grad * activation, second[j])
            slope[j] *= grad * abs(second[j])
            grad_bias[j] = slope[j]
        grad_weights[at + 2 * size] = grad
        for a in range(n_agents):
            weight, grad_weight = weights[a * size : (a + 1) * size], grad_weights[a * size : (a + 1) * size]
            grads.utilities[k, a] = _weighted_sum(weight, slope)
            q = mixing.utilities[k, a]
            for j in range(size):
                grad_weight[j] = _signed(q * slope[j], weight[j])
