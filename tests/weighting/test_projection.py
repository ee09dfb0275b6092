"""Which weightings find the optimum of a game that equal weights miss; what is found is not learned."""

import pytest

from remix.weighting.annealed import Annealed
from remix.weighting.both_logarithms import BothLogarithms
from remix.weighting.optimistic import Optimistic
from remix.weighting.regret_minimizing import RegretMinimizing
from remix.weighting.standardised import Standardised
from remix.weighting.uniform import Uniform
from tests.weighting.projection import HARD, PAYOFF, shares_at_the_optimum

STARTS = 10
ITERATIONS = 250  # enough where no other action is nearly as good


def test_with_a_low_minimum():
    found = {
        "both logarithms": BothLogarithms(min_weight=0.1, warmup_steps=0),
        "standardised": Standardised(min_weight=0.1, warmup_steps=0),
        "optimistic": Optimistic(0.1),
        "paper": RegretMinimizing(0.1, warmup_steps=0),
    }
    missed = {"equal": Uniform()}
    shares = shares_at_the_optimum([*found.values(), *missed.values()], PAYOFF, STARTS, ITERATIONS)
    assert min(shares[: len(found)]) >= 0.9
    assert shares[len(found) :] == [0.0]


def test_with_a_high_minimum_the_paper_loses_some_and_both_logarithms_none():
    weightings = [
        BothLogarithms(min_weight=0.5, warmup_steps=0),
        Standardised(min_weight=0.5, warmup_steps=0),
        RegretMinimizing(0.5, warmup_steps=0),
    ]
    both, standardised, paper = shares_at_the_optimum(weightings, PAYOFF, STARTS, ITERATIONS)
    assert both >= 0.9 and standardised >= 0.9
    assert paper < both


@pytest.mark.parametrize("minimum", [0.1, 0.5])
def test_where_another_action_is_nearly_as_good(minimum):
    weightings = [
        BothLogarithms(min_weight=minimum, warmup_steps=0),
        RegretMinimizing(minimum, warmup_steps=0),
    ]
    both, paper = shares_at_the_optimum(weightings, HARD, STARTS)
    assert both >= 0.8
    assert paper <= 0.3


def test_an_optimum_once_found_outlasts_the_rise_of_the_minimum():
    weighting = Annealed(0.1, end=1.0, begin=0, steps=200)
    [share] = shares_at_the_optimum([weighting], PAYOFF, STARTS, steps_per_iteration=1)
    assert share >= 0.9
