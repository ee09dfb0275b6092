"""All weightings keep the contract of weightings."""

import pytest

from remix.checking.kinds import check
from remix.weighting.centrally_weighted import CentrallyWeighted
from remix.weighting.mappings import CappedLinear, LogMinMax, MedianSaturating, MinMax, Rank, SelfNormalised
from remix.weighting.optimistic import Optimistic
from remix.weighting.regret_minimizing import NEGATIVE_GRADIENT, RegretMinimizing
from remix.weighting.uniform import Uniform


@pytest.mark.parametrize("weighting", [Uniform, Optimistic, CentrallyWeighted])
def test_simple_ones(weighting):
    assert check(weighting).not_checked == {"the_warm_up_comes_first": "it has no warm-up"}


@pytest.mark.parametrize("mapping", [CappedLinear, MinMax, LogMinMax, MedianSaturating, Rank])
@pytest.mark.parametrize("negative_gradient", NEGATIVE_GRADIENT)
def test_regret_minimizing_ones(mapping, negative_gradient):
    weighting = RegretMinimizing(mapping=mapping(), negative_gradient=negative_gradient, on_policiness=True)
    assert not check(weighting).not_checked


@pytest.mark.parametrize(
    "settings",
    [
        {"bellman_error": False, "only_underestimated": False},
        {"value_underestimation": False},
        {"mixing_gradient": False},
        {"central_network": "target", "temperature": 0.3},
    ],
)
def test_its_ablations(settings):
    assert not check(RegretMinimizing(**settings)).not_checked


def test_self_normalised_ones_have_bounds_of_their_own():
    weighting = RegretMinimizing(0.2, 1.0, SelfNormalised(kappa=10.0))
    assert weighting.bounds == pytest.approx((0.2, 8.2))
    assert not check(weighting).not_checked
