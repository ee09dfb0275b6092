"""The agents' utility network, one set of weights for all agents."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from remix.envs.spec import EnvSpec
from remix.networks.features import Rows, as_features, as_tensor, compiles, with_ones
from remix.networks.recurrence import recurrent_pass
from remix.settings import checks
from remix.settings.errors import SettingError


class AgentInputs:
    """Builds an agent's network input: its observation, its previous action, its number.

    :param last_action: append the previous own action, one-hot (zeros at the first step).
    :param agent_id: append the agent's number, one-hot.
    """

    def __init__(self, spec: EnvSpec, last_action: bool = True, agent_id: bool = True) -> None:
        self.obs_size, self.n_agents = spec.obs_size, spec.n_agents
        self.n_actions = spec.n_actions if last_action else 0
        self.numbered = agent_id
        self.size = spec.obs_size + self.n_actions + (spec.n_agents if agent_id else 0)

    def __call__(self, obs: Tensor, last_actions: Tensor) -> Tensor:
        """Input rows ``[R * N, size]``, agents of a row side by side.

        :param obs: ``[R, N, O]`` of any number type.
        :param last_actions: int64 ``[R, N]``; -1 where there was no previous action.
        :raises ValueError: the observations are of other sizes, which would be repeated to fit.
        """
        if obs.shape[1:] != (self.n_agents, self.obs_size):
            raise ValueError(f"observations {list(obs.shape)} of {self.n_agents} agents with {self.obs_size}")
        rows = obs.new_zeros(len(obs), self.n_agents, self.size, dtype=torch.float32)
        rows[..., : self.obs_size] = obs
        if self.n_actions:
            choices = torch.arange(self.n_actions, device=obs.device)
            rows[..., self.obs_size : self.obs_size + self.n_actions] = last_actions.unsqueeze(-1) == choices
        if self.numbered:
            rows[..., -self.n_agents :] = torch.eye(self.n_agents, device=obs.device)
        return rows.flatten(0, 1)

    def of_agents(self, obs: Tensor, last_actions: Tensor, agents: Tensor) -> Tensor:
        """Input rows ``[R, size]`` of R agents that need not be a team.

        :param obs: float32 ``[R, O]``.
        :param last_actions: int64 ``[R]``; -1 where there was no previous action.
        :param agents: their numbers, int64 ``[R]``.
        """
        columns = [obs]
        for numbers, count in ((last_actions, self.n_actions), (agents, self.n_agents * self.numbered)):
            columns.append((numbers.unsqueeze(-1) == torch.arange(count, device=obs.device)).to(obs.dtype))
        return torch.cat(columns, dim=-1)

    def rows(self, obs: Rows, last_actions: Tensor) -> Rows:
        """Input rows ``[R * N, size]`` from observations ``[R * N, O]``, as a batch has them."""
        columns = []
        if self.n_actions:
            columns.append(torch.where(last_actions < 0, -1, last_actions + self.obs_size))
        if self.numbered:
            first = self.obs_size + self.n_actions
            number = torch.arange(first, self.size, device=last_actions.device)
            columns.append(number.expand(last_actions.shape))
        return with_ones(obs, torch.stack(columns, -1).flatten(0, 1), self.size) if columns else obs


class RecurrentAgent(nn.Module):
    """Linear - ReLU - GRU - Linear, applied to every agent's history.

    :param input_size: width of an input row (:attr:`AgentInputs.size`).
    :param n_outputs: A for utilities; A times an embedding for a central network.
    :param hidden_size: width of both hidden layers.
    """

    def __init__(self, input_size: int, n_outputs: int, hidden_size: int = 64) -> None:
        super().__init__()
        self.hidden_size = checks.whole("hidden_size", hidden_size, minimum=1)
        self.encoder = nn.Linear(input_size, hidden_size)
        self.recurrence = nn.GRU(hidden_size, hidden_size)
        self.head = nn.Linear(hidden_size, n_outputs)

    @property
    def heads(self) -> list[nn.Linear]:
        """The last layers.

        :raises SettingError: it has others, and does not tell them.
        """
        if not isinstance(getattr(self, "head", None), nn.Linear):
            raise SettingError("agent", type(self).__name__, "must have heads: its last layers, nn.Linear")
        return [self.head]

    def must_give_hidden(self) -> None:
        """Refuse a :meth:`forward` of its own that leaves :meth:`with_hidden` to the class above.

        :raises SettingError: it has one; that :meth:`with_hidden` may compute something else.
        """
        forward, with_hidden = (
            next(kind for kind in type(self).__mro__ if name in vars(kind))
            for name in ("forward", "with_hidden")
        )
        if not issubclass(with_hidden, forward):
            expected = "must have a with_hidden(inputs, batch_sizes), as it has a forward of its own"
            raise SettingError("agent", type(self).__name__, expected)

    def forward(self, inputs: Rows, batch_sizes: Tensor) -> Tensor:
        """Outputs ``[R, n_outputs]`` over whole packed histories, initial hidden states being 0.

        In single and double precision on the CPU the whole pass is compiled (whatever autocast says), and
        the input gets no gradient. Elsewhere it is made of PyTorch's layers.

        :param inputs: ``[R, input_size]`` packed rows.
        :param batch_sizes: int64 ``[T]`` on the CPU: how many sequences run at each time step.
        """
        if compiles(self.encoder.weight):
            return self._compiled(inputs, batch_sizes, self.head.weight, self.head.bias)
        outputs: Tensor = self.head(self._hidden(inputs, batch_sizes))
        return outputs

    def with_hidden(self, inputs: Rows, batch_sizes: Tensor) -> tuple[Tensor, Tensor]:
        """The same outputs, and the hidden states ``[R, hidden_size]`` that they were read from.

        Both have a gradient.
        """
        if not compiles(self.encoder.weight):
            hidden = self._hidden(inputs, batch_sizes)
            return self.head(hidden), hidden
        # A head that also hands out what it reads: products with 1 and 0 leave the numbers as they are.
        head, size = self.head, self.hidden_size
        weight = torch.cat((head.weight, torch.eye(size, dtype=head.weight.dtype)))
        bias = torch.cat((head.bias, head.bias.new_zeros(size)))
        both = self._compiled(inputs, batch_sizes, weight, bias)
        outputs, hidden = both.split((head.out_features, size), dim=-1)
        return outputs, hidden

    def _compiled(self, inputs: Rows, batch_sizes: Tensor, head: Tensor, head_bias: Tensor) -> Tensor:
        features = as_features(inputs)
        return recurrent_pass(features, batch_sizes, self.encoder, self.recurrence, head, head_bias)

    def _hidden(self, inputs: Rows, batch_sizes: Tensor) -> Tensor:
        """Hidden states ``[R, hidden_size]`` by PyTorch's layers."""
        encoded = torch.relu_(self.encoder(as_tensor(inputs, self.encoder.weight.dtype)))
        hidden, _ = self.recurrence(PackedSequence(encoded, batch_sizes))
        return hidden.data

    def step(self, inputs: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """One time step: outputs ``[R, n_outputs]`` and the next hidden state ``[R, hidden_size]``."""
        encoded = torch.relu_(self.encoder(inputs))
        hidden = torch.gru_cell(encoded, hidden, *self.recurrence.all_weights[0])
        return self.head(hidden), hidden

    def step_of(self, agents: Tensor, inputs: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """:meth:`step` for agents in any order, of which ``agents [R]`` has the numbers."""
        return self.step(inputs, hidden)
