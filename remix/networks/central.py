"""The unrestricted joint action value Q* of weighted QMIX and ReMIX (Rashid et al., 2020)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from remix.envs.spec import EnvSpec
from remix.networks.agent import RecurrentAgent
from remix.networks.features import Features, Rows, with_numbers
from remix.networks.feedforward import FeedForward
from remix.networks.trying import expect_shape, tried
from remix.settings import checks


class CentralQ(nn.Module):
    """Recurrent central utilities, mixed by a feed-forward network without sign constraints.

    :param input_size: width of the agents' input rows, which the central agents share.
    :param action_embed: e, central utilities per agent and action.
    :param hidden_size: width of the recurrent part.
    :param embed_dim: width of the three hidden mixing layers and of the state value.
    """

    def __init__(
        self,
        spec: EnvSpec,
        input_size: int,
        action_embed: int = 1,
        hidden_size: int = 64,
        embed_dim: int = 256,
    ) -> None:
        super().__init__()
        self.n_agents, self.n_actions, self.action_embed = spec.n_agents, spec.n_actions, action_embed
        checks.whole("action_embed", action_embed, minimum=1)
        checks.whole("embed_dim", embed_dim, minimum=1)
        self.agent = RecurrentAgent(input_size, spec.n_actions * action_embed, hidden_size)
        self.mixer = FeedForward(
            spec.state_size + spec.n_agents * action_embed, embed_dim, embed_dim, embed_dim, 1
        )
        self.state_value = FeedForward(spec.state_size, embed_dim, 1)

    def utilities(self, inputs: Rows, batch_sizes: Tensor) -> Tensor:
        """Central utilities ``[M, N, A, e]`` over packed histories (see :class:`RecurrentAgent`)."""
        return self.agent(inputs, batch_sizes).view(-1, self.n_agents, self.n_actions, self.action_embed)

    def forward(self, utilities: Tensor, actions: Tensor, state: Rows) -> Tensor:
        """``Q*(s, u) [K]`` of the joint ``actions [K, N]``.

        :param utilities: ``[K, N, A, e]`` central utilities of the same rows.
        :param state: ``[K, S]``.
        """
        index = actions[..., None, None].expand(-1, -1, 1, self.action_embed)
        chosen = utilities.gather(2, index).flatten(1)
        value: Tensor = self.mixer(with_numbers(state, chosen)) + self.state_value(state)
        return value.squeeze(-1)


def build_central(central: Callable[[EnvSpec, int], CentralQ], spec: EnvSpec, input_size: int) -> CentralQ:
    """The Q* that an algorithm was given a function for.

    :raises SettingError: about the setting ``central``: it is none, or cannot compute.
    """

    def attempt(copy: CentralQ) -> None:
        n = 2 * spec.n_agents
        utilities = copy.utilities(Features.of_numbers(torch.zeros(n, input_size)), torch.tensor([n]))
        actions = torch.zeros(2, spec.n_agents, dtype=torch.int64)
        value = copy(utilities, actions, torch.zeros(2, spec.state_size))
        expect_shape("central", copy, "values", value, 2)

    return tried("central", CentralQ, central, spec, input_size, attempt=attempt)
