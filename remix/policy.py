"""The decentralised policy: what workers run during collection and users keep after training."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from envs.spec import EnvSpec
from remix.networks.agent import AgentInputs, RecurrentAgent


class Policy(nn.Module):
    """Epsilon-greedy choice over the utilities of a shared recurrent agent.

    :param last_action: give the agent its previous action.
    :param agent_id: give the agent its number.
    :param hidden_size: width of the agent network.
    """

    def __init__(
        self, spec: EnvSpec, last_action: bool = True, agent_id: bool = True, hidden_size: int = 64
    ) -> None:
        super().__init__()
        self.n_agents, self.n_actions = spec.n_agents, spec.n_actions
        self.inputs = AgentInputs(spec, last_action, agent_id)
        self.agent = RecurrentAgent(self.inputs.size, spec.n_actions, hidden_size)

    def initial_state(self, n_episodes: int) -> Tensor:
        """Hidden state ``[E * N, H]`` at the start of E episodes."""
        return torch.zeros(n_episodes * self.n_agents, self.agent.hidden_size)

    @torch.no_grad()
    def act(
        self,
        obs: Tensor,
        last_actions: Tensor,
        avail_actions: Tensor,
        hidden: Tensor,
        exploration: float,
        noise: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Actions of E episodes at one time step.

        :param obs: ``[E, N, O]``.
        :param last_actions: int64 ``[E, N]``, -1 at the first step.
        :param avail_actions: bool ``[E, N, A]``.
        :param hidden: ``[E * N, H]``.
        :param exploration: epsilon, chance that an agent takes a uniformly random available action.
        :param noise: uniform numbers in [0, 1), ``[E, N, 2]``: whether to explore, and where.
        :returns: actions int64 ``[E, N]``; the probability ``[E, N]`` with which each was chosen; the next
            hidden state.
        """
        utilities, hidden = self.agent.step(self.inputs(obs, last_actions), hidden)
        utilities = utilities.view(-1, self.n_agents, self.n_actions)
        greedy = greedy_actions(utilities, avail_actions)
        counts = avail_actions.cumsum(-1)
        n_available = counts[..., -1]
        pick = (noise[..., 1] * n_available).long().clamp(max=n_available - 1)
        random = (counts > pick.unsqueeze(-1)).float().argmax(-1)
        actions = torch.where(noise[..., 0] < exploration, random, greedy)
        probability = exploration / n_available + (1.0 - exploration) * (actions == greedy)
        return actions, probability, hidden


def greedy_actions(utilities: Tensor, avail_actions: Tensor) -> Tensor:
    """The available action of highest utility, int64 ``[..., N]``, from ``[..., N, A]`` of both."""
    return utilities.masked_fill(~avail_actions, -torch.inf).argmax(-1)
