"""One time step of agents that share a recurrent network, from what each of them sees to its outputs.

The network is that of :mod:`remix.kernels.recurrent`, for E episodes of N agents that see O numbers each. Its
input is what an agent sees, then its last action and its number, one-hot.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.kernels.arithmetic import copy, copy_rows, relu, whole_groups
from remix.kernels.bundle import Bundle
from remix.kernels.compiler import Array, compiled
from remix.kernels.products import add_product
from remix.kernels.recurrent import BLOCK, Parameters, advance, combine


class Network(NamedTuple):
    """Weights, and what the input has after what an agent sees."""

    weights: Parameters
    n_actions: int
    """Columns of the last action, or 0."""
    numbered: bool
    """Whether there are columns of the agent's number."""


@compiled
def _see(obs: NDArray[Any], row: Array) -> None:
    """``obs [O]`` in single precision, as every network sees it, in the type of ``row [O]``."""
    for k in range(len(obs)):
        row[k] = np.float32(obs[k])


@compiled
def _add(row: Array, column: Array) -> None:
    """``row [H]`` plus ``column [H]``."""
    for j in range(len(row)):
        row[j] += column[j]


@compiled
def respond(
    network: Bundle,
    obs: NDArray[Any],
    last_actions: NDArray[np.int64],
    before: Array,
    after: Array,
    outputs: Array,
) -> None:
    """Outputs and next hidden states of all agents.

    :param network: a :class:`Network`.
    :param obs: ``[E, N, O]`` of any type of numbers.
    :param last_actions: ``[E, N]``; -1, or whatever is no action, before the first.
    :param before: hidden states ``[E * N, H]``.
    :param after: the next ones ``[E * N, H]``, written.
    :param outputs: ``[E * N, O']``, written.
    """
    content, kind, size = network.content, outputs.dtype, before.shape[1]
    weights, n_actions, numbered = content.weights, content.n_actions, content.numbered
    n_agents, n_seen, n_rows = obs.shape[1], obs.shape[2], len(before)
    most = whole_groups(min(BLOCK, n_rows))
    seen = np.zeros((most, n_seen), kind)
    encoded = np.zeros((most, size), kind)
    state = np.zeros((most, size), kind)
    sums = np.empty((most, 3 * size), kind)
    recurrent = np.empty((most, 3 * size), kind)
    out = np.empty((most, weights.head.shape[1]), kind)
    for first in range(0, n_rows, BLOCK):
        n = min(BLOCK, n_rows - first)
        rows = whole_groups(n)
        for i in range(n):
            e, agent = divmod(first + i, n_agents)
            _see(obs[e, agent], seen[i])
            copy(before[first + i], state[i])
        copy_rows(weights.encoder_bias, encoded[:rows])
        add_product(encoded, seen[:rows], weights.encoder[:n_seen])
        for i in range(n):
            e, agent = divmod(first + i, n_agents)
            if 0 <= last_actions[e, agent] < n_actions:
                _add(encoded[i], weights.encoder[n_seen + last_actions[e, agent]])
            if numbered:
                _add(encoded[i], weights.encoder[n_seen + n_actions + agent])
        relu(encoded)
        copy_rows(weights.input_bias, sums[:rows])
        copy_rows(weights.hidden_bias, recurrent[:rows])
        add_product(sums, encoded[:rows], weights.input)
        add_product(recurrent, state[:rows], weights.hidden)
        combine(sums, recurrent, n)
        advance(sums, state, n)
        copy_rows(weights.head_bias, out[:rows])
        add_product(out, state[:rows], weights.head)
        for i in range(n):
            copy(state[i], after[first + i])
            copy(out[i, : outputs.shape[1]], outputs[first + i])
