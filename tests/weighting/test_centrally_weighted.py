"""CW-QMIX: full weight for greedy and for promising joint actions."""

import torch

from remix.checking.transitions import make_inputs
from remix.weighting.centrally_weighted import CentrallyWeighted
from remix.weighting.optimistic import Optimistic

# One transition of two agents; the best action of agent 1 is not available.
UTILITIES = torch.tensor([[[1.0, 3.0, 2.0], [9.0, 1.0, 4.0]]])
AVAIL_ACTIONS = torch.tensor([[[True, True, True], [False, True, True]]])


def weight(actions, target, greedy_central_value):
    inputs = make_inputs(
        1,
        utilities=UTILITIES,
        avail_actions=AVAIL_ACTIONS,
        actions=torch.tensor([actions]),
        target=torch.tensor([target]),
        greedy_central_value=torch.tensor([greedy_central_value]),
    )
    return round(CentrallyWeighted(min_weight=0.1)(inputs).values.item(), 6)


def test_greedy_joint_action():
    assert weight([1, 2], target=0.0, greedy_central_value=5.0) == 1.0


def test_one_agent_that_is_not_greedy_is_enough():
    assert weight([2, 2], target=0.0, greedy_central_value=5.0) == 0.1
    assert weight([1, 1], target=0.0, greedy_central_value=5.0) == 0.1


def test_target_above_the_greedy_value_promises_more():
    assert weight([2, 1], target=5.1, greedy_central_value=5.0) == 1.0
    assert weight([2, 1], target=5.0, greedy_central_value=5.0) == 0.1


def test_weights_take_two_values():
    values = CentrallyWeighted(0.25, 0.5)(make_inputs(200)).values
    assert set(values.tolist()) == {0.25, 0.5}


def test_equal_ends_make_it_the_same_as_optimistic_weights():
    inputs = make_inputs()
    assert torch.equal(CentrallyWeighted(1.0)(inputs).values, Optimistic(1.0)(inputs).values)
