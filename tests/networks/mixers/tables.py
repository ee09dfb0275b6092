"""Utilities of all actions, and what mixers make of joint actions."""

from dataclasses import dataclass

import torch
from torch import Tensor

from remix.networks.mixers.base import Context, Mixer
from tests.samples import make_spec

SPEC = make_spec()


@dataclass
class Table:
    """K situations: utilities ``[K, N, A]``, states ``[K, S]``, observations ``[K * N, O]``."""

    utilities: Tensor
    state: Tensor
    obs: Tensor

    @classmethod
    def random(cls, n_rows: int, dtype: torch.dtype = torch.float32, scale: float = 3.0) -> "Table":
        return cls(
            scale * torch.randn(n_rows, SPEC.n_agents, SPEC.n_actions, dtype=dtype),
            torch.randn(n_rows, SPEC.state_size, dtype=dtype),
            torch.randn(n_rows * SPEC.n_agents, SPEC.obs_size, dtype=dtype),
        )

    def chosen(self, actions: Tensor) -> Tensor:
        """``[K, N]``."""
        return self.utilities.gather(2, actions.unsqueeze(2)).squeeze(2)

    def context(self, actions: Tensor) -> Context:
        return Context(actions, self.utilities.amax(-1).detach(), self.obs)

    def mix(self, mixer: Mixer, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Values and slopes of the joint ``actions [K, N]``."""
        return mixer.value_and_slopes(self.chosen(actions), self.state, self.context(actions))

    def rows(self, index: slice) -> "Table":
        n = SPEC.n_agents
        return Table(self.utilities[index], self.state[index], self.obs[index.start * n : index.stop * n])


def random_actions(n_rows: int) -> Tensor:
    return torch.randint(SPEC.n_actions, (n_rows, SPEC.n_agents))
