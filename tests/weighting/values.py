"""Inputs of weightings."""

from typing import Any

import torch
from torch import Tensor

from remix.weighting.base import WeightingInputs


def make_inputs(n: int = 40, seed: int = 0, **changes: Any) -> WeightingInputs:
    """Random values of n transitions of 3 agents with 4 actions, the taken ones available."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    actions = torch.randint(4, (n, 3), generator=generator)
    avail_actions = torch.rand(n, 3, 4, generator=generator) < 0.6
    values: dict[str, Any] = {
        "joint_value": normal(n),
        "target": normal(n),
        "utilities": normal(n, 3, 4),
        "avail_actions": avail_actions.scatter(-1, actions.unsqueeze(-1), True),
        "actions": actions,
        "env_steps": 1_000_000,
        "central_value": normal(n),
        "target_central_value": normal(n),
        "greedy_central_value": normal(n),
        "slopes": 0.5 * normal(n, 3).abs(),
        "behaviour": 0.05 + 0.95 * torch.rand(n, 3, generator=generator),
    }
    return WeightingInputs(**(values | changes))
