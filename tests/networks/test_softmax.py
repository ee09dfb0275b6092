"""Softmax policies where not everything is available."""

import pytest
import torch
from torch.distributions import Categorical

from remix.networks.softmax import entropy, expectation, log_policy, with_exploration

AVAILABLE = torch.tensor([[True, True, False], [False, True, False], [True, True, True]])
OUTPUTS = torch.tensor([[1.0, 2.0, 50.0], [3.0, -100.0, 3.0], [0.0, 0.0, 1e4]])


def test_what_is_not_available_has_no_share():
    policy = log_policy(OUTPUTS, AVAILABLE).exp()
    odds = torch.tensor([1.0, 2.0]).softmax(0)
    torch.testing.assert_close(
        policy, torch.tensor([[odds[0], odds[1], 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    )


def test_temperature_divides_the_outputs():
    torch.testing.assert_close(
        log_policy(OUTPUTS, AVAILABLE, 2.0), log_policy(OUTPUTS / 2.0, AVAILABLE), equal_nan=True
    )


@pytest.mark.parametrize("exploration", [0.0, 0.25, 1.0])
def test_exploration_mixes_in_a_uniform_choice(exploration):
    policy = log_policy(OUTPUTS, AVAILABLE)
    mixed = with_exploration(policy, AVAILABLE, exploration).exp()
    uniform = torch.tensor([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [1 / 3] * 3])
    torch.testing.assert_close(mixed, (1 - exploration) * policy.exp() + exploration * uniform)


def test_expectation_ignores_values_of_what_is_impossible():
    values = torch.tensor([[1.0, 3.0, torch.nan], [torch.inf, 7.0, torch.nan], [0.0, 0.0, 2.0]])
    policy = with_exploration(log_policy(torch.zeros(3, 3), AVAILABLE), AVAILABLE, 0.5)
    torch.testing.assert_close(expectation(policy, values), torch.tensor([2.0, 7.0, 2.0 / 3.0]))


def test_entropy_is_that_of_the_available_actions():
    outputs = torch.randn(1, 3)
    expected = Categorical(logits=outputs[0, :2]).entropy()
    torch.testing.assert_close(entropy(log_policy(outputs, AVAILABLE[:1]))[0], expected)
    assert entropy(log_policy(outputs, AVAILABLE[1:2])).item() == 0.0


@pytest.mark.parametrize("exploration", [0.0, 0.3])
def test_gradients_are_finite_where_something_is_not_available(exploration):
    outputs = OUTPUTS.clone().requires_grad_()
    policy = with_exploration(log_policy(outputs, AVAILABLE), AVAILABLE, exploration)
    (entropy(policy).sum() + expectation(policy, torch.randn(3, 3)).sum() + policy[:, 1].sum()).backward()
    assert outputs.grad is not None and outputs.grad.isfinite().all()
    assert not outputs.grad[~AVAILABLE].any()
