"""Both logarithms of the bound: the optimum keeps its weight when policies are certain."""

from dataclasses import replace

import pytest
import torch

from remix.checking.transitions import make_inputs
from remix.settings.errors import SettingError
from remix.weighting.base import WeightingInputs
from remix.weighting.both_logarithms import BothLogarithms, optimal_candidates
from remix.weighting.mappings import MinMax
from remix.weighting.regret_minimizing import RegretMinimizing

PAYOFF = torch.tensor([8.0, -12, -12, -12, 0, 0, -12, 0, 0])


def both(**changes):
    return BothLogarithms(**({"warmup_steps": 0} | changes))


def game(joint_value: float, slope: float, greedy: int = 0) -> WeightingInputs:
    """All joint actions of the 3x3 game, policies undecided but for the last digits: ``greedy`` leads."""
    utilities = torch.zeros(9, 2, 3)
    utilities[..., greedy] = 1e-9
    return make_inputs(
        9,
        joint_value=torch.full((9,), joint_value),
        target=PAYOFF,
        central_value=PAYOFF,
        target_central_value=PAYOFF,
        greedy_central_value=PAYOFF[4 * greedy].expand(9),
        slopes=torch.full((9, 2), slope),
        utilities=utilities,
        avail_actions=torch.ones(9, 2, 3, dtype=torch.bool),
        actions=torch.cartesian_prod(torch.arange(3), torch.arange(3)),
        behaviour=torch.full((9, 2), 1 / 3),
    )


def raw(weighting: RegretMinimizing, inputs: WeightingInputs) -> torch.Tensor:
    return torch.stack(list(weighting.log_factors(inputs).values())).sum(0).exp()


@pytest.mark.parametrize(
    ("joint_value", "slope", "expected"),
    [(0.0, 1.0, 31828.885392), (-4.0, 4.0, 653639.892980), (-4.0, 2.0, 1304659.058656)],
)
def test_with_the_exact_share_the_optimum_has_g_plus_its_inverse(joint_value, slope, expected):
    """rho = 0.998660 in the game with uniform policies."""
    exact = torch.softmax(PAYOFF.double(), 0)[0].item()
    values = raw(both(share=exact), game(joint_value, slope))
    assert values[0].item() == pytest.approx(expected, rel=1e-5)


def test_the_paper_gives_the_optimum_the_minimum_where_this_gives_the_maximum():
    sure = game(-4.0, 4.0)
    assert RegretMinimizing(warmup_steps=0)(sure).values.tolist() == pytest.approx([0.1] * 9)
    assert both()(sure).values.tolist() == pytest.approx([1.0] + [0.1] * 8)


def test_an_action_that_q_star_prefers_to_the_greedy_one_is_a_candidate():
    assert optimal_candidates(game(-4.0, 4.0, greedy=1)).tolist() == [True, *[False] * 3, True, *[False] * 4]


def test_without_candidates_it_is_remix():
    inputs = make_inputs(200)
    inputs = replace(
        inputs,
        target_central_value=torch.full((200,), -9.0),
        greedy_central_value=torch.zeros(200),
        actions=inputs.utilities.masked_fill(~inputs.avail_actions, torch.inf).argmin(-1),
    )
    rest = ~optimal_candidates(inputs)
    assert rest.sum() > 100
    expected = raw(RegretMinimizing(warmup_steps=0), inputs)
    assert torch.equal(raw(both(), inputs)[rest], expected[rest])


def test_with_share_1_candidates_have_the_factor_without_offset():
    inputs = make_inputs(200, target_central_value=torch.ones(200), greedy_central_value=torch.zeros(200))
    assert optimal_candidates(inputs).all()
    without_offset = RegretMinimizing(warmup_steps=0, negative_gradient="without_offset")
    assert torch.equal(both()(inputs).values, without_offset(inputs).values)


def test_overestimated_candidates_have_the_minimum():
    inputs = make_inputs(200, target_central_value=torch.ones(200), greedy_central_value=torch.zeros(200))
    assert (both()(inputs).values[~inputs.underestimated] == 0.1).all()


def test_smaller_shares_favour_candidates():
    inputs = make_inputs(200)
    optimal = optimal_candidates(inputs) & inputs.underestimated
    factor = {share: both(share=share).log_factors(inputs)["mixing_gradient"] for share in (1.0, 0.1)}
    assert (factor[0.1][optimal] > factor[1.0][optimal]).all()
    assert torch.equal(factor[0.1][~optimal_candidates(inputs)], factor[1.0][~optimal_candidates(inputs)])


def test_the_share_of_a_batch_of_one_history_is_exact():
    """All joint actions of one history, drawn as the policies draw them."""
    expected = raw(both(share=torch.softmax(PAYOFF.double(), 0)[0].item()), game(-4.0, 4.0))
    assert raw(both(share="batch"), game(-4.0, 4.0))[0].item() == pytest.approx(expected[0].item(), rel=1e-4)


def test_no_scale_of_values_overflows():
    for scale in (1e-30, 1e10, 1e30):
        inputs = make_inputs(40)
        names = ("joint_value", "target", "utilities", "central_value", "slopes")
        inputs = replace(inputs, **{name: scale * getattr(inputs, name) for name in names})
        for share in (1.0, "batch"):
            weights, diagnostics = both(share=share, mapping=MinMax())(inputs)
            assert weights.isfinite().all()
            assert not any(value.isinf() for value in diagnostics.values())


def test_what_is_asked_for_is_what_is_used():
    assert both().requires == {"central_value", "slopes", "target_central_value", "greedy_central_value"}
    assert both(share="batch").requires - both().requires == {"behaviour"}
    assert both(mixing_gradient=False).requires == {"central_value"}


@pytest.mark.parametrize(
    ("setting", "value"), [("share", 0.0), ("share", 1.5), ("share", "all"), ("share_floor", 0.0)]
)
def test_shares_that_are_none(setting, value):
    with pytest.raises(SettingError, match=f"{setting}="):
        both(**{setting: value})
