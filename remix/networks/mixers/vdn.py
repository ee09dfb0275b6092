"""VDN (Sunehag et al., 2017)."""

from __future__ import annotations

import torch
from torch import Tensor

from remix.envs.spec import EnvSpec
from remix.networks.features import Rows
from remix.networks.mixers.base import NOTHING_ELSE, Context, Mixer


class VDNMixer(Mixer):
    """The sum of the utilities; every slope is 1."""

    def __init__(self, spec: EnvSpec) -> None:
        super().__init__()

    def value_and_slopes(
        self, utilities: Tensor, state: Rows, context: Context = NOTHING_ELSE
    ) -> tuple[Tensor, Tensor]:
        return utilities.sum(-1), torch.ones_like(utilities)
