"""A recurrent critic of the agents' situations (Yu et al., 2022)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from remix.envs.spec import EnvSpec
from remix.networks.agent import RecurrentAgent
from remix.networks.features import Features, Rows, beside, repeated, with_choices
from remix.networks.trying import blank, expect_shape, tried
from remix.settings import checks


class ValueCritic(nn.Module):
    """``V_i`` of every agent at every time point, one set of weights for all agents.

    :param input_size: width of the agents' own input rows.
    :param sees: ``own``: those; ``state``: the state and the agent's number; ``state_and_obs``: the agent's
        observation too.
    :param hidden_size: width of the network, which is that of the agents.
    """

    def __init__(
        self, spec: EnvSpec, input_size: int, sees: str = "state_and_obs", hidden_size: int = 64
    ) -> None:
        super().__init__()
        sizes = {
            "own": input_size,
            "state": spec.state_size + spec.n_agents,
            "state_and_obs": spec.state_size + spec.obs_size + spec.n_agents,
        }
        self.sees, self.n_agents = checks.choice("sees", sees, sizes), spec.n_agents
        self.network = RecurrentAgent(sizes[sees], 1, hidden_size)

    def rows(self, state: Rows, obs: Rows, own: Rows) -> Rows:
        """Input rows ``[M * N, I]``, agents of a time point side by side.

        :param state: ``[M, S]``.
        :param obs: ``[M * N, O]``.
        :param own: ``[M * N, ...]``, what the agents read.
        """
        if self.sees == "own":
            return own
        states = repeated(state, self.n_agents)
        number = torch.arange(self.n_agents, device=obs.device).repeat(len(state)).unsqueeze(-1)
        if self.sees == "state":
            return with_choices(states, number, self.n_agents)
        return beside(states, with_choices(obs, number, self.n_agents))

    def forward(self, rows: Rows, batch_sizes: Tensor) -> Tensor:
        """Values ``[M, N]`` over packed histories in single precision, see :class:`RecurrentAgent`."""
        values: Tensor = self.network(rows, batch_sizes)
        return values.view(-1, self.n_agents).float()


def build_value_critic(
    critic: Callable[[EnvSpec, int], ValueCritic], spec: EnvSpec, input_size: int
) -> ValueCritic:
    """The critic that an algorithm was given a function for.

    :raises SettingError: about the setting ``critic``: it is none, or cannot compute.
    """

    def attempt(copy: ValueCritic) -> None:
        own = Features.of_numbers(torch.zeros(2 * spec.n_agents, input_size))
        values = copy(copy.rows(*blank(spec, 2), own), torch.tensor([2 * spec.n_agents]))
        expect_shape("critic", copy, "values", values, 2, spec.n_agents)

    return tried("critic", ValueCritic, critic, spec, input_size, attempt=attempt)
