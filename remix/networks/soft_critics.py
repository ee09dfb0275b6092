"""Critics of all agents' actions whose values include later entropy (Zhang et al., 2021, FOP)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from remix.envs.spec import EnvSpec
from remix.networks.features import Rows
from remix.networks.feedforward import FeedForward
from remix.networks.mixers.base import Context, Mixer, build_mixer
from remix.networks.softmax import gather


def soft_values(values: Tensor, avail_actions: Tensor, temperature: float) -> Tensor:
    """``v = alpha logsumexp_a(Q(a) / alpha)`` ``[...]`` over the available of ``[..., A]`` actions.

    ``exp((Q - v) / alpha)`` is the policy of highest soft value; with alpha going to 0 v is the maximum.
    """
    scaled = (values / temperature).masked_fill(~avail_actions, -torch.inf)
    return temperature * scaled.logsumexp(-1)


@dataclass(frozen=True)
class Situations:
    """What the critics know of R time points.

    :param inputs: ``[R * N, I]``, of every agent.
    :param state: ``[R, S]``.
    :param avail_actions: bool ``[R, N, A]``.
    """

    inputs: Rows
    state: Rows
    avail_actions: Tensor


class SoftCritic(nn.Module):
    """Values of every agent's actions, the same network for all agents, and the mixer that joins them.

    :param input_size: width of an input row.
    :param hidden_size: width of both hidden layers.
    :param mixer: builds the mixer from the spec.
    """

    def __init__(
        self, spec: EnvSpec, input_size: int, hidden_size: int, mixer: Callable[[EnvSpec], Mixer]
    ) -> None:
        super().__init__()
        self.shape = (-1, spec.n_agents, spec.n_actions)
        self.network = FeedForward(input_size, hidden_size, hidden_size, spec.n_actions)
        self.mixer = build_mixer(mixer, spec)

    def values(self, situations: Situations) -> Tensor:
        """``Q_i(a) [R, N, A]``."""
        outputs: Tensor = self.network(situations.inputs)
        return outputs.view(self.shape).float()

    def joint_value(
        self, values: Tensor, actions: Tensor, situations: Situations, temperature: float
    ) -> Tensor:
        """``Q_tot [R]`` of the joint ``actions [R, N]``, given :meth:`values` of the same situations."""
        maxima = soft_values(values.detach(), situations.avail_actions, temperature)
        context = Context(actions=actions, maxima=maxima)
        value: Tensor = self.mixer(gather(values, actions), situations.state, context)
        return value.float()
