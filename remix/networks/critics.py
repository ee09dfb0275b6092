"""Critics of single agents' actions that see the whole state."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from remix.envs.spec import EnvSpec
from remix.networks.features import Rows, beside, repeated, with_choices
from remix.networks.feedforward import FeedForward
from remix.networks.trying import blank, expect_shape, tried
from remix.settings import checks


class AgentCritic(nn.Module):
    """``Q_i(s, o_i, a) = V + A(a)``, one set of weights for all agents (Wang et al., 2021, DOP).

    Linear - ReLU - linear - ReLU - linear over the state, the agent's observation and its number; the
    others' actions are not among the inputs.

    :param hidden_size: width of both hidden layers.
    """

    def __init__(self, spec: EnvSpec, hidden_size: int = 256) -> None:
        super().__init__()
        checks.whole("hidden_size", hidden_size, minimum=1)
        self.n_agents = spec.n_agents
        size = spec.state_size + spec.obs_size + spec.n_agents
        self.network = FeedForward(size, hidden_size, hidden_size, 1 + spec.n_actions)

    def rows(self, state: Rows, obs: Rows) -> Rows:
        """Input rows ``[R * N, S + O + N]``, agents of a row side by side.

        :param state: ``[R, S]``.
        :param obs: ``[R * N, O]``.
        """
        number = torch.arange(self.n_agents, device=obs.device).repeat(len(state)).unsqueeze(-1)
        return beside(repeated(state, self.n_agents), with_choices(obs, number, self.n_agents))

    def forward(self, rows: Rows) -> Tensor:
        """Values of all actions ``[R * N, A]``, at least in single precision."""
        outputs = self.network(rows)
        outputs = outputs.to(torch.promote_types(outputs.dtype, torch.float32))
        values: Tensor = outputs[:, :1] + outputs[:, 1:]
        return values


def build_critic(critic: Callable[[EnvSpec], AgentCritic], spec: EnvSpec) -> AgentCritic:
    """The critic that an algorithm was given a function for.

    :raises SettingError: about the setting ``critic``: it is none, or cannot compute.
    """

    def attempt(copy: AgentCritic) -> None:
        n = 2 * spec.n_agents
        expect_shape("critic", copy, "values", copy(copy.rows(*blank(spec, 2))), n, spec.n_actions)

    return tried("critic", AgentCritic, critic, spec, attempt=attempt)
