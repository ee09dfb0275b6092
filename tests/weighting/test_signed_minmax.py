"""The mapping that the paper's authors probably ran, free of NaN."""

from dataclasses import replace

import pytest
import torch

from remix.checking.transitions import make_inputs
from remix.weighting.mappings import CappedLinear
from remix.weighting.optimistic import Optimistic
from remix.weighting.regret_minimizing import RegretMinimizing
from remix.weighting.signed_minmax import SignedMinMax, stretched

TABLE = [
    ([1, 2, 3, 10, 0, 0], [0.2125, 0.325, 0.4375, 1, 0.1, 0.1], [0.2125, 0.325, 0.4375, 1, 0.1, 0.1]),
    (
        [1, 2, 3, 10, -2, 0],
        [0.455263, 0.573684, 0.692105, 1, 0.1, 0.336842],
        [0.260714, 0.421429, 0.582143, 1, 0.1, 0.1],
    ),
    ([4, -1, -9, 0], [1, 1, 0.1, 1], [0.1] * 4),
    ([5, -5, 0], [1, 0.1, 1], [0.1] * 3),
    ([-3, -1, 0], [0.1] * 3, [0.1] * 3),
    ([1, 2, 3, 10], [0.1, 0.228571, 0.357143, 1], [0.1, 0.228571, 0.357143, 1]),
    ([5, 5, 5], [1] * 3, [1] * 3),
    ([0, 0, 0], [0.1] * 3, [0.1] * 3),
]
"""Raw weights, of which 0 stands for an over-estimated transition, and the weights in both readings."""


def inputs_of(raw: list[float]):
    """One agent; the slope makes the gradient 1 or -1, and the Bellman error the raw weight."""
    values = torch.tensor(raw, dtype=torch.float32)
    n = len(raw)
    return make_inputs(
        n,
        joint_value=torch.zeros(n),
        target=torch.where(values == 0.0, -1.0, values.abs()),
        central_value=torch.zeros(n),
        utilities=torch.where(values < 0.0, 60.0, 0.0).view(n, 1, 1) * torch.tensor([[[1.0, -1.0]]]),
        avail_actions=torch.ones(n, 1, 2, dtype=torch.bool),
        actions=torch.zeros(n, 1, dtype=torch.int64),
        slopes=torch.full((n, 1), 0.25),
    )


@pytest.mark.parametrize(("raw", "kept", "floored"), TABLE)
def test_both_readings(raw, kept, floored):
    inputs = inputs_of(raw)
    mapped = SignedMinMax(warmup_steps=0)
    assert mapped(inputs).values.tolist() == pytest.approx(kept, abs=2e-6)
    minimum = SignedMinMax(warmup_steps=0, negative="floored", overestimated="minimum")
    assert minimum(inputs).values.tolist() == pytest.approx(floored, abs=2e-6)


def test_over_estimated_transitions_rise_above_the_minimum_unless_told_otherwise():
    inputs = inputs_of([1, 2, 3, 10, -2, 0])
    assert SignedMinMax(warmup_steps=0)(inputs).values[-1] > 0.3
    assert SignedMinMax(warmup_steps=0, overestimated="minimum")(inputs).values[-1].item() == pytest.approx(
        0.1
    )


def test_without_negative_gradients_and_with_zeros_it_is_the_capped_linear_mapping():
    inputs = make_inputs(200)
    inputs = replace(inputs, slopes=inputs.given("slopes").clamp(max=0.05))
    expected = RegretMinimizing(warmup_steps=0, mapping=CappedLinear())
    assert (expected.log_factors(inputs)["mixing_gradient"].isfinite()).all()
    torch.testing.assert_close(SignedMinMax(warmup_steps=0)(inputs).values, expected(inputs).values)


def test_optimistic_weights_during_the_warm_up():
    before = make_inputs(env_steps=29_999)
    assert torch.equal(SignedMinMax()(before).values, Optimistic()(before).values)


@pytest.mark.parametrize("n", [1, 2, 40])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e10, 1e30])
@pytest.mark.parametrize("negative", ["kept", "floored"])
def test_weights_are_numbers_in_the_range(negative, scale, n):
    for seed in range(5):
        inputs = make_inputs(n, seed)
        names = ("joint_value", "target", "utilities", "central_value", "slopes")
        inputs = replace(inputs, **{name: scale * getattr(inputs, name) for name in names})
        weights, diagnostics = SignedMinMax(warmup_steps=0, negative=negative)(inputs)
        assert ((weights >= 0.1 - 1e-6) & (weights <= 1.0)).all()
        assert not any(value.isinf() for value in diagnostics.values())


def test_a_common_factor_changes_nothing():
    raw = torch.tensor([1.0, 4.0, -2.0, 0.0])
    assert torch.equal(stretched(raw, raw.sum(), False), stretched(8 * raw, 8 * raw.sum(), False))
