"""ReMIX with both logarithms of the paper's bound (Eq. 20) differentiated, where Eq. 26 drops the first."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor

from remix.settings import checks
from remix.weighting.base import WeightingInputs
from remix.weighting.regret_minimizing import RegretMinimizing


class BothLogarithms(RegretMinimizing):
    """The optimal joint action's mixing-gradient factor is ``G + 1 / rho``, which is never negative.

    The bound is the sum of two logarithms: of ``E[exp(Q_tot - Q*)]`` at the optimal joint actions, and of
    ``E[exp(Q* - Q_tot)]`` at those that the policies take. The derivative of the second is the paper's
    weight. The derivative of the first adds ``1 / rho`` to the factor of the optimal action, where rho in
    (0, 1] is the share of that action in the second expectation. Once policies are certain, G falls to -1,
    and the paper gives the optimum the minimum weight just where it is needed. Here it keeps its weight.

    An action counts as optimal if it is the agents' greedy one, or if Q* prefers it to that.

    :param share: rho of such actions. 1 is the smallest correction, ``G + 1``; smaller numbers give them
        more. ``batch`` estimates it: the action's probability under the policies times ``exp(Q* - Q_tot)``,
        over the mean of that in the batch, although histories differ in the level of their values.
    :param share_floor: lower bound of an estimated share.

    The other parameters are those of :class:`RegretMinimizing`.
    """

    def __init__(
        self, *, share: float | Literal["batch"] = 1.0, share_floor: float = 0.01, **inherited: Any
    ) -> None:
        super().__init__(**inherited)
        self.share: float | Literal["batch"]
        self.share = "batch" if share == "batch" else checks.number("share", share, above=0, maximum=1)
        self.share_floor = checks.number("share_floor", share_floor, above=0, maximum=1)
        wanted = {"target_central_value", "greedy_central_value"}
        if share == "batch":
            wanted |= {self.central_input, "behaviour"}
        if self.mixing_gradient:
            self.requires |= wanted

    def gradient(self, log_policy: Tensor, inputs: WeightingInputs) -> Tensor:
        optimal = optimal_candidates(inputs)
        offset = 0.0 if self.negative_gradient == "without_offset" else 1.0
        # The summands without the propensity are added up first: of 1 - 1 nothing is left to round.
        added = torch.where(optimal, self._inverse_share(log_policy, inputs) - offset, -offset)
        return self.propensity(log_policy, inputs) + added

    def _inverse_share(self, log_policy: Tensor, inputs: WeightingInputs) -> Tensor:
        """``1 / rho``, ``[K]``."""
        if not isinstance(self.share, str):
            return torch.full_like(inputs.target, 1.0 / self.share)
        log_policy = log_policy.sum(-1)
        gap = inputs.given(self.central_input) - inputs.joint_value
        bound = math.log(self.on_policiness_clip)
        log_ratio = (log_policy - inputs.given("behaviour").log().sum(-1)).clamp(-bound, bound)
        log_mean = (log_ratio + gap).logsumexp(0) - math.log(len(gap))
        log_share = log_policy + gap - log_mean
        return (-log_share.clamp(math.log(self.share_floor), 0.0)).exp()


def optimal_candidates(inputs: WeightingInputs) -> Tensor:
    """Bool ``[K]``: the taken joint action is greedy, or worth more than the greedy one by the target Q*."""
    promising = inputs.given("target_central_value") > inputs.given("greedy_central_value")
    return inputs.greedy | promising
