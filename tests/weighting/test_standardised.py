"""Utilities in units of their own spread."""

from dataclasses import replace

import pytest
import torch

from remix.checking.transitions import make_inputs
from remix.weighting.standardised import Standardised, centred_utilities

YES, NO = True, False


def standardised(**changes):
    return Standardised(**({"warmup_steps": 0} | changes))


@pytest.fixture
def two_agents():
    """The second agent's last action is not available."""
    return make_inputs(
        1,
        joint_value=torch.zeros(1),
        target=torch.ones(1),
        utilities=torch.tensor([[[2.0, 0.0, -1.0, -1.0], [2.0, 0.0, -1.0, 5.0]]]),
        avail_actions=torch.tensor([[[YES, YES, YES, YES], [YES, YES, YES, NO]]]),
        actions=torch.tensor([[0, 1]]),
        slopes=torch.tensor([[1.5, 0.25]]),
    )


def gradient(weighting, inputs):
    return weighting.log_factors(inputs)["mixing_gradient"].exp().item()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({}, 1.853958), ({"scale_slopes": False}, 2.556219), ({"per": "time_point"}, 1.888734)],
)
def test_worked_example(two_agents, changes, expected):
    assert gradient(standardised(**changes), two_agents) == pytest.approx(expected, rel=1e-5)


def test_spreads(two_agents):
    _, spread = centred_utilities(two_agents.utilities, two_agents.avail_actions, "agent")
    assert spread.tolist() == [pytest.approx([1.224745, 1.247219])]
    _, together = centred_utilities(two_agents.utilities, two_agents.avail_actions, "time_point")
    assert together.tolist() == [pytest.approx([1.234427] * 2)]


@pytest.mark.parametrize("per", ["agent", "time_point"])
def test_units_and_levels_of_utilities_do_not_matter(per):
    """With the same Q_tot: slopes are by the new units."""
    inputs = make_inputs(100)
    factors = torch.full((1, 3), 7.0) if per == "time_point" else torch.tensor([[0.2, 3.0, 40.0]])
    changed = replace(
        inputs,
        utilities=inputs.utilities * factors.unsqueeze(-1) + torch.tensor([[[4.0], [-2.0], [9.0]]]),
        slopes=inputs.given("slopes") / factors,
    )
    torch.testing.assert_close(
        standardised(per=per)(changed).values, standardised(per=per)(inputs).values, rtol=1e-3, atol=1e-4
    )


def test_what_is_not_available_may_hold_anything():
    inputs = make_inputs(100)
    filled = inputs.utilities.masked_fill(~inputs.avail_actions, 1e6)
    assert torch.equal(
        standardised()(replace(inputs, utilities=filled)).values, standardised()(inputs).values
    )


def test_equal_utilities_and_single_actions_are_no_matter():
    same = make_inputs(40, utilities=torch.ones(40, 3, 4))
    assert standardised()(same).values.isfinite().all()
    single = make_inputs(40)
    alone = torch.zeros(40, 3, 4, dtype=torch.bool).scatter(-1, single.actions.unsqueeze(-1), True)
    weights = standardised()(replace(single, avail_actions=alone)).values
    assert (weights == 0.1).all(), "who has no choice has no gradient"


def test_six_actions_never_make_a_policy_certain():
    utilities = torch.zeros(1, 1, 6).index_fill(-1, torch.tensor([0]), 10.0)
    available = torch.ones(1, 1, 6, dtype=torch.bool)
    centred, spread = centred_utilities(utilities, available, "agent")
    probability = torch.softmax(centred / spread.unsqueeze(-1), -1)[0, 0, 0].item()
    assert probability == pytest.approx(0.745327)
