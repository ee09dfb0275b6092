"""Suppressing competitors only."""

import pytest
import torch

from remix.checking.transitions import make_inputs
from remix.weighting.optimistic import Optimistic
from remix.weighting.selective import Selective


@pytest.fixture
def five():
    """Two agents whose greedy actions are 0, 0; how many of them take these: 0, 1, 2, 1, 0."""
    return make_inputs(
        5,
        joint_value=torch.tensor([1.0, 3.0, 3.0, 3.0, 3.0]),
        target=torch.full((5,), 2.0),
        target_central_value=torch.tensor([0.0, 1.0, 5.0, 4.5, 1.0]),
        greedy_central_value=torch.full((5,), 5.0),
        utilities=torch.tensor([1.0, 0.0]).expand(5, 2, 2),
        avail_actions=torch.ones(5, 2, 2, dtype=torch.bool),
        actions=torch.tensor([[1, 1], [0, 1], [0, 0], [1, 0], [1, 1]]),
        slopes=None,
        behaviour=None,
    )


def test_worked_example(five):
    weights, diagnostics = Selective(margin=1.0)(five)
    assert weights.tolist() == pytest.approx([1.0, 0.1, 1.0, 1.0, 0.1])
    assert diagnostics["weighting/suppressed_share"].item() == pytest.approx(0.4)
    assert Selective(margin=1.0, sharing=True)(five).values.tolist() == pytest.approx(
        [1.0, 0.1, 1.0, 1.0, 1.0]
    )
    assert Optimistic()(five).values.tolist() == pytest.approx([1.0, 0.1, 0.1, 0.1, 0.1])


def test_it_suppresses_less_than_optimistic_weights_and_in_the_end_nothing():
    inputs = make_inputs(300)
    optimistic = Optimistic()(inputs).values
    for margin in (0.0, 0.5, 1e9):
        weights = Selective(margin=margin)(inputs).values
        assert (weights >= optimistic).all()
    assert (weights == 1.0).all()
