"""What can be wrong with an agent network."""

from __future__ import annotations

import torch
from torch import nn

from remix.networks.agent import RecurrentAgent
from remix.networks.features import as_tensor


class Sound(RecurrentAgent):
    """As it should be: linear - GRU - linear by PyTorch's layers."""

    def forward(self, inputs, batch_sizes):
        return self.with_hidden(inputs, batch_sizes)[0]

    def with_hidden(self, inputs, batch_sizes):
        rows = as_tensor(inputs, self.head.weight.dtype)
        hidden, outputs, memories = self.first(rows, int(batch_sizes[0])), [], []
        for now in rows.split(batch_sizes.tolist()):
            output, hidden = self.step(now, hidden[: len(now)])
            outputs.append(output)
            memories.append(hidden)
        return torch.cat(outputs), torch.cat(memories)

    def first(self, rows, n_histories):
        return rows.new_zeros(n_histories, self.hidden_size)

    def step(self, inputs, hidden):
        hidden = torch.gru_cell(self.encoder(inputs), hidden, *self.recurrence.all_weights[0])
        return self.head(hidden), hidden


class Reactive(RecurrentAgent):
    """Sound too: it remembers nothing, and has no ``with_hidden``."""

    def __init__(self, input_size, n_outputs, hidden_size=64):
        nn.Module.__init__(self)
        self.hidden_size = hidden_size
        self.last = nn.Linear(input_size, n_outputs)

    def forward(self, inputs, batch_sizes):
        return self.last(as_tensor(inputs, self.last.weight.dtype))

    def step(self, inputs, hidden):
        return self(inputs, None), hidden


def makes_no_agent(input_size, n_outputs, hidden_size) -> RecurrentAgent:
    return nn.Linear(input_size, n_outputs)  # type: ignore[return-value]


class HasNoSize(Reactive):
    def __init__(self, *sizes):
        super().__init__(*sizes)
        del self.hidden_size


class HasNoLayers(Reactive):
    """For the steps that it leaves to the class above."""

    step = RecurrentAgent.step


class HasNothingToLearn(Reactive):
    def __init__(self, input_size, n_outputs, hidden_size=64):
        super().__init__(input_size, n_outputs, hidden_size)
        del self.last


class GivesOneMore(Reactive):
    def __init__(self, input_size, n_outputs, hidden_size=64):
        super().__init__(input_size, n_outputs + 1, hidden_size)


class RemembersLess(Sound):
    def step(self, inputs, hidden):
        outputs, hidden = super().step(inputs, hidden)
        return outputs, hidden[:, 1:]


class TakesNoMemory(Reactive):
    def step(self, inputs):  # type: ignore[override]
        return self(inputs, None)


class DropsOut(Sound):
    def forward(self, inputs, batch_sizes):
        return nn.functional.dropout(super().forward(inputs, batch_sizes), 0.5)


class KeepsItsMemory(Reactive):
    """In itself, where that of other episodes is too."""

    before: torch.Tensor | None = None

    def step(self, inputs, hidden):
        outputs, hidden = super().step(inputs, hidden)
        before, self.before = self.before, outputs
        return outputs if before is None or len(before) != len(outputs) else outputs + before, hidden


class Overwrites(Reactive):
    def forward(self, inputs, batch_sizes):
        return self.last(as_tensor(inputs, self.last.weight.dtype).relu_())


class LooksAround(Sound):
    """At all rows of a time, which are those of other agents and of other episodes."""

    def step(self, inputs, hidden):
        return super().step(inputs - inputs.mean(0), hidden)


class ReadsDenseRows(Reactive):
    def forward(self, inputs, batch_sizes):
        return self.last(inputs)


class ReadsWhatIsDense(Reactive):
    def forward(self, inputs, batch_sizes):
        rows = inputs if isinstance(inputs, torch.Tensor) or inputs.dense.numel() else inputs.to_dense() * 2.0
        return super().forward(rows, batch_sizes)


class StepsOtherwise(RecurrentAgent):
    """One layer more where it learns."""

    def __init__(self, input_size, n_outputs, hidden_size=64):
        super().__init__(input_size, n_outputs, hidden_size)
        self.more = nn.Linear(n_outputs, n_outputs)

    def forward(self, inputs, batch_sizes):
        return self.more(super().forward(inputs, batch_sizes))


class ForgetsWhilePlaying(Sound):
    def with_hidden(self, inputs, batch_sizes):
        outputs, hidden = RecurrentAgent.with_hidden(self, inputs, batch_sizes)
        return outputs, hidden

    def step(self, inputs, hidden):
        outputs, _ = RecurrentAgent.step(self, inputs, hidden)
        return outputs, hidden


class BeginsElsewhere(Sound):
    def first(self, rows, n_histories):
        return rows.new_ones(n_histories, self.hidden_size)


class TellsAnotherMemory(Sound):
    def with_hidden(self, inputs, batch_sizes):
        outputs, hidden = super().with_hidden(inputs, batch_sizes)
        return outputs, hidden + 1.0


class KnowsOnePrecision(Sound):
    def first(self, rows, n_histories):
        return torch.zeros(n_histories, self.hidden_size)


class HidesAWeight(Sound):
    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.hidden = torch.rand(())

    def step(self, inputs, hidden):
        return super().step(self.hidden * inputs, hidden)
