"""QMIX (Rashid et al., 2018)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from remix.envs.spec import EnvSpec
from remix.networks.features import Rows, compiles
from remix.networks.feedforward import FeedForward, side_by_side
from remix.networks.mixers.base import NOTHING_ELSE, Context, Mixer
from remix.networks.mixing import mix
from remix.settings import checks


class QMixer(Mixer):
    """Two-layer ELU network whose non-negative weights come from the state.

    :param embed_dim: m, width of the mixing layer.
    :param hypernet_dim: width of the networks that make its weights.
    """

    def __init__(self, spec: EnvSpec, embed_dim: int = 32, hypernet_dim: int = 64) -> None:
        super().__init__()
        checks.whole("embed_dim", embed_dim, minimum=1)
        checks.whole("hypernet_dim", hypernet_dim, minimum=1)
        size, self.n_agents, self.embed_dim = spec.state_size, spec.n_agents, embed_dim
        self.first_weight = FeedForward(size, hypernet_dim, self.n_agents * embed_dim)
        self.first_bias = FeedForward(size, embed_dim)
        self.second_weight = FeedForward(size, hypernet_dim, embed_dim)
        self.state_value = FeedForward(size, embed_dim, 1)

    def value_and_slopes(
        self, utilities: Tensor, state: Rows, context: Context = NOTHING_ELSE
    ) -> tuple[Tensor, Tensor]:
        """Slopes of paper Lemma 1, with ELU's own slope for every hidden unit (not one outside the sum)."""
        networks = [self.first_weight, self.first_bias, self.second_weight, self.state_value]
        weights = side_by_side(networks, state)
        if compiles(weights):
            return mix(utilities, weights, self.embed_dim)
        # Autocast may have left the weights in half precision; the sums over agents and units are not.
        with torch.autocast(utilities.device.type, enabled=False):
            units = self.embed_dim
            parts = weights.to(utilities.dtype).split([self.n_agents * units, units, units, 1], dim=-1)
            first, bias, second, state_value = parts[0].abs(), parts[1], parts[2].abs(), parts[3]
            first = first.view(-1, self.n_agents, self.embed_dim)
            hidden = torch.baddbmm(bias.unsqueeze(1), utilities.unsqueeze(1), first).squeeze(1)
            value = (F.elu(hidden) * second).sum(-1) + state_value.squeeze(-1)
            with torch.no_grad():
                unit_slopes = hidden.clamp(max=0.0).exp()
                slopes = torch.bmm(first, (unit_slopes * second).unsqueeze(-1)).squeeze(-1)
        return value, slopes
