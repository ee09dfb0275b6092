"""ReMIX's weights: factors, conditions, limits."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from remix.checking.transitions import make_inputs
from remix.settings.errors import SettingError
from remix.weighting.mappings import CappedLinear, LogMinMax, MedianSaturating, MinMax, Rank, SelfNormalised
from remix.weighting.optimistic import Optimistic
from remix.weighting.regret_minimizing import RegretMinimizing, boltzmann_log_policy, mixing_gradient

FACTORS = ("bellman_error", "value_underestimation", "mixing_gradient")
MAPPINGS = [CappedLinear(), MinMax(), LogMinMax(), MedianSaturating(), Rank(), SelfNormalised()]


def remix(**changes):
    return RegretMinimizing(**({"warmup_steps": 0} | changes))


def raw(weighting, inputs):
    """The product of the factors in use."""
    return torch.stack(list(weighting.log_factors(inputs).values())).sum(0).exp()


@pytest.fixture
def worked_example():
    """One transition of two agents, the first choosing among two equal actions, the second among four."""
    avail_actions = torch.tensor([[[True, False, True, False], [True, True, True, True]]])
    return make_inputs(
        1,
        joint_value=torch.tensor([-1.7425637]),
        target=torch.tensor([2.0]),
        central_value=torch.tensor([1.0]),
        target_central_value=torch.tensor([1.5]),
        slopes=torch.tensor([[1.0148725, 0.5223088]]),
        utilities=torch.full((1, 2, 4), 0.7),
        avail_actions=avail_actions,
        actions=torch.tensor([[2, 1]]),
        behaviour=torch.tensor([[0.25, 0.5]]),
    )


@pytest.fixture
def matrix_game():
    """All joint actions of the 3x3 game at Q_tot = 0, with slopes 1 and undecided policies."""
    payoff = torch.tensor([8.0, -12, -12, -12, 0, 0, -12, 0, 0])
    return make_inputs(
        9,
        joint_value=torch.zeros(9),
        target=payoff,
        central_value=payoff,
        slopes=torch.ones(9, 2),
        utilities=torch.zeros(9, 2, 3),
        avail_actions=torch.ones(9, 2, 3, dtype=torch.bool),
        actions=torch.cartesian_prod(torch.arange(3), torch.arange(3)),
    )


class TestFactors:
    def test_worked_example(self, worked_example):
        factors = {name: value.exp().item() for name, value in remix().log_factors(worked_example).items()}
        assert factors == pytest.approx(
            {"bellman_error": 3.7425637, "value_underestimation": 15.5267407, "mixing_gradient": 0.9286050}
        )
        assert raw(remix(), worked_example).item() == pytest.approx(53.96106)

    @pytest.mark.parametrize("dropped", FACTORS)
    def test_each_can_be_replaced_by_1(self, worked_example, dropped):
        weighting = remix(**{dropped: False})
        factors = remix().log_factors(worked_example)
        del factors[dropped]
        assert weighting.log_factors(worked_example) == factors

    def test_target_networks_in_the_exponent(self, worked_example):
        weighting = remix(central_network="target")
        factors = weighting.log_factors(worked_example)
        assert factors["value_underestimation"].item() == pytest.approx(1.5 + 1.7425637)
        assert "target_central_value" in weighting.requires and "central_value" not in weighting.requires

    def test_on_policiness_is_the_ratio_of_joint_probabilities(self, worked_example):
        """Boltzmann 1/2 and 1/4, behaviour 1/4 and 1/2: each agent's ratio counts, 2 times 1/2."""
        factors = remix(on_policiness=True).log_factors(worked_example)
        assert factors["on_policiness"].exp().item() == pytest.approx(1.0)
        assert factors.keys() == {*FACTORS, "on_policiness"}

    @pytest.mark.parametrize(("behaviour", "ratio"), [(0.01, 5.0), (1.0, 0.2)])
    def test_on_policiness_is_clipped_at_both_ends(self, worked_example, behaviour, ratio):
        inputs = replace(worked_example, behaviour=torch.full((1, 2), behaviour))
        factors = remix(on_policiness=True, on_policiness_clip=5.0).log_factors(inputs)
        assert factors["on_policiness"].exp().item() == pytest.approx(ratio)

    def test_inputs_are_required_only_for_factors_in_use(self):
        assert remix().requires == {"central_value", "slopes"}
        assert remix(on_policiness=True).requires == {"central_value", "slopes", "behaviour"}
        off = dict.fromkeys(FACTORS, False)
        assert remix(**off).requires == set()

    def test_boltzmann_policy_knows_availability_and_temperature(self):
        utilities = torch.tensor([[[1.0, 2.0, 50.0]]])
        avail_actions = torch.tensor([[[True, True, False]]])
        for temperature in (1.0, 0.5):
            log_policy = boltzmann_log_policy(utilities, avail_actions, torch.tensor([[0]]), temperature)
            expected = 1 / (1 + math.exp(1.0 / temperature))
            assert log_policy.exp().item() == pytest.approx(expected)

    def test_mixing_gradient(self):
        policy, slopes = torch.tensor([[0.5, 0.25]]), torch.tensor([[1.0148725, 0.5223088]])
        assert mixing_gradient(policy, slopes).item() == pytest.approx(0.9286050)
        assert mixing_gradient(torch.ones(1, 2), slopes).item() == -1.0

    def test_slopes_have_a_floor(self):
        value = mixing_gradient(torch.tensor([[0.5]]), torch.zeros(1, 1), slope_floor=0.01)
        assert value.item() == pytest.approx(0.5 / 0.01 - 1)


class TestWeights:
    @pytest.mark.parametrize("min_weight", [0.1, 0.5])
    def test_first_step_of_the_matrix_game(self, matrix_game, min_weight):
        """Only the optimum is under-estimated: the optimistic weights."""
        assert raw(remix(), matrix_game).tolist() == pytest.approx([7949.2213] + [0.0] * 8)
        weights, _ = remix(min_weight=min_weight)(matrix_game)
        assert torch.equal(weights, torch.tensor([1.0] + [min_weight] * 8))

    def test_capped_linear_is_the_default(self):
        """Raw weights 1, 2, 3, 10 from the Bellman error alone, with two over-estimated transitions."""
        target = torch.tensor([1.0, -4.0, 2.0, 3.0, 10.0, 0.0])
        inputs = make_inputs(6, joint_value=torch.zeros(6), target=target)
        weights, _ = remix(value_underestimation=False, mixing_gradient=False)(inputs)
        assert weights.tolist() == pytest.approx([0.2125, 0.1, 0.325, 0.4375, 1.0, 0.1])

    def test_without_any_factor_it_is_ow_qmix(self):
        inputs = make_inputs(500)
        weights, _ = remix(min_weight=0.3, **dict.fromkeys(FACTORS, False))(inputs)
        assert torch.equal(weights, Optimistic(0.3)(inputs).values)
        assert weights.unique().tolist() == pytest.approx([0.3, 1.0])

    @pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda mapping: type(mapping).__name__)
    def test_overestimated_transitions_have_exactly_the_minimum(self, mapping):
        inputs = make_inputs(200)
        weights, _ = remix(min_weight=0.3, mapping=mapping)(inputs)
        assert (weights[~inputs.underestimated] == 0.3).all()
        assert (weights[inputs.underestimated] > 0.3).any()

    @pytest.mark.parametrize("mapping", [CappedLinear(), MinMax(), LogMinMax(), Rank()])
    def test_the_largest_weight_is_exactly_the_maximum(self, mapping):
        weights, _ = remix(max_weight=0.7, mapping=mapping)(make_inputs(200))
        assert weights.max() == torch.tensor(0.7)

    def test_certain_policies_have_the_minimum(self):
        """The mixing gradient is negative where all agents are sure of what they did."""
        inputs = make_inputs(target=torch.full((40,), 100.0))
        sure = inputs.utilities.scatter(-1, inputs.actions.unsqueeze(-1), 1000.0)
        mixed = torch.where(torch.arange(40)[:, None, None] < 10, sure, inputs.utilities)
        weights, _ = remix()(replace(inputs, utilities=mixed))
        assert (weights[:10] == 0.1).all() and (weights[10:] > 0.1).any()

    def test_without_bellman_error_keeps_or_drops_the_condition(self):
        inputs = make_inputs(200)
        keeps, _ = remix(bellman_error=False)(inputs)
        assert (keeps[~inputs.underestimated] == 0.1).all()
        drops, _ = remix(bellman_error=False, only_underestimated=False)(inputs)
        assert (drops[~inputs.underestimated] > 0.1).any()
        product = raw(remix(bellman_error=False), inputs)
        expected = 0.1 + 0.9 * CappedLinear()(product.log())
        torch.testing.assert_close(drops, expected)

    def test_the_condition_makes_no_difference_beside_the_bellman_error(self):
        inputs = make_inputs(200)
        assert torch.equal(remix()(inputs).values, remix(only_underestimated=False)(inputs).values)

    def test_the_order_of_transitions_is_irrelevant(self):
        inputs, order = make_inputs(60), torch.randperm(60)
        tensors = {name: value[order] for name, value in vars(inputs).items() if name != "env_steps"}
        torch.testing.assert_close(remix()(replace(inputs, **tensors)).values, remix()(inputs).values[order])

    def test_optimistic_weights_during_the_warm_up(self):
        weighting = remix(warmup_steps=30_000)
        before, after = make_inputs(env_steps=29_999), make_inputs(env_steps=30_000)
        assert torch.equal(weighting(before).values, Optimistic(0.1)(before).values)
        assert torch.equal(weighting(after).values, remix()(after).values)
        assert not torch.equal(weighting(after).values, weighting(before).values)


class TestLimits:
    @pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda mapping: type(mapping).__name__)
    @pytest.mark.parametrize("distance", [1000.0, -1000.0])
    def test_central_values_far_away(self, mapping, distance):
        inputs = make_inputs(central_value=torch.randn(40) + distance)
        weights, diagnostics = remix(mapping=mapping)(inputs)
        assert torch.isfinite(weights).all()
        assert all(torch.isfinite(value) for value in diagnostics.values())

    @pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda mapping: type(mapping).__name__)
    def test_mixing_gradient_never_positive(self, mapping):
        weights, _ = remix(mapping=mapping)(make_inputs(slopes=torch.full((40, 3), 1e6)))
        assert (weights == 0.1).all()

    @pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda mapping: type(mapping).__name__)
    @pytest.mark.parametrize("bellman_error", [True, False])
    def test_nothing_underestimated(self, mapping, bellman_error):
        inputs = make_inputs(target=torch.full((40,), -100.0))
        weights, diagnostics = remix(mapping=mapping, bellman_error=bellman_error)(inputs)
        assert (weights == 0.1).all()
        assert all(torch.isnan(value) for value in diagnostics.values()), "there is nothing to describe"

    @settings(deadline=None)
    @given(
        values=st.lists(st.tuples(*[st.floats(-1e6, 1e6)] * 3), min_size=1, max_size=12),
        slope=st.floats(0, 1e6),
        utility=st.floats(-1e6, 1e6),
    )
    def test_any_values(self, values, slope, utility):
        joint_value, target, central_value = torch.tensor(values).T
        n = len(values)
        inputs = make_inputs(
            n,
            joint_value=joint_value,
            target=target,
            central_value=central_value,
            slopes=torch.full((n, 3), slope),
            utilities=torch.full((n, 3, 4), utility).cumsum(-1),
        )
        weights, diagnostics = remix(on_policiness=True)(inputs)
        assert ((weights >= 0.1) & (weights <= 1.0)).all()
        assert (weights[~inputs.underestimated] == 0.1).all()
        assert not any(torch.isinf(value) for value in diagnostics.values())
        if inputs.underestimated.any():
            assert torch.isfinite(diagnostics["weighting/bellman_error_median"])


class TestNegativeGradient:
    """Sure policies: the mixing gradient is -0.5 for all; two transitions are under-, two over-estimated."""

    @pytest.fixture
    def sure(self):
        utilities = torch.zeros(4, 1, 2)
        return make_inputs(
            4,
            joint_value=torch.tensor([0.0, 0.0, 2.0, 3.0]),
            target=torch.ones(4),
            central_value=torch.tensor([0.0, 0.0, 2.0, 3.0]),
            slopes=torch.ones(4, 1),
            utilities=utilities,
            avail_actions=torch.ones(4, 1, 2, dtype=torch.bool),
            actions=torch.zeros(4, 1, dtype=torch.int64),
        )

    def test_minimum(self, sure):
        assert remix()(sure).values.tolist() == pytest.approx([0.1] * 4)

    def test_overestimated_transitions_take_their_place(self, sure):
        weighting = remix(negative_gradient="overestimated", mapping=MinMax())
        assert raw(weighting, sure).tolist() == pytest.approx([0.0, 0.0, 0.5, 1.0])
        assert weighting(sure).values.tolist() == pytest.approx([0.1, 0.1, 0.55, 1.0])

    def test_overestimated_is_the_theorem_where_the_gradient_is_positive(self):
        inputs = make_inputs(200)
        inputs = replace(inputs, slopes=inputs.given("slopes").clamp(max=0.05))
        assert (raw(remix(), inputs)[inputs.underestimated] > 0).any()
        other = remix(negative_gradient="overestimated")
        assert torch.equal(other(inputs).values, remix()(inputs).values)

    @pytest.mark.parametrize("bellman_error", [True, False])
    def test_without_the_gradient_no_overestimated_transition_has_a_negative_one(self, sure, bellman_error):
        theorem, other = (
            remix(mixing_gradient=False, bellman_error=bellman_error, negative_gradient=negative_gradient)
            for negative_gradient in ("minimum", "overestimated")
        )
        assert torch.equal(other(sure).values, theorem(sure).values)
        assert other(sure).values.tolist() == pytest.approx([1.0, 1.0, 0.1, 0.1])

    def test_without_offset(self, sure):
        assert raw(remix(negative_gradient="without_offset"), sure).tolist() == [0.5, 0.5, 0.0, 0.0]

    def test_the_derivative_of_a_colder_policy_is_larger(self, sure):
        cold = remix(temperature=0.25)
        assert raw(cold, sure)[0].item() == pytest.approx(0.5 / 0.25 - 1.0)


def test_temperature_divides_the_derivative_of_the_policy():
    """(1 - pi) / temperature is the derivative of log pi, here against autograd."""
    utilities = torch.tensor([[[0.3, -0.2, 0.9]]], requires_grad=True)
    available, actions = torch.ones(1, 1, 3, dtype=torch.bool), torch.tensor([[1]])
    log_policy = boltzmann_log_policy(utilities, available, actions, temperature=0.6)
    (derivative,) = torch.autograd.grad(log_policy.sum(), utilities)
    gradient = mixing_gradient(log_policy.detach().exp(), torch.full((1, 1), 0.7), temperature=0.6)
    assert gradient.item() == pytest.approx(derivative[0, 0, 1].item() / 0.7 - 1.0, rel=1e-5)


def test_diagnostics_describe_the_factors(worked_example):
    _, diagnostics = remix()(worked_example)
    assert diagnostics["weighting/mixing_gradient_mean"].item() == pytest.approx(0.9286050)
    assert diagnostics["weighting/bellman_error_max"].item() == pytest.approx(3.7425637)
    assert diagnostics["weighting/value_underestimation_median"].item() == pytest.approx(15.5267407)
    assert diagnostics["weighting/saturated_share"].item() == 1.0


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("central_network", "onlin", "must be one of online, target"),
        ("on_policiness_clip", 0.9, "at least 1"),
        ("negative_gradient", "ignore", "must be one of minimum, overestimated, without_offset"),
        ("temperature", 0.0, "above 0"),
        ("slope_floor", -1e-4, "above 0"),
        ("min_weight", 1.1, "at most max_weight"),
    ],
)
def test_settings_that_cannot_work(setting, value, message):
    with pytest.raises(SettingError, match=message):
        RegretMinimizing(**{setting: value})


def test_a_mean_of_many_large_factors_is_no_infinity():
    n = 10_000
    inputs = make_inputs(
        n, joint_value=torch.zeros(n), target=torch.ones(n), central_value=torch.full((n,), 80.0)
    )
    _, diagnostics = remix()(inputs)
    mean = diagnostics["weighting/value_underestimation_mean"].item()
    assert mean == pytest.approx(math.exp(80.0), rel=1e-4)


@pytest.mark.parametrize("scale", [1e-30, 1e10, 1e30])
@pytest.mark.parametrize("n", [1, 2, 40])
@pytest.mark.parametrize("negative_gradient", ["minimum", "overestimated", "without_offset"])
def test_weights_are_numbers_whatever_the_scale_of_values(negative_gradient, n, scale):
    inputs = make_inputs(n)
    names = ("joint_value", "target", "utilities", "central_value", "slopes")
    inputs = replace(inputs, **{name: scale * getattr(inputs, name) for name in names})
    weights, diagnostics = remix(negative_gradient=negative_gradient, on_policiness=True)(inputs)
    assert weights.isfinite().all()
    assert not any(value.isinf() for value in diagnostics.values())
