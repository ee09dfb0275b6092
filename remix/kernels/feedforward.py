"""Networks of linear layers with ReLU in between that read the same rows, a block of rows through all.

R rows; a layer has I inputs and J outputs. All J are padded with zeros to a whole number of vectors. Nothing
is kept for the gradient: the activations are computed again.
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
    whole_groups,
)
from remix.kernels.compiler import Array, compiled
from remix.kernels.products import add_product

# Rows in a block: the activations of all layers stay in the cache beside the weights.
BLOCK = 64

Numbers = NDArray[np.int64]


class Plan(NamedTuple):
    """Where the layers of all networks lie, network after network; L layers in all."""

    networks: Numbers
    """number of each network's first layer, and L"""
    n_inputs: Numbers
    """I ``[L]``; above a network's first layer it is the J of the layer below"""
    n_outputs: Numbers
    """J ``[L]``"""
    parameters: Numbers
    """``[L + 1]``, where the layer's weight ``[I, J]`` begins, which its bias ``[J]`` follows"""
    transposed: Numbers
    """``[L + 1]``, where the transposed weight ``[J, I]`` begins; of a network's first layer it is
    ``[J, D]``, of what meets the D dense features, which are padded as well"""
    activations: Numbers
    """``[L + 1]``, where the layer's outputs begin, times :data:`BLOCK`"""
    columns: Numbers
    """where each network's outputs begin in a row of all of them, and their number"""


class Networks(NamedTuple):
    """Several networks: what their layers are and their parameters."""

    plan: Plan
    parameters: Array
    transposed: Array


@compiled
def _matrix(flat: Array, at: int, rows: int, columns: int) -> Array:
    return flat[at : at + rows * columns].reshape(rows, columns)


@compiled
def _weight(plan: Plan, parameters: Array, layer: int) -> Array:
    """``[I, J]``."""
    return _matrix(parameters, plan.parameters[layer], plan.n_inputs[layer], plan.n_outputs[layer])


@compiled
def _bias(plan: Plan, parameters: Array, layer: int) -> Array:
    """``[J]``."""
    end = plan.parameters[layer + 1]
    return parameters[end - plan.n_outputs[layer] : end]


@compiled
def _outputs(plan: Plan, activations: Array, layer: int) -> Array:
    """Outputs of a layer ``[BLOCK, J]``, or their gradient."""
    return _matrix(activations, BLOCK * plan.activations[layer], BLOCK, plan.n_outputs[layer])


@compiled
def _activate(
    inputs: Input, start: int, n: int, networks: Networks, first: int, end: int, activations: Array
) -> None:
    """Outputs of the layers ``first`` to ``end`` of one network for n rows, with a ReLU between layers."""
    plan, parameters, rows = networks.plan, networks.parameters, whole_groups(n)
    out = _outputs(plan, activations, first)
    weight, bias = _weight(plan, parameters, first), _bias(plan, parameters, first)
    encode(inputs, start, start + n, weight, bias, out)
    for layer in range(first + 1, end):
        relu(out[:n])
        below, out = out, _outputs(plan, activations, layer)
        copy_rows(_bias(plan, parameters, layer), out[:rows])
        add_product(out, below[:rows], _weight(plan, parameters, layer))


@compiled
def forward_rows(first: int, last: int, inputs: Input, networks: Networks, outputs: Array) -> None:
    """Outputs of all networks side by side ``[R, O]`` for the rows ``first`` to ``last``, written."""
    plan = networks.plan
    activations = np.empty(BLOCK * plan.activations[-1], outputs.dtype)
    for start in range(first, last, BLOCK):
        n = min(BLOCK, last - start)
        for network in range(len(plan.networks) - 1):
            bottom, end = plan.networks[network], plan.networks[network + 1]
            _activate(inputs, start, n, networks, bottom, end, activations)
            out = _outputs(plan, activations, end - 1)
            left, right = plan.columns[network], plan.columns[network + 1]
            for i in range(n):
                copy(out[i, : right - left], outputs[start + i, left:right])


@compiled
def _add_gradients(
    inputs: Input,
    start: int,
    n: int,
    networks: Networks,
    first: int,
    end: int,
    activations: Array,
    grads: Array,
    grad_parameters: Array,
) -> None:
    """Adds the gradients of one network's parameters, from that of its outputs, for n rows.

    :param activations: of the layers ``first`` to ``end - 1``, of which the last is without ReLU.
    :param grads: where the activations are, those of the outputs; the others are written.
    """
    plan, rows = networks.plan, whole_groups(n)
    grad = _outputs(plan, grads, end - 1)
    if end - first > 1:
        relu(_outputs(plan, activations, end - 2)[:n])
    for layer in range(end - 1, first, -1):
        below, grad_below = _outputs(plan, activations, layer - 1), _outputs(plan, grads, layer - 1)
        # What is left here meets gradients of 0, but infinity times 0 is none.
        fill(0.0, below[n:rows])
        add_rows(_bias(plan, grad_parameters, layer), grad[:n])
        add_product(_weight(plan, grad_parameters, layer), below[:rows].T, grad[:rows])
        fill(0.0, grad_below[:rows])
        at, n_inputs = plan.transposed[layer], plan.n_inputs[layer]
        transposed = _matrix(networks.transposed, at, plan.n_outputs[layer], n_inputs)
        add_product(grad_below, grad[:rows], transposed)
        relu_gradient(below[:rows], grad_below[:rows])
        grad = grad_below
    weight, bias = _weight(plan, grad_parameters, first), _bias(plan, grad_parameters, first)
    add_encoder_gradient(inputs, start, start + n, grad, weight, bias)


@compiled
def backward_rows(
    first: int,
    last: int,
    grad_parameters: Array,
    inputs: Input,
    networks: Networks,
    grad_outputs: Array,
    grad_dense: Array,
) -> None:
    """Gradients of the rows ``first`` to ``last``.

    :param grad_parameters: as the parameters lie; is added to.
    :param grad_outputs: ``[R, O]``.
    :param grad_dense: with respect to the dense features ``[R, D]``, written; ``[0, D]`` if nobody wants it.
    """
    plan, kind = networks.plan, grad_outputs.dtype
    # Rows of a block that are not in use may hold anything: their gradients are 0 wherever they are added up.
    activations = np.empty(BLOCK * plan.activations[-1], kind)
    grads = np.empty(BLOCK * plan.activations[-1], kind)
    padded = (plan.transposed[1] - plan.transposed[0]) // plan.n_outputs[0]
    grad_rows = np.zeros((BLOCK, padded), kind)
    for start in range(first, last, BLOCK):
        n = min(BLOCK, last - start)
        rows = whole_groups(n)
        if len(grad_dense):
            fill(0.0, grad_rows)
        for network in range(len(plan.networks) - 1):
            bottom, end = plan.networks[network], plan.networks[network + 1]
            if end - bottom > 1:
                _activate(inputs, start, n, networks, bottom, end - 1, activations)
            grad = _outputs(plan, grads, end - 1)
            fill(0.0, grad[:rows])
            for i in range(n):
                copy(grad_outputs[start + i, plan.columns[network] : plan.columns[network + 1]], grad[i])
            _add_gradients(
                inputs, start, n, networks, bottom, end, activations, grads, grad_parameters
            )  # fmt: skip
            if len(grad_dense):
                at, width = plan.transposed[bottom], plan.n_outputs[bottom]
                to_dense = _matrix(networks.transposed, at, width, padded)
                add_product(grad_rows, _outputs(plan, grads, bottom)[:rows], to_dense)
        if len(grad_dense):
            for i in range(n):
                copy(grad_rows[i, : grad_dense.shape[1]], grad_dense[start + i])
