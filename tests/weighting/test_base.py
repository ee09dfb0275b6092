"""The weight range, the simple weightings and how even weights are."""

import pytest
import torch

from remix.checking.transitions import make_inputs
from remix.settings.errors import SettingError
from remix.weighting.base import effective_sample_size
from remix.weighting.optimistic import Optimistic
from remix.weighting.signed_minmax import SignedMinMax
from remix.weighting.standardised import Standardised
from remix.weighting.uniform import Uniform


def test_uniform_weights_are_all_1():
    assert torch.equal(Uniform()(make_inputs(5)).values, torch.ones(5))


def test_optimistic_weights_follow_the_sign_of_the_error():
    inputs = make_inputs(joint_value=torch.tensor([1.0, 2.0, 3.0]), target=torch.full((3,), 2.0))
    weights, _ = Optimistic(min_weight=0.25, max_weight=0.75)(inputs)
    assert weights.tolist() == [0.75, 0.25, 0.25]


@pytest.mark.parametrize("ends", [(0.1, 1.0), (0.02, 0.1), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0)])
def test_scores_0_and_1_are_the_ends_of_the_range_exactly(ends):
    weights = Optimistic(*ends).between(torch.tensor([0.0, 1.0]))
    assert torch.equal(weights, torch.tensor(ends))


@pytest.mark.parametrize("ends", [(-0.1, 1.0), (0.6, 0.5), (0.0, -1.0), (float("nan"), 1.0)])
def test_impossible_range(ends):
    with pytest.raises(
        SettingError, match=r"_weight=\S+: must be (a number of at least 0|at most max_weight)"
    ):
        Optimistic(*ends)


@pytest.mark.parametrize(
    ("kind", "choice"),
    [
        (Standardised, {"per": "agents"}),
        (SignedMinMax, {"negative": "keep"}),
        (SignedMinMax, {"overestimated": "min"}),
    ],
)
def test_no_other_choice_is_taken_for_one_that_there_is(kind, choice):
    ((name, value),) = choice.items()
    with pytest.raises(SettingError, match=f"{name}={value}: must be one of"):
        kind(**choice)


def test_missing_input_is_named():
    with pytest.raises(ValueError, match="'slopes'"):
        make_inputs(slopes=None).given("slopes")


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([0.3] * 5, 1.0), ([1.0, 0.0, 0.0, 0.0], 0.25), ([1.0, 3.0], 16 / 20), ([0.0, 0.0], 0.0)],
)
def test_effective_sample_size(weights, expected):
    assert effective_sample_size(torch.tensor(weights)).item() == pytest.approx(expected)
