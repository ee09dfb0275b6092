"""What can be wrong with a mixer."""

from __future__ import annotations

import torch
from torch import nn

from remix.networks.feedforward import FeedForward
from remix.networks.mixers.base import NOTHING_ELSE, Mixer


class Sound(Mixer):
    """``sum_i |w_i(s)| Q_i``."""

    def __init__(self, spec):
        super().__init__()
        self.weight: nn.Module = FeedForward(spec.state_size, 8, spec.n_agents)

    def slopes(self, state):
        return self.weight(state).abs()

    def value_and_slopes(self, utilities, state, context=NOTHING_ELSE):
        slopes = self.slopes(state).to(utilities.dtype)
        return (slopes * utilities).sum(-1), slopes.detach()


class NoMixer(nn.Module):
    def __init__(self, spec):
        super().__init__()


def makes_no_mixer(spec) -> Mixer:
    return NoMixer(spec)  # type: ignore[return-value]


class WantsTheMoon(Sound):
    requires = frozenset({"moon"})


class Quits(Sound):
    def value_and_slopes(self, utilities, state, context=NOTHING_ELSE):
        raise SystemExit(3)


class KeepsAnAxis(Sound):
    def value_and_slopes(self, utilities, state, context=NOTHING_ELSE):
        value, slopes = super().value_and_slopes(utilities, state, context)
        return value.unsqueeze(-1), slopes


class TakesNoContext(Sound):
    def value_and_slopes(self, utilities, state):  # type: ignore[override]
        return super().value_and_slopes(utilities, state)


class LeavesAGradient(Sound):
    def value_and_slopes(self, utilities, state, context=NOTHING_ELSE):
        slopes = self.slopes(state).to(utilities.dtype)
        return (slopes * utilities).sum(-1), slopes


class DropsOut(Sound):
    def slopes(self, state):
        return nn.functional.dropout(super().slopes(state), 0.5)


class ReadsTheActions(Sound):
    def value_and_slopes(self, utilities, state, context=NOTHING_ELSE):
        value, slopes = super().value_and_slopes(utilities, state, context)
        return value + context.actions.sum(-1), slopes


class HasOtherSlopes(Sound):
    def value_and_slopes(self, utilities, state, context=NOTHING_ELSE):
        value, slopes = super().value_and_slopes(utilities, state, context)
        return value, slopes + 0.1


class Falls(Sound):
    def slopes(self, state):
        return self.weight(state)


class Honest(Falls):
    monotonic = False


class Interferes(Sound):
    """Rises with every utility taken, but not with the agents' own best ones: those are taken from it."""

    requires = frozenset({"maxima"})

    def value_and_slopes(self, utilities, state, context=NOTHING_ELSE):
        value, slopes = super().value_and_slopes(utilities, state, context)
        best = utilities >= context.maxima
        return value - 100.0 * best.all(-1), slopes


class LooksAround(Sound):
    def slopes(self, state):
        slopes = super().slopes(state)
        return slopes / slopes.mean()


class ReadsDenseRows(Sound):
    def __init__(self, spec):
        super().__init__(spec)
        self.weight = nn.Linear(spec.state_size, spec.n_agents)


class KnowsOnePrecision(ReadsDenseRows):
    def slopes(self, state):
        return super().slopes(state.float())


class HasADeadEnd(Sound):
    def __init__(self, spec):
        super().__init__(spec)
        self.spare = nn.Parameter(torch.ones(3))


class ForgetsAnAgent(Sound):
    def slopes(self, state):
        slopes = super().slopes(state)
        return torch.cat((torch.zeros_like(slopes[:, :1]), slopes[:, 1:]), dim=-1)


class HidesAWeight(Sound):
    def __init__(self, spec):
        super().__init__(spec)
        self.hidden = torch.rand(spec.n_agents)

    def slopes(self, state):
        return super().slopes(state) * self.hidden
