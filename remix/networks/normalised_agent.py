"""The agents' network with normalised layers (Gallici et al., 2025)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from remix.networks.agent import RecurrentAgent
from remix.networks.features import Rows, as_tensor
from remix.settings import checks


class NormalisedAgent(RecurrentAgent):
    """(Linear - LayerNorm - ReLU) n times - GRU - Linear, by PyTorch's layers on every device.

    :param n_layers: n.

    The other parameters are those of :class:`RecurrentAgent`.
    """

    def __init__(self, input_size: int, n_outputs: int, hidden_size: int = 64, n_layers: int = 1) -> None:
        super().__init__(input_size, n_outputs, hidden_size)
        layers: list[nn.Module] = [nn.LayerNorm(hidden_size), nn.ReLU()]
        for _ in range(checks.whole("n_layers", n_layers, minimum=1) - 1):
            layers += [nn.Linear(hidden_size, hidden_size), nn.LayerNorm(hidden_size), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, inputs: Rows, batch_sizes: Tensor) -> Tensor:
        return self.with_hidden(inputs, batch_sizes)[0]

    def with_hidden(self, inputs: Rows, batch_sizes: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self._recurred(self._encoded(as_tensor(inputs, self.encoder.weight.dtype)), batch_sizes)
        return self.head(hidden), hidden

    def step(self, inputs: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        hidden = torch.gru_cell(self._encoded(inputs), hidden, *self.recurrence.all_weights[0])
        return self.head(hidden), hidden

    def _recurred(self, encoded: Tensor, batch_sizes: Tensor) -> Tensor:
        """Hidden states ``[R, hidden_size]`` of packed rows."""
        if encoded.device.type != "cpu":
            packed: PackedSequence = self.recurrence(PackedSequence(encoded, batch_sizes))[0]
            return packed.data
        # On the CPU the gradient of PyTorch's own loop grows with the square of the length.
        hidden, steps = encoded.new_zeros(int(batch_sizes[0]), self.hidden_size), []
        for rows in encoded.split(batch_sizes.tolist()):
            hidden = torch.gru_cell(rows, hidden[: len(rows)], *self.recurrence.all_weights[0])
            steps.append(hidden)
        return torch.cat(steps)

    def _encoded(self, inputs: Tensor) -> Tensor:
        """What the GRU reads ``[R, hidden_size]``."""
        encoded: Tensor = self.layers(self.encoder(inputs))
        return encoded
