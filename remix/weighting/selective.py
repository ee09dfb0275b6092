"""Only competitors are suppressed: over-estimated actions that Q* holds for worse than the greedy one."""

from __future__ import annotations

from remix.settings import checks
from remix.weighting.base import Weighting, WeightingInputs, Weights


class Selective(Weighting):
    """The minimum for over-estimated joint actions that are worth less than the greedy one, else the maximum.

    OW-QMIX's minimum meets every over-estimated transition. Here those that Q* holds for as good as the
    greedy joint action keep the maximum. (After the suppression of Hou et al., 2026, whose groups of states
    and intrinsic rewards it leaves out.)

    :param margin: by how much a joint action has to be worse than the greedy one, in units of value.
    :param sharing: suppress only joint actions in which some agents, but not all, take their greedy action. A
        monotonic mixer cannot value these independently of the greedy joint action.
    """

    requires: frozenset[str] = frozenset({"target_central_value", "greedy_central_value"})

    def __init__(
        self,
        min_weight: float = 0.1,
        max_weight: float = 1.0,
        margin: float = 0.0,
        sharing: bool = False,
    ) -> None:
        super().__init__(min_weight, max_weight)
        self.margin, self.sharing = checks.number("margin", margin, minimum=0.0), sharing

    def __call__(self, inputs: WeightingInputs) -> Weights:
        worse = inputs.given("target_central_value") < inputs.given("greedy_central_value") - self.margin
        suppressed = ~inputs.underestimated & worse
        if self.sharing:
            agreeing = inputs.greedy_agents.sum(-1)
            suppressed = suppressed & (agreeing > 0) & (agreeing < inputs.actions.shape[1])
        score = (~suppressed).to(inputs.target.dtype)
        return Weights(self.between(score), {"weighting/suppressed_share": suppressed.float().mean()})
