"""Utilities of all actions in random situations, and what mixers make of joint actions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from remix.envs.spec import EnvSpec
from remix.networks.mixers.base import Context, Mixer

SPEC = EnvSpec("sample", n_agents=3, n_actions=4, obs_size=5, state_size=7, episode_limit=20)
"""A small environment that nobody plays."""


@dataclass
class Table:
    """K situations: utilities ``[K, N, A]``, states ``[K, S]``, observations ``[K * N, O]``."""

    utilities: Tensor
    state: Tensor
    obs: Tensor

    @classmethod
    def random(
        cls,
        n_rows: int,
        dtype: torch.dtype = torch.float32,
        scale: float = 3.0,
        spec: EnvSpec = SPEC,
        generator: torch.Generator | None = None,
    ) -> Table:
        """Normal numbers, the utilities ``scale`` times as large; PyTorch's generator if none is given."""

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, dtype=dtype, generator=generator)

        return cls(
            scale * normal(n_rows, spec.n_agents, spec.n_actions),
            normal(n_rows, spec.state_size),
            normal(n_rows * spec.n_agents, spec.obs_size),
        )

    def chosen(self, actions: Tensor) -> Tensor:
        """``[K, N]``."""
        return self.utilities.gather(2, actions.unsqueeze(2)).squeeze(2)

    def context(self, actions: Tensor) -> Context:
        return Context(actions, self.utilities.amax(-1).detach(), self.obs)

    def mix(self, mixer: Mixer, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Values and slopes of the joint ``actions [K, N]``."""
        return mixer.value_and_slopes(self.chosen(actions), self.state, self.context(actions))

    def moved(self, agent: int, actions: Tensor, step: float) -> Table:
        """The same with other utilities of the actions that one agent takes."""
        utilities = self.utilities.clone()
        change = torch.full((len(actions), 1), step, dtype=utilities.dtype)
        utilities[:, agent].scatter_add_(1, actions[:, agent, None], change)
        return Table(utilities, self.state, self.obs)

    def rows(self, index: slice) -> Table:
        n = self.utilities.shape[1]
        return Table(self.utilities[index], self.state[index], self.obs[index.start * n : index.stop * n])


def random_actions(n_rows: int, spec: EnvSpec = SPEC, generator: torch.Generator | None = None) -> Tensor:
    """Joint actions ``[K, N]``."""
    return torch.randint(spec.n_actions, (n_rows, spec.n_agents), generator=generator)
