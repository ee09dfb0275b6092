"""Decentralised policies: what workers run during collection and users keep after training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from remix.envs.spec import EnvSpec
from remix.kernels.choice import choose, draw
from remix.learning.episodes import Batch
from remix.networks import choice
from remix.networks.acting import FrozenAgent
from remix.networks.agent import AgentInputs, RecurrentAgent
from remix.networks.features import compiles
from remix.networks.own_agent import usable
from remix.networks.unshared_agent import UnsharedAgent
from remix.settings import checks
from remix.settings.errors import part

AgentFactory = Callable[[int, int, int], RecurrentAgent]
"""Builds a network of an input's width, a number of outputs, and a width."""

Hidden = NDArray[np.floating[Any]]
"""What the agents remember, ``[E * N, H]``."""


class Policy(nn.Module):
    """Epsilon-greedy choice over the utilities of a shared recurrent agent.

    A subclass may turn the agent's outputs into actions in another way.

    :param last_action: give the agent its previous action.
    :param agent_id: give the agent its number.
    :param hidden_size: width of the agent network.
    :param agent: builds that network.
    :param shared: one network for all agents. Otherwise each has its own, and no number among its inputs;
        critics stay shared, and those that read these inputs (Q*, IPPO's) see no number either.
    """

    make_choice = staticmethod(choose)
    """Writes actions and their probabilities, see :func:`choose`."""

    make_plain_choice = staticmethod(choice.choose)
    """The same in PyTorch alone, see :func:`remix.networks.choice.choose`."""

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
        n_outputs = self.n_actions + self.extra_outputs
        with part("agent"):
            built = [
                agent(self.inputs.size, n_outputs, hidden_size) for _ in range(1 if shared else spec.n_agents)
            ]
        agents = [usable(network, self.inputs, n_outputs) for network in built]
        self.agent = agents[0] if shared else UnsharedAgent(agents)
        self._frozen: FrozenAgent | None = None

    def initial_state(self, n_episodes: int) -> Hidden:
        """Hidden state ``[E * N, H]`` at the start of E episodes."""
        return np.zeros((n_episodes * self.n_agents, self.agent.hidden_size), np.float32)

    def unroll(self, batch: Batch, agent: RecurrentAgent | None = None) -> Tensor:
        """The agents' outputs ``[M, N, ...]`` at all time points of a batch, in single precision.

        Whatever precision the networks compute in, targets and losses are made of such numbers.

        :param agent: another network that reads the same inputs, such as the target copy of this policy's.
        """
        outputs: Tensor = (agent or self.agent)(batch.inputs(self.inputs.rows), batch.agent_sizes)
        return outputs.unflatten(0, (-1, self.n_agents)).float()

    def act(
        self,
        obs: NDArray[Any],
        last_actions: NDArray[np.int64],
        avail_actions: NDArray[np.bool_],
        hidden: Hidden,
        exploration: float | None,
        noise: NDArray[np.float32],
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], Hidden]:
        """Actions of E episodes at one time step.

        :param obs: ``[E, N, O]`` of any number type.
        :param last_actions: ``[E, N]``, -1 at the first step.
        :param avail_actions: ``[E, N, A]``.
        :param hidden: ``[E * N, H]``.
        :param exploration: epsilon, chance that an agent takes a uniformly random available action. None for
            the policy's best action, as in evaluation.
        :param noise: uniform numbers in [0, 1), ``[E, N, 2]``.
        :returns: actions ``[E, N]``; the probability ``[E, N]`` with which each was chosen; the next hidden
            state.
        :raises ValueError: what comes from outside has other shapes or types, or leaves an agent no action.
        """
        self._check(obs, last_actions, avail_actions, noise)
        outputs, hidden = self._outputs(obs, last_actions, hidden)
        actions, probability = (
            np.empty(last_actions.shape, np.int64),
            np.empty(last_actions.shape, np.float32),
        )
        make = choose if exploration is None else self.make_choice
        stuck = make(
            outputs,
            avail_actions.reshape(-1, self.n_actions),
            noise.reshape(-1, 2),
            np.float32(exploration or 0.0),
            actions.reshape(-1),
            probability.reshape(-1),
        )
        if stuck:
            raise ValueError("avail_actions leaves an agent without any action")
        return actions, probability, hidden

    def forward(
        self,
        obs: Tensor,
        last_actions: Tensor,
        avail_actions: Tensor,
        hidden: Tensor,
        agents: Tensor,
        noise: Tensor | None = None,
        exploration: float | None = None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What :meth:`act` chooses, for R agents of which each decides by itself, in PyTorch alone.

        Nothing is checked, and R is left open, so that this can be traced and exported.

        :param obs: float32 ``[R, O]``.
        :param last_actions: int64 ``[R]``, -1 at the first step.
        :param avail_actions: bool ``[R, A]``, at least one of every agent.
        :param hidden: ``[R, H]``, zeros at the first step.
        :param agents: number of every agent in its team, int64 ``[R]``.
        :param noise: uniform numbers in [0, 1), ``[R, 2]``; wanted where there is an ``exploration``.
        :param exploration: see :meth:`act`.
        :returns: actions int64 ``[R]``; the probability ``[R]`` with which each was chosen; utilities or
            logits ``[R, A]``; the next hidden state.
        """
        inputs = self.inputs.of_agents(obs, last_actions, agents)
        outputs, hidden = self.agent.step_of(agents, inputs, hidden)
        outputs = outputs[:, : self.n_actions]
        if exploration is None:
            actions = greedy_actions(outputs, avail_actions)
            return actions, torch.ones_like(outputs[:, 0]), outputs, hidden
        assert noise is not None
        actions, probability = self.make_plain_choice(outputs, avail_actions, noise, exploration)
        return actions, probability, outputs, hidden

    def _outputs(
        self, obs: NDArray[Any], last_actions: NDArray[np.int64], hidden: Hidden
    ) -> tuple[NDArray[np.float32], Hidden]:
        """Outputs of all agents ``[E * N, ...]`` at one time step, and their next hidden state."""
        if self._frozen is not None:
            outputs, hidden = self._frozen.step(obs, last_actions, hidden)
            return outputs.astype(np.float32, copy=False), hidden
        weight = next(self.agent.parameters())
        with torch.no_grad():
            rows = self.inputs(torch.from_numpy(obs), torch.from_numpy(last_actions)).to(weight)
            computed, following = self.agent.step(rows, torch.from_numpy(hidden).to(weight))
        return computed.float().numpy(force=True), following.float().numpy(force=True)

    def _check(
        self,
        obs: NDArray[Any],
        last_actions: NDArray[np.int64],
        avail_actions: NDArray[np.bool_],
        noise: NDArray[np.float32],
    ) -> None:
        """Refuses what would lead the kernels out of their arrays."""
        agents = (len(obs), self.n_agents)
        if (
            last_actions.shape != agents
            or avail_actions.shape != (*agents, self.n_actions)
            or noise.shape != (*agents, 2)
            or last_actions.dtype != np.int64
            or avail_actions.dtype != np.bool_
        ):
            given = {"last_actions": last_actions, "avail_actions": avail_actions, "noise": noise}
            found = ", ".join(f"{name} {array.dtype} {list(array.shape)}" for name, array in given.items())
            raise ValueError(f"{found}: do not fit {agents[0]} episodes of {self.n_agents} agents")

    def freeze(self) -> Self:
        """From now on :meth:`act` takes the weights as they are now, which makes it quicker."""
        plain = type(self.agent).step is RecurrentAgent.step  # another network takes steps of its own
        if plain and compiles(self.agent.encoder.weight):
            self._frozen = FrozenAgent(self.inputs, self.agent)
        return self

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Within, :meth:`act` takes the weights as they were at the beginning."""
        self.freeze()
        try:
            yield
        finally:
            self._frozen = None


class StochasticPolicy(Policy):
    """Softmax over the outputs of the available actions, mixed with uniform choice.

    The parameters are those of :class:`Policy`; epsilon is the share of the uniform choice.
    """

    make_choice = staticmethod(draw)
    make_plain_choice = staticmethod(choice.draw)


class ActorCriticPolicy(StochasticPolicy):
    """A stochastic policy whose agents also value their own situation, with one more output."""

    extra_outputs = 1


def greedy_actions(utilities: Tensor, avail_actions: Tensor) -> Tensor:
    """The available action of highest utility, int64 ``[..., N]``, from ``[..., N, A]`` of both."""
    return utilities.masked_fill(~avail_actions, -torch.inf).argmax(-1)
