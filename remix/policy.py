"""The decentralised policy: what workers run during collection and users keep after training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from envs.spec import EnvSpec
from remix.networks.agent import AgentInputs, RecurrentAgent
from remix.networks.kernels.choice import choose


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
        actions, probability = torch.empty_like(last_actions), torch.empty(last_actions.shape)
        choose(
            utilities.float().numpy(force=True),
            avail_actions.flatten(0, 1).numpy(),
            noise.flatten(0, 1).numpy(),
            np.float32(exploration),
            actions.view(-1).numpy(),
            probability.view(-1).numpy(),
        )
        return actions, probability, hidden

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Within, the weights do not change, which makes :meth:`act` quicker."""
        with self.agent.frozen():
            yield


def greedy_actions(utilities: Tensor, avail_actions: Tensor) -> Tensor:
    """The available action of highest utility, int64 ``[..., N]``, from ``[..., N, A]`` of both."""
    return utilities.masked_fill(~avail_actions, -torch.inf).argmax(-1)
