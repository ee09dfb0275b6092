"""What mixers want to know of a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from remix.learning.episodes import Batch, agent_rows
from remix.networks.mixers.base import Context, Mixer


def mixer_context(
    mixer: Mixer, batch: Batch, utilities: Tensor, avail_actions: Tensor, actions: Tensor, points: Tensor
) -> Context:
    """Of the joint actions taken at K of the M time points, as far as the mixer asks for it.

    :param utilities: ``[M, N, A]``.
    :param avail_actions: bool ``[M, N, A]``.
    :param actions: int64 ``[K, N]``.
    :param points: int64 ``[K]``.
    """
    required = mixer.requires
    maxima = obs = None
    if "maxima" in required:
        maxima = utilities[points].masked_fill(~avail_actions[points], -torch.inf).amax(-1)
    if "obs" in required:
        obs = batch.obs_rows()[agent_rows(points, batch.spec.n_agents)]
    return Context(actions if "actions" in required else None, maxima, obs)
