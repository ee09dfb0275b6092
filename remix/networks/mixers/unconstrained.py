"""QMIX's network without its constraint (Hu et al., 2026)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from remix.networks.features import Rows
from remix.networks.mixers.base import NOTHING_ELSE, Context
from remix.networks.mixers.qmix import QMixer


class UnconstrainedMixer(QMixer):
    """Two-layer ELU network whose weights from the state may have any sign.

    Nothing makes the agents' own best actions the best together. The layers of PyTorch compute it.

    The parameters are those of :class:`QMixer`.
    """

    monotonic = False

    def value_and_slopes(
        self, utilities: Tensor, state: Rows, context: Context = NOTHING_ELSE
    ) -> tuple[Tensor, Tensor]:
        made = (self.first_weight(state), self.second_weight(state), self.first_bias(state))
        first, second, bias = (tensor.to(utilities.dtype) for tensor in made)
        first = first.view(-1, self.n_agents, self.embed_dim)
        with torch.autocast(utilities.device.type, enabled=False):
            hidden = torch.baddbmm(bias.unsqueeze(1), utilities.unsqueeze(1), first).squeeze(1)
            value = (F.elu(hidden) * second).sum(-1) + self.state_value(state).squeeze(-1)
            with torch.no_grad():
                unit_slopes = hidden.clamp(max=0.0).exp()
                slopes = torch.bmm(first, (unit_slopes * second).unsqueeze(-1)).squeeze(-1)
        return value, slopes
