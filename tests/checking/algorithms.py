"""What can be wrong with an algorithm. Independent learners are the quickest to train."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from remix.algorithms.independent import IndependentQLearning
from remix.algorithms.single_loss import SingleLossModule
from remix.algorithms.target_networks import TargetNetworks
from remix.algorithms.value_factorization import ValueFactorization
from remix.learning.policy import Policy
from remix.networks.mixers.vdn import VDNMixer
from remix.weighting.optimistic import Optimistic


class Sound(IndependentQLearning):
    """As it should be."""


class HasNoLoss(SingleLossModule):
    """Which the base calls."""


class CannotBeBuilt(IndependentQLearning):
    def __init__(self, spec):
        raise KeyError("missing")


class TrainsItsTarget(IndependentQLearning):
    def __init__(self, spec, **settings):
        super().__init__(spec, **settings)
        pairs = [(copy.deepcopy(self.policy.agent), self.policy.agent)]
        self.targets = TargetNetworks(pairs)


class Diverges(IndependentQLearning):
    def loss(self, batch, env_steps):
        loss, metrics = super().loss(batch, env_steps)
        return loss * (torch.nan if self.updates == 2 else 1.0), metrics


class LogsInfinity(IndependentQLearning):
    def loss(self, batch, env_steps):
        loss, metrics = super().loss(batch, env_steps)
        return loss, metrics | {"train/error": loss.detach() / 0.0}


class HasADeadEnd(IndependentQLearning):
    def __init__(self, spec, **settings):
        super().__init__(spec, **settings)
        self.spare = nn.Linear(2, 2)


class HidesItsWeights(ValueFactorization):
    def __init__(self, spec):
        super().__init__(spec, mixer=VDNMixer, weighting=Optimistic())

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__("hidden" if name == "last_weights" else name, value)


class CountsForItself(IndependentQLearning):
    """Learns less and less, and forgets how far it was."""

    def __init__(self, spec, **settings):
        super().__init__(spec, **settings)
        self.count = 0

    def loss(self, batch, env_steps):
        self.count += 1
        loss, metrics = super().loss(batch, env_steps)
        return loss / self.count, metrics


class DropsOut(IndependentQLearning):
    def loss(self, batch, env_steps):
        loss, metrics = super().loss(batch, env_steps)
        return loss * (0.5 + torch.rand(())), metrics


class SeedsItsNoiseByAccident(IndependentQLearning):
    """The noise is that of the update, but also of whoever has seeded PyTorch last."""

    def loss(self, batch, env_steps):
        generator = torch.Generator().manual_seed(torch.initial_seed() + self.updates)
        loss, metrics = super().loss(batch, env_steps)
        return loss * (0.5 + torch.rand((), generator=generator)), metrics


class TurnedPolicy(Policy):
    """Takes the first available action once it is told to, and no checkpoint knows that it was."""

    turned = False

    def act(self, obs, last_actions, avail_actions, *rest):
        actions, probability, hidden = super().act(obs, last_actions, avail_actions, *rest)
        return avail_actions.argmax(-1) if self.turned else actions, probability, hidden


class ActsOtherwiseWhenLoaded(IndependentQLearning):
    def __init__(self, spec):
        super().__init__(spec, policy=TurnedPolicy)

    def on_train_end(self):
        super().on_train_end()
        assert isinstance(self.policy, TurnedPolicy)
        self.policy.turned = True
