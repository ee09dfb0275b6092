"""A network for each agent instead of one for all (Papoudakis et al., 2021)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

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
        return [head for network in self._agents() for head in network.heads]

    def forward(self, inputs: Rows, batch_sizes: Tensor) -> Tensor:
        """Outputs as of one network; agents of a time point stand side by side in the rows."""
        (outputs,) = self._each(lambda network, rows: (network(rows, self._own(batch_sizes)),), inputs)
        return outputs

    def with_hidden(self, inputs: Rows, batch_sizes: Tensor) -> tuple[Tensor, Tensor]:
        outputs, hidden = self._each(
            lambda network, rows: network.with_hidden(rows, self._own(batch_sizes)), inputs
        )
        return outputs, hidden

    def step(self, inputs: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        size = inputs.shape[-1]
        both = torch.cat((inputs, hidden), dim=-1)
        outputs, after = self._each(
            lambda network, rows: network.step(rows[:, :size].contiguous(), rows[:, size:].contiguous()), both
        )
        return outputs, after

    @contextmanager
    def frozen(self) -> Iterator[None]:
        with ExitStack() as stack:
            for network in self._agents():
                stack.enter_context(network.frozen())
            yield

    def _agents(self) -> list[RecurrentAgent]:
        return [network for network in self.networks if isinstance(network, RecurrentAgent)]

    def _own(self, batch_sizes: Tensor) -> Tensor:
        """How many histories of one agent run at each time."""
        return batch_sizes // len(self.networks)

    def _each(
        self, compute: Callable[[RecurrentAgent, Rows], tuple[Tensor, ...]], rows: Rows
    ) -> list[Tensor]:
        """What every network computes of its agent's rows, put together in the order of all ``rows``."""
        n = len(self.networks)
        parts = [compute(network, rows[i::n]) for i, network in enumerate(self._agents())]
        return [torch.stack(results, dim=1).flatten(0, 1) for results in zip(*parts, strict=True)]
