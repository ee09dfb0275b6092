"""QPLEX's duplex dueling."""

import pytest
import torch

from remix.checking.tables import SPEC, Table, random_actions
from remix.networks.mixers.base import Context
from remix.networks.mixers.qplex import QPLEXMixer
from remix.settings.errors import SettingError
from tests.networks.mixers.constants import constant, logit
from tests.samples import make_spec


def worked_example() -> QPLEXMixer:
    """Two agents, w = (2, 0.5), b = (0.1, 0.2), lambda = (0.7, 3) whatever is put in."""
    mixer = QPLEXMixer(make_spec(n_agents=2), n_heads=1)
    constant(mixer.weight, [2.0, -0.5])
    constant(mixer.bias, [0.1, 0.2])
    constant(mixer.importance.keys[0], [-6.0])
    constant(mixer.importance.agents[0], [logit(0.7 / 3.0), logit(0.75)])
    constant(mixer.importance.actions[0], [logit(0.5), logit(2.0 / 3.0)])
    return mixer


def test_worked_example():
    context = Context(torch.tensor([[1, 2]]), maxima=torch.tensor([[1.5, 0.0]]))
    value, slopes = worked_example().value_and_slopes(torch.tensor([[1.0, -1.0]]), torch.randn(1, 7), context)
    torch.testing.assert_close(value, torch.tensor([1.1]))
    torch.testing.assert_close(slopes, torch.tensor([[1.4, 1.5]]))


def test_both_forms_of_the_duplex_value_are_equal():
    """``sum ~Q + sum (lambda - 1)(~Q - ~V) = sum ~V + sum lambda (~Q - ~V)``."""
    mixer, table, actions = QPLEXMixer(SPEC), Table.random(60), random_actions(60)
    value, _ = table.mix(mixer, actions)
    weight, bias = mixer.weight(table.state).abs(), mixer.bias(table.state)
    own, best = weight * table.chosen(actions) + bias, weight * table.utilities.amax(-1) + bias
    importance = mixer.importance(table.state, actions)
    torch.testing.assert_close(value, (best + importance * (own - best)).sum(-1), rtol=1e-4, atol=1e-5)
    assert (importance > 0).all()


def test_the_greedy_joint_action_has_the_value_of_the_maxima():
    mixer, table = QPLEXMixer(SPEC), Table.random(20)
    value, slopes = table.mix(mixer, table.utilities.argmax(-1))
    weight = mixer.weight(table.state).abs()
    torch.testing.assert_close(
        value, (weight * table.utilities.amax(-1) + mixer.bias(table.state)).sum(-1), rtol=1e-4, atol=1e-5
    )
    torch.testing.assert_close(slopes, weight)


def test_utilities_learn_as_if_the_advantages_were_constants():
    mixer, table, actions = QPLEXMixer(SPEC), Table.random(30), random_actions(30)
    utilities = table.chosen(actions).requires_grad_()
    value = mixer(utilities, table.state, table.context(actions))
    (gradient,) = torch.autograd.grad(value.sum(), utilities)
    torch.testing.assert_close(gradient, mixer.weight(table.state).abs())


def test_importance_sees_the_actions_of_all_agents():
    mixer, table, actions = QPLEXMixer(SPEC), Table.random(30), random_actions(30)
    other = actions.clone()
    other[:, 0] = (other[:, 0] + 1) % SPEC.n_actions
    before, after = (mixer.importance(table.state, u) for u in (actions, other))
    assert not torch.isclose(before, after).any()


@pytest.mark.parametrize(("heads", "layers", "count"), [(4, 2, 287_444), (4, 1, 61_572), (10, 3, 784_058)])
def test_number_of_parameters(heads, layers, count):
    """With the sizes of Predator-Prey."""
    spec = make_spec(n_agents=8, n_actions=6, obs_size=75, state_size=300)
    mixer = QPLEXMixer(spec, n_heads=heads, n_layers=layers)
    assert sum(p.numel() for p in mixer.parameters()) == count


def test_no_heads_are_refused():
    with pytest.raises(SettingError, match="n_heads=0: must be a whole number of at least 1"):
        QPLEXMixer(SPEC, n_heads=0)
