"""What can be wrong with networks that see the state: a Q*, critics, a recogniser."""

from __future__ import annotations

from torch import nn

from remix.networks.central import CentralQ
from remix.networks.critics import AgentCritic
from remix.networks.recogniser import Recogniser
from remix.networks.value_critic import ValueCritic


class HasNoLayers(CentralQ):
    """For the methods that it leaves to the class above."""

    def __init__(self, spec, input_size, **settings):
        nn.Module.__init__(self)


class CriticHasNoLayers(AgentCritic):
    def __init__(self, spec, **settings):
        nn.Module.__init__(self)
        self.n_agents = spec.n_agents


class KeepsAnAxis(AgentCritic):
    def forward(self, rows):
        return super().forward(rows).unsqueeze(-1)


class GivesNoTensor(AgentCritic):
    def forward(self, rows):
        return "values"


class ValueCriticHasNoLayers(ValueCritic):
    def __init__(self, spec, input_size, **settings):
        nn.Module.__init__(self)
        self.n_agents, self.sees = spec.n_agents, "state"


class RecogniserHasNoLayers(Recogniser):
    def __init__(self, spec, **settings):
        nn.Module.__init__(self)
        self.n_actions = spec.n_actions
