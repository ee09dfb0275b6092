"""What can be wrong with a weighting."""

from __future__ import annotations

import torch

from remix.weighting.base import Weighting, Weights
from remix.weighting.optimistic import Optimistic


class Sound(Weighting):
    """The share of the Bellman error in the largest one, in the range."""

    def score(self, inputs):
        error = (inputs.target - inputs.joint_value).abs()
        return torch.where(error.max() > 0, error / error.max(), 0.0)

    def diagnostics(self, inputs):
        return {"weighting/score_mean": self.score(inputs).mean()}

    def __call__(self, inputs):
        return Weights(self.between(self.score(inputs)), self.diagnostics(inputs))


class HasNoRange(Sound):
    def __init__(self):
        """Forgets the base class."""


class ListsWhatItNeeds(Sound):
    requires = ("slopes",)  # type: ignore[assignment]


def makes_none() -> Weighting:
    return Weights(torch.ones(1), {})  # type: ignore[return-value]


class WantsTheMoon(Sound):
    requires = frozenset({"moon"})


class ReturnsATensor(Sound):
    def __call__(self, inputs):
        return self.between(self.score(inputs))


class KeepsAnAxis(Sound):
    def score(self, inputs):
        return super().score(inputs).unsqueeze(-1)


class Learns(Sound):
    def __init__(self):
        super().__init__()
        self.scale = torch.ones((), requires_grad=True)

    def score(self, inputs):
        return super().score(inputs) * self.scale


class ReadsTheSlopes(Sound):
    def score(self, inputs):
        return super().score(inputs) * inputs.given("slopes").mean(-1).clamp(max=1.0)


class HasNoLimit(Sound):
    def __call__(self, inputs):
        return Weights(0.1 + (inputs.target - inputs.joint_value).abs(), {})


class DividesByNothing(Sound):
    def score(self, inputs):
        error = (inputs.target - inputs.joint_value).abs()
        return error / error.max()


class PrefersTheFirst(Sound):
    def score(self, inputs):
        return 1.0 / torch.arange(1.0, len(inputs.target) + 1)


class SmoothsOverNeighbours(Sound):
    def score(self, inputs):
        score = super().score(inputs)
        return (score + score.roll(1)) / 2


class Remembers(Sound):
    mean = torch.ones(())

    def score(self, inputs):
        error = (inputs.target - inputs.joint_value).abs()
        self.mean = 0.9 * self.mean + 0.1 * error.mean()
        return (error / self.mean).clamp(max=1.0)


class ChangesItsInputs(Sound):
    def score(self, inputs):
        score = super().score(inputs)
        inputs.target.clamp_(max=0.0)
        return score


class WarmsUp(Sound):
    warmup_steps = 100

    def __init__(self):
        super().__init__()
        self.warmup: Optimistic = Optimistic(self.min_weight, self.max_weight)

    def warm(self, inputs):
        return inputs.env_steps < self.warmup_steps

    def __call__(self, inputs):
        return self.warmup(inputs) if self.warm(inputs) else super().__call__(inputs)


class ForgetsItsWarmUp(WarmsUp):
    def warm(self, inputs):
        return False


class WarmsUpAStepTooLong(WarmsUp):
    def warm(self, inputs):
        return inputs.env_steps <= self.warmup_steps


class CallsItsDiagnosticsOtherwise(Sound):
    def diagnostics(self, inputs):
        return {"score": self.score(inputs).mean()}


class ShowsInfinity(Sound):
    def diagnostics(self, inputs):
        return {"weighting/error_mean": (inputs.target - inputs.joint_value).square().mean()}
