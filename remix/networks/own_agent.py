"""Agent networks of others, looked at when they are built."""

from __future__ import annotations

from copy import deepcopy
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn

from remix.networks.agent import AgentInputs, RecurrentAgent
from remix.networks.features import Features
from remix.networks.recurrence import frozen_weights
from remix.settings.errors import SettingError
from remix.settings.own_code import OwnCodeError

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
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            _try(deepcopy(agent), inputs, n_outputs)
    except SettingError:
        raise
    except Exception as error:
        raise OwnCodeError.of("agent", name, "trying it", error) from error
    return agent


def _try(agent: RecurrentAgent, inputs: AgentInputs, n_outputs: int) -> None:
    """One time step of one team, for playing and for learning."""
    n, weight = inputs.n_agents, next(agent.parameters())
    rows, hidden = weight.new_zeros(n, inputs.size), weight.new_zeros(n, agent.hidden_size)
    if type(agent).step is RecurrentAgent.step:
        frozen_weights(agent.encoder, agent.recurrence, agent.head)
    outputs, following = agent.step(rows, hidden)
    learned = agent(Features.of_numbers(rows), torch.tensor([n]))
    _expect(agent, "step must give outputs", outputs, [n, n_outputs])
    _expect(agent, "step must give a next memory", following, [n, agent.hidden_size])
    _expect(agent, "forward must give outputs", learned, [n, n_outputs])


def _expect(agent: RecurrentAgent, what: str, found: Tensor, shape: list[int]) -> None:
    if list(found.shape) != shape:
        expected = f"its {what} {shape} for {shape[0]} rows, gives {list(found.shape)}"
        raise SettingError("agent", type(agent).__name__, expected)
