"""Decentralised policies: what workers run during collection and users keep after training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from remix.envs.spec import EnvSpec
from remix.kernels.choice import choose, draw
from remix.learning.episodes import Batch
from remix.networks.agent import AgentInputs, RecurrentAgent
from remix.networks.unshared_agent import UnsharedAgent
from remix.settings import checks
from remix.settings.errors import part

AgentFactory = Callable[[int, int, int], RecurrentAgent]
"""Builds a network of an input's width, a number of outputs, and a width."""


class Policy(nn.Module):
    """Epsilon-greedy choice over the utilities of a shared recurrent agent.

    A subclass may turn the agent's outputs into actions in another way.

    :param last_action: give the agent its previous action.
    :param agent_id: give the agent its number.
    :param hidden_size: width of the agent network.
    :param agent: builds that network.
    :param shared: one network for all agents. Otherwise each has its own, and no number among its inputs;
        critics and mixers stay as they are.
    """

    make_choice = staticmethod(choose)
    """Writes actions and their probabilities, see :func:`choose`."""

    extra_outputs = 0
    """Outputs of the agent after those of the A actions."""

    def __init__(
        self,
        spec: EnvSpec,
        last_action: bool = True,
        agent_id: bool = True,
        hidden_size: int = 64,
        agent: AgentFactory = RecurrentAgent,
        shared: bool = True,
    ) -> None:
        super().__init__()
        self.n_agents, self.n_actions = spec.n_agents, spec.n_actions
        self.inputs = AgentInputs(spec, last_action, agent_id and shared)
        checks.whole("hidden_size", hidden_size, minimum=1)
        with part("agent"):
            sizes = self.inputs.size, self.n_actions + self.extra_outputs, hidden_size
            agents = [agent(*sizes) for _ in range(1 if shared else spec.n_agents)]
            self.agent = agents[0] if shared else UnsharedAgent(agents)

    def initial_state(self, n_episodes: int) -> Tensor:
        """Hidden state ``[E * N, H]`` at the start of E episodes."""
        return torch.zeros(n_episodes * self.n_agents, self.agent.hidden_size)

    def unroll(self, batch: Batch, agent: RecurrentAgent | None = None) -> Tensor:
        """The agents' outputs ``[M, N, ...]`` at all time points of a batch, in single precision.

        Whatever precision the networks compute in, targets and losses are made of such numbers.

        :param agent: another network that reads the same inputs, such as the target copy of this policy's.
        """
        outputs: Tensor = (agent or self.agent)(batch.inputs(self.inputs.rows), batch.agent_sizes)
        return outputs.unflatten(0, (-1, self.n_agents)).float()

    @torch.no_grad()
    def act(
        self,
        obs: Tensor,
        last_actions: Tensor,
        avail_actions: Tensor,
        hidden: Tensor,
        exploration: float | None,
        noise: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Actions of E episodes at one time step.

        :param obs: ``[E, N, O]``.
        :param last_actions: int64 ``[E, N]``, -1 at the first step.
        :param avail_actions: bool ``[E, N, A]``.
        :param hidden: ``[E * N, H]``.
        :param exploration: epsilon, chance that an agent takes a uniformly random available action. None for
            the policy's best action, as in evaluation.
        :param noise: uniform numbers in [0, 1), ``[E, N, 2]``.
        :returns: actions int64 ``[E, N]``; the probability ``[E, N]`` with which each was chosen; the next
            hidden state.
        :raises ValueError: what comes from outside has other shapes or types, or leaves an agent no action.
        """
        self._check(obs, last_actions, avail_actions, noise)
        outputs, hidden = self.agent.step(self.inputs(obs, last_actions), hidden)
        actions, probability = torch.empty_like(last_actions), torch.empty(last_actions.shape)
        make = choose if exploration is None else self.make_choice
        stuck = make(
            outputs.float().numpy(force=True),
            avail_actions.flatten(0, 1).numpy(),
            noise.flatten(0, 1).numpy(),
            np.float32(0.0 if exploration is None else exploration),
            actions.view(-1).numpy(),
            probability.view(-1).numpy(),
        )
        if stuck:
            raise ValueError("avail_actions leaves an agent without any action")
        return actions, probability, hidden

    def _check(self, obs: Tensor, last_actions: Tensor, avail_actions: Tensor, noise: Tensor) -> None:
        """Refuses what would lead the kernels out of their arrays."""
        agents = (len(obs), self.n_agents)
        if (
            last_actions.shape != agents
            or avail_actions.shape != (*agents, self.n_actions)
            or noise.shape != (*agents, 2)
            or last_actions.dtype != torch.int64
            or avail_actions.dtype != torch.bool
        ):
            given = {"last_actions": last_actions, "avail_actions": avail_actions, "noise": noise}
            found = ", ".join(f"{name} {tensor.dtype} {list(tensor.shape)}" for name, tensor in given.items())
            raise ValueError(f"{found}: do not fit {agents[0]} episodes of {self.n_agents} agents")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Within, the weights do not change, which makes :meth:`act` quicker."""
        with self.agent.frozen():
            yield


class StochasticPolicy(Policy):
    """Softmax over the outputs of the available actions, mixed with uniform choice.

    The parameters are those of :class:`Policy`; epsilon is the share of the uniform choice.
    """

    make_choice = staticmethod(draw)


class ActorCriticPolicy(StochasticPolicy):
    """A stochastic policy whose agents also value their own situation, with one more output."""

    extra_outputs = 1


def greedy_actions(utilities: Tensor, avail_actions: Tensor) -> Tensor:
    """The available action of highest utility, int64 ``[..., N]``, from ``[..., N, A]`` of both."""
    return utilities.masked_fill(~avail_actions, -torch.inf).argmax(-1)
