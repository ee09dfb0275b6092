"""Weights that ask Q* instead of the sampled target."""

import pytest
import torch

from remix.checking.transitions import make_inputs
from remix.weighting.optimistic import Optimistic
from remix.weighting.optimistic_central import OptimisticCentral
from remix.weighting.regret_minimizing import RegretMinimizing
from remix.weighting.regret_minimizing_central import RegretMinimizingCentral


@pytest.fixture
def lucky():
    """The sampled target misleads in the second and the third of four transitions."""
    return make_inputs(
        4,
        joint_value=torch.ones(4),
        target=torch.tensor([2.0, 0.5, 2.0, 0.5]),
        central_value=torch.tensor([1.5, 1.5, 0.5, 0.5]),
    )


def test_optimistic_weights_by_q_star(lucky):
    weights, diagnostics = OptimisticCentral()(lucky)
    assert weights.tolist() == pytest.approx([1.0, 1.0, 0.1, 0.1])
    assert Optimistic()(lucky).values.tolist() == pytest.approx([1.0, 0.1, 1.0, 0.1])
    assert diagnostics["weighting/condition_disagreement"].item() == 0.5


def test_raw_weights_by_q_star(lucky):
    weighting = RegretMinimizingCentral(warmup_steps=0, mixing_gradient=False)
    factors = weighting.log_factors(lucky).values()
    assert torch.stack(list(factors)).sum(0).exp().tolist() == pytest.approx([0.824361, 0.824361, 0.0, 0.0])
    weights, diagnostics = weighting(lucky)
    assert weights.tolist() == pytest.approx([1.0, 1.0, 0.1, 0.1])
    assert diagnostics["weighting/condition_disagreement"].item() == 0.5


def test_where_q_star_is_the_target_nothing_changes():
    inputs = make_inputs(200)
    inputs = make_inputs(200, central_value=inputs.target)
    pairs = [
        (OptimisticCentral(0.3), Optimistic(0.3)),
        (RegretMinimizingCentral(warmup_steps=0), RegretMinimizing(warmup_steps=0)),
    ]
    for central, usual in pairs:
        assert torch.equal(central(inputs).values, usual(inputs).values)


def test_the_network_that_is_asked_can_be_the_target_copy():
    assert OptimisticCentral(central_network="target").requires == {"target_central_value"}
    weighting = RegretMinimizingCentral(central_network="target", value_underestimation=False)
    assert weighting.requires == {"target_central_value", "slopes"}
