"""Positive weights of the agents' advantages, from the state and the joint action (Wang et al., 2021)."""

from __future__ import annotations

from torch import Tensor, nn

from remix.envs.spec import EnvSpec
from remix.networks.features import Rows, with_choices
from remix.networks.feedforward import FeedForward, side_by_side
from remix.settings import checks

SMALLEST = 1e-10
"""Added to what must not be 0."""


class Importance(nn.Module):
    """``lambda_i(s, u) = sum_k |key_k(s)| sigmoid(agents_k(s))_i sigmoid(action_k(s, u))_i`` over K heads.

    :param n_heads: K.
    :param n_layers: linear layers of each network.
    :param hidden_size: width of the layers in between.
    """

    def __init__(self, spec: EnvSpec, n_heads: int = 4, n_layers: int = 2, hidden_size: int = 64) -> None:
        super().__init__()
        for name, value in (("n_heads", n_heads), ("n_layers", n_layers), ("hidden_size", hidden_size)):
            checks.whole(name, value, minimum=1)
        self.n_actions = spec.n_actions
        hidden, joint = [hidden_size] * (n_layers - 1), spec.n_agents * spec.n_actions

        def networks(n_inputs: int, n_outputs: int) -> nn.ModuleList:
            return nn.ModuleList(FeedForward(n_inputs, *hidden, n_outputs) for _ in range(n_heads))

        self.keys = networks(spec.state_size, 1)
        self.agents = networks(spec.state_size, spec.n_agents)
        self.actions = networks(spec.state_size + joint, spec.n_agents)

    def forward(self, state: Rows, actions: Tensor) -> Tensor:
        """``lambda [K, N]`` of the joint ``actions``, int64 ``[K, N]``."""
        n_heads, both = len(self.keys), with_choices(state, actions, self.n_actions)
        of_state = side_by_side([*self.keys, *self.agents], state)
        of_action = side_by_side([*self.actions], both).unflatten(-1, (n_heads, -1))
        key, of_agents = of_state[:, :n_heads, None], of_state[:, n_heads:].contiguous()
        of_agents = of_agents.unflatten(-1, (n_heads, -1))
        heads = (key.abs() + SMALLEST) * of_agents.sigmoid() * of_action.sigmoid()  # [K, heads, N]
        return heads.sum(1)
