"""The 3x3 game projected under many weightings at once, from many initialisations: nothing is learned."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from remix.envs.games import MatrixGame
from remix.networks.feedforward import side_by_side
from remix.networks.mixers.qmix import QMixer
from remix.networks.mixing import mix
from remix.weighting.base import Weighting, WeightingInputs

PAYOFF = [[8.0, -12.0, -12.0], [-12.0, 0.0, 0.0], [-12.0, 0.0, 0.0]]
HARD = [[8.0, -12.0, -12.0], [-12.0, 0.0, 0.0], [-12.0, 0.0, 7.9]]
"""Here another joint action is nearly as good as the optimum, and easier to find."""

UNITS = 32  # of the mixing layer
JOINT = torch.cartesian_prod(torch.arange(3), torch.arange(3))


def shares_at_the_optimum(
    weightings: Sequence[Weighting],
    payoff: list[list[float]],
    n_starts: int,
    iterations: int = 400,
    steps_per_iteration: int = 0,
) -> list[float]:
    """For each weighting, the share of initialisations whose greedy joint action is the best one at last.

    Adam fits six utilities and the mixing weights of a fresh ``QMixer`` to the payoff: target and Q* at once.
    All nine joint actions count alike.

    :param steps_per_iteration: environment steps that a weighting is told to have gone by.
    """
    target, n = torch.tensor(payoff).flatten(), len(weightings)
    parameters = [nn.Parameter(part.repeat(n, *[1] * (part.ndim - 1))) for part in _starts(payoff, n_starts)]
    utilities, mixing = parameters
    optimizer = torch.optim.Adam(parameters, lr=0.02)
    for iteration in range(iterations):
        taken = utilities[:, [0, 1], JOINT].flatten(0, 1)
        value, slopes = mix(taken, mixing.repeat_interleave(9, 0), UNITS)
        value = value.view(n, n_starts, 9)
        now = value.detach(), slopes.view(n, n_starts, 9, 2), utilities.detach().view(n, n_starts, 2, 3)
        steps = iteration * steps_per_iteration
        weights = torch.stack(
            [
                _weigh(weighting, target, steps, *parts)
                for weighting, *parts in zip(weightings, *now, strict=True)
            ]
        )
        optimizer.zero_grad()
        (weights * (value - target).square()).sum().backward()
        optimizer.step()
    greedy = utilities.detach().view(n, n_starts, 2, 3).argmax(-1)
    return (greedy == 0).all(-1).float().mean(1).tolist()


def _starts(payoff: list[list[float]], n_starts: int) -> list[Tensor]:
    """Utilities and mixing weights to begin with, one of each for every initialisation."""
    spec, starts = MatrixGame(payoff).spec, []
    for seed in range(n_starts):
        torch.manual_seed(seed)
        mixer = QMixer(spec, embed_dim=UNITS)
        networks = [mixer.first_weight, mixer.first_bias, mixer.second_weight, mixer.state_value]
        starts.append([torch.randn(2, 3) / 10, side_by_side(networks, torch.ones(1, 1)).detach()[0]])
    return [torch.stack(parts) for parts in zip(*starts, strict=True)]


def _weigh(
    weighting: Weighting, target: Tensor, env_steps: int, value: Tensor, slopes: Tensor, utilities: Tensor
) -> Tensor:
    """Weights ``[inits, 9]``."""

    def weigh(value: Tensor, slopes: Tensor, utilities: Tensor) -> Tensor:
        row, column = utilities.argmax(-1).unbind()
        inputs = WeightingInputs(
            joint_value=value,
            target=target,
            utilities=utilities.expand(9, 2, 3),
            avail_actions=torch.ones(9, 2, 3, dtype=torch.bool),
            actions=JOINT,
            env_steps=env_steps,
            central_value=target,
            target_central_value=target,
            greedy_central_value=target.view(3, 3)[row, column].expand(9),
            slopes=slopes,
            behaviour=torch.full((9, 2), 1 / 3),
        )
        return weighting(inputs).values

    weights: Tensor = torch.vmap(weigh)(value, slopes, utilities)
    return weights
