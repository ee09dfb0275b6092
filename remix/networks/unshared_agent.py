"""A network for each agent instead of one for all (Papoudakis et al., 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from remix.networks.agent import RecurrentAgent
from remix.networks.features import Rows


class UnsharedAgent(RecurrentAgent):
    """N networks of one kind, of which each reads the rows of its own agent.

    :param networks: one for each agent.
    """

    def __init__(self, networks: Sequence[RecurrentAgent]) -> None:
        nn.Module.__init__(self)  # the layers are those of the networks
        self.networks = nn.ModuleList(networks)
        self.hidden_size = networks[0].hidden_size

    @property
    def heads(self) -> list[nn.Linear]:
        """The last layers of all networks."""
        return [head for network in self._agents() for head in network.heads]

    def must_give_hidden(self) -> None:
        for network in self._agents():
            network.must_give_hidden()

    def forward(self, inputs: Rows, batch_sizes: Tensor) -> Tensor:
        """Outputs ``[R, n_outputs]`` like those of one network. The agents of a time point are neighbours."""
        n, own = len(self.networks), self._own(batch_sizes)
        return _joined([network(inputs[i::n], own) for i, network in enumerate(self._agents())])

    def with_hidden(self, inputs: Rows, batch_sizes: Tensor) -> tuple[Tensor, Tensor]:
        n, own = len(self.networks), self._own(batch_sizes)
        both = [network.with_hidden(inputs[i::n], own) for i, network in enumerate(self._agents())]
        return _joined([outputs for outputs, _ in both]), _joined([hidden for _, hidden in both])

    def step(self, inputs: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        n = len(self.networks)
        both = [
            network.step(inputs[i::n].contiguous(), hidden[i::n].contiguous())
            for i, network in enumerate(self._agents())
        ]
        return _joined([outputs for outputs, _ in both]), _joined([after for _, after in both])

    def step_of(self, agents: Tensor, inputs: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        both = [network.step(inputs, hidden) for network in self._agents()]
        outputs, after = (torch.stack(parts) for parts in zip(*both, strict=True))
        return _of_own(outputs, agents), _of_own(after, agents)

    def _agents(self) -> list[RecurrentAgent]:
        return [network for network in self.networks if isinstance(network, RecurrentAgent)]

    def _own(self, batch_sizes: Tensor) -> Tensor:
        """How many histories of one agent run at each time."""
        return batch_sizes // len(self.networks)


def _joined(parts: Sequence[Tensor]) -> Tensor:
    """Rows of every agent ``[R / N, ...]`` in the order of all, agents side by side: ``[R, ...]``."""
    return torch.stack(tuple(parts), dim=1).flatten(0, 1)


def _of_own(parts: Tensor, agents: Tensor) -> Tensor:
    """Of what all networks say ``[N, R, D]``, to every agent that of its own: ``[R, D]``."""
    return parts.gather(0, agents.view(1, -1, 1).expand(1, -1, parts.shape[-1])).squeeze(0)
