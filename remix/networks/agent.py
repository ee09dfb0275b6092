"""The agents' utility network, one set of weights for all agents."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from envs.spec import EnvSpec
from remix.networks.recurrence import GRU


class AgentInputs:
    """Builds an agent's network input: its observation, its previous action, its number.

    :param last_action: append the previous own action, one-hot (zeros at the first step).
    :param agent_id: append the agent's number, one-hot.
    """

    def __init__(self, spec: EnvSpec, last_action: bool = True, agent_id: bool = True) -> None:
        self.obs_size, self.n_agents = spec.obs_size, spec.n_agents
        self.n_actions = spec.n_actions if last_action else 0
        self.size = spec.obs_size + self.n_actions + (spec.n_agents if agent_id else 0)

    def __call__(self, obs: Tensor, last_actions: Tensor) -> Tensor:
        """Input rows ``[R * N, size]``, agents of a row side by side.

        :param obs: ``[R, N, O]`` of any number type.
        :param last_actions: int64 ``[R, N]``; -1 where there was no previous action.
        """
        rows = obs.new_zeros(len(obs), self.n_agents, self.size, dtype=torch.float32)
        rows[..., : self.obs_size] = obs
        if self.n_actions:
            choices = torch.arange(self.n_actions, device=obs.device)
            rows[..., self.obs_size : self.obs_size + self.n_actions] = last_actions.unsqueeze(-1) == choices
        if self.size > self.obs_size + self.n_actions:
            rows[..., -self.n_agents :] = torch.eye(self.n_agents, device=obs.device)
        return rows.flatten(0, 1)


class RecurrentAgent(nn.Module):
    """Linear - ReLU - GRU - Linear, applied to every agent's history.

    :param input_size: width of an input row (:attr:`AgentInputs.size`).
    :param n_outputs: A for utilities; A times an embedding for a central network.
    :param hidden_size: width of both hidden layers.
    """

    def __init__(self, input_size: int, n_outputs: int, hidden_size: int = 64) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.encoder = nn.Linear(input_size, hidden_size)
        self.recurrence = GRU(hidden_size, hidden_size)
        self.head = nn.Linear(hidden_size, n_outputs)

    def forward(self, inputs: Tensor, batch_sizes: Tensor) -> Tensor:
        """Outputs ``[R, n_outputs]`` over whole packed histories.

        :param inputs: ``[R, input_size]`` packed rows.
        :param batch_sizes: int64 ``[T]`` on the CPU: how many sequences run at each time step.
        """
        encoded = torch.relu_(self.encoder(inputs))
        outputs: Tensor = self.head(self.recurrence(encoded, batch_sizes))
        return outputs

    def step(self, inputs: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """One time step: outputs ``[R, n_outputs]`` and the next hidden state ``[R, hidden_size]``."""
        hidden = self.recurrence.step(torch.relu_(self.encoder(inputs)), hidden)
        return self.head(hidden), hidden
