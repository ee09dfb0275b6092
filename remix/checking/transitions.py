"""Inputs of weightings: ordinary ones, and such as only happen once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from remix.weighting.base import WeightingInputs

OPTIONAL = frozenset(field.name for field in fields(WeightingInputs) if field.default is None)
"""Names of the inputs that a weighting has to require."""


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
        "recognised_gap": 0.2 * normal(n).abs(),
    }
    return WeightingInputs(**(values | changes))


def selected(inputs: WeightingInputs, rows: Tensor) -> WeightingInputs:
    """Some of the transitions, or all in another order."""
    return changed(inputs, lambda value: value[rows])


def changed(inputs: WeightingInputs, change: Callable[[Tensor], Tensor]) -> WeightingInputs:
    """With every tensor changed."""
    tensors = {name: change(value) for name, value in vars(inputs).items() if isinstance(value, Tensor)}
    return WeightingInputs(**(vars(inputs) | tensors))


def extremes(seed: int = 0) -> dict[str, WeightingInputs]:
    """Batches that training may come to, by what is special about them."""
    usual = make_inputs(seed=seed)
    one, target, value = make_inputs(1, seed), usual.target, usual.joint_value
    only = torch.zeros_like(usual.avail_actions).scatter(-1, usual.actions.unsqueeze(-1), True)
    central = ("central_value", "target_central_value", "greedy_central_value")
    assert usual.slopes is not None and usual.behaviour is not None
    return {
        "one transition": one,
        "equal transitions": selected(one, torch.zeros(8, dtype=torch.int64)),
        "no Bellman error": replace(usual, target=value),
        "only under-estimated values": replace(usual, target=value + target.abs()),
        "only over-estimated values": replace(usual, target=value - target.abs()),
        "huge Bellman errors": replace(usual, target=1e30 * target),
        "tiny Bellman errors": replace(usual, joint_value=0 * value, target=1e-30 * target),
        "huge central values": replace(usual, **{name: 1e30 * getattr(usual, name) for name in central}),
        "huge utilities": replace(usual, utilities=1e30 * usual.utilities),
        "slopes of 0": replace(usual, slopes=0 * usual.slopes),
        "huge slopes": replace(usual, slopes=1e30 * usual.slopes),
        "one available action": replace(usual, avail_actions=only),
        "improbable actions": replace(usual, behaviour=1e-30 * usual.behaviour),
    }
