"""The agents' network as it is while episodes are played: its weights stay, and nothing has a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.kernels.acting import Network, respond
from remix.kernels.bundle import bundled
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
        self._kind = weights.encoder.dtype
        self._network = bundled(
            Network(
                Parameters(*map(np.copy, weights)),  # some are the memory of the network's own
                inputs.n_actions,
                inputs.numbered,
            )
        )

    def step(
        self, obs: NDArray[Any], last_actions: NDArray[np.int64], hidden: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """One time step of E episodes.

        :param obs: ``[E, N, O]`` of any number type.
        :param last_actions: ``[E, N]``; -1 where there was no previous action.
        :param hidden: ``[E * N, H]``.
        :returns: outputs ``[E * N, O']`` and the next hidden state, in the type of the weights.
        :raises ValueError: observations or states are of another size or number.
        """
        n_rows, kind = last_actions.size, self._kind
        if obs.shape != (len(last_actions), *self._shape) or hidden.shape != (n_rows, self._hidden_size):
            raise ValueError(
                f"observations {list(obs.shape)} and states {list(hidden.shape)} do not fit "
                f"{self._shape[0]} agents with {self._shape[1]} numbers and {self._hidden_size} states"
            )
        if obs.dtype == np.float16:  # which compiled code cannot read
            obs = obs.astype(np.float32)
        obs, last_actions = np.ascontiguousarray(obs), np.ascontiguousarray(last_actions)
        before = np.ascontiguousarray(hidden, kind)
        after, outputs = np.empty_like(before), np.empty((n_rows, self._n_outputs), kind)
        respond(self._network, obs, last_actions, before, after, outputs)
        return outputs, after
