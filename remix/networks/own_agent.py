"""Agent networks of others, looked at when they are built."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import torch
from torch import nn

from remix.networks.agent import AgentInputs, RecurrentAgent
from remix.networks.features import Features
from remix.networks.recurrence import frozen_weights
from remix.networks.trying import expect_shape, to_be_tried, trying
from remix.settings.errors import SettingError

_LAYERS = {"encoder": nn.Linear, "recurrence": nn.GRU, "head": nn.Linear}
"""With which compiled code takes the steps of a :class:`RecurrentAgent`."""


def usable(agent: Any, inputs: AgentInputs, n_outputs: int) -> RecurrentAgent:
    """The network that a factory has built, if one can play with it and learn with it.

    What it computes is for ``remix check`` to see.

    :raises SettingError: about the setting ``agent``, saying what the network must have.
    """
    name = type(agent).__name__
    if not isinstance(agent, RecurrentAgent):
        raise SettingError("agent", name, "must be a RecurrentAgent")
    if type(agent) is RecurrentAgent:
        return agent
    if not isinstance(getattr(agent, "hidden_size", None), Integral):
        raise SettingError("agent", name, "must have a hidden_size, the width of what an agent remembers")
    if next(agent.parameters(), None) is None:
        raise SettingError("agent", name, "must have parameters, or there is nothing to learn")
    if type(agent).step is RecurrentAgent.step:
        for layer, kind in _LAYERS.items():
            if not isinstance(getattr(agent, layer, None), kind):
                expected = f"must have a step of its own, or an nn.{kind.__name__} as its {layer}"
                raise SettingError("agent", name, expected)
    with trying("agent", agent, learning=False) as copy:
        _play(copy, inputs, n_outputs)
    if to_be_tried(agent):
        with trying("agent", agent) as copy:
            rows = next(copy.parameters()).new_zeros(inputs.n_agents, inputs.size)
            outputs = copy(Features.of_numbers(rows), torch.tensor([inputs.n_agents]))
            expect_shape("agent", copy, "outputs by forward", outputs, inputs.n_agents, n_outputs)
    return agent


def _play(agent: RecurrentAgent, inputs: AgentInputs, n_outputs: int) -> None:
    """One time step of one team."""
    n, weight = inputs.n_agents, next(agent.parameters())
    rows, hidden = weight.new_zeros(n, inputs.size), weight.new_zeros(n, agent.hidden_size)
    if type(agent).step is RecurrentAgent.step:
        frozen_weights(agent.encoder, agent.recurrence, agent.head)
    outputs, following = agent.step(rows, hidden)
    expect_shape("agent", agent, "outputs by step", outputs, n, n_outputs)
    expect_shape("agent", agent, "memory by step", following, n, agent.hidden_size)
