"""ReMIX with the Boltzmann policies of standardised utilities."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from torch import Tensor

from remix.settings import checks
from remix.weighting.base import WeightingInputs
from remix.weighting.regret_minimizing import RegretMinimizing

SMALLEST_SPREAD = 1e-4


class Standardised(RegretMinimizing):
    """Utilities are measured in units of their own spread before the policies are made of them.

    In training utilities drift apart, until policies are certain and the mixing gradient is negative whatever
    the mixer does. Standardised ones never are: with six actions no probability exceeds 0.75.

    :param per: whose spread: of each ``agent``, or of all agents of a ``time_point`` together.
    :param scale_slopes: multiply slopes by the spread, as the derivative by a standardised utility demands.

    The other parameters are those of :class:`RegretMinimizing`.
    """

    def __init__(
        self,
        *,
        per: Literal["agent", "time_point"] = "agent",
        scale_slopes: bool = True,
        **inherited: Any,
    ) -> None:
        super().__init__(**inherited)
        self.per, self.scale_slopes = checks.choice("per", per, ("agent", "time_point")), scale_slopes

    def log_factors(self, inputs: WeightingInputs) -> dict[str, Tensor]:
        centred, spread = centred_utilities(inputs.utilities, inputs.avail_actions, self.per)
        inputs = replace(inputs, utilities=centred / spread.clamp(min=SMALLEST_SPREAD).unsqueeze(-1))
        if self.scale_slopes and inputs.slopes is not None:
            inputs = replace(inputs, slopes=inputs.slopes * spread)
        return super().log_factors(inputs)


def centred_utilities(utilities: Tensor, avail_actions: Tensor, per: str) -> tuple[Tensor, Tensor]:
    """Distances ``[K, N, A]`` from the agent's mean over its available actions, and their spread ``[K, N]``.

    :param per: as for :class:`Standardised`; a spread is the root of a mean square.
    """
    count = avail_actions.sum(-1)
    mean = utilities.masked_fill(~avail_actions, 0.0).sum(-1) / count
    centred = (utilities - mean.unsqueeze(-1)).masked_fill(~avail_actions, 0.0)
    squares = centred.square().sum(-1)
    if per == "agent":
        return centred, (squares / count).sqrt()
    together = squares.sum(-1, keepdim=True) / count.sum(-1, keepdim=True)
    return centred, together.sqrt().expand_as(squares)
