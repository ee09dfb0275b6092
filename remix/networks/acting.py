"""The agents' network as it is while episodes are played: its weights stay, and nothing has a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remix.kernels.acting import Network, respond
from remix.kernels.recurrent import Parameters
from remix.networks.agent import AgentInputs, RecurrentAgent
from remix.networks.recurrence import frozen_weights


class FrozenAgent:
    """One compiled call per time step, with the weights as they were when it was made.

    :param agent: its weights are on the CPU, in single or double precision.
    """

    def __init__(self, inputs: AgentInputs, agent: RecurrentAgent) -> None:
        self._shape = inputs.n_agents, inputs.obs_size
        self._hidden_size, self._n_outputs = agent.hidden_size, agent.head.out_features
        weights = frozen_weights(agent.encoder, agent.recurrence, agent.head)
        self._network = Network(
            Parameters(*map(np.copy, weights)),  # some are the memory of the network's own
            last_action_at=inputs.obs_size if inputs.n_actions else -1,
            number_at=inputs.size - inputs.n_agents if inputs.numbered else -1,
        )

    def step(
        self, obs: Tensor, last_actions: Tensor, hidden: Tensor
    ) -> tuple[NDArray[np.floating[Any]], Tensor]:
        """One time step of E episodes.

        :param obs: ``[E, N, O]`` of any number type.
        :param last_actions: int64 ``[E, N]``; -1 where there was no previous action.
        :param hidden: ``[E * N, H]``.
        :returns: outputs ``[E * N, O']`` and the next hidden state.
        :raises ValueError: observations or states are of another size or number.
        """
        n_rows, shape = last_actions.numel(), tuple(obs.shape)
        if shape != (len(last_actions), *self._shape) or hidden.shape != (n_rows, self._hidden_size):
            raise ValueError(
                f"observations {list(shape)} and states {list(hidden.shape)} do not fit "
                f"{self._shape[0]} agents with {self._shape[1]} numbers and {self._hidden_size} states"
            )
        kind = self._network.weights.encoder.dtype
        if obs.is_floating_point():
            obs = obs.float()
        seen, actions = (np.ascontiguousarray(tensor.numpy()) for tensor in (obs, last_actions))
        before = np.ascontiguousarray(hidden.numpy(), kind)
        after, outputs = np.empty_like(before), np.empty((n_rows, self._n_outputs), kind)
        respond(self._network, seen, actions, before, after, outputs)
        return outputs, torch.from_numpy(after)
