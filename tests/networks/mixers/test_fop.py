"""The mixer of FOP."""

from itertools import product

import pytest
import torch

from remix.checking.tables import SPEC, Table, random_actions
from remix.networks.mixers.base import Context
from remix.networks.mixers.fop import FOPMixer
from remix.settings.errors import SettingError
from tests.networks.mixers.constants import constant, logit
from tests.samples import make_spec


def soft(table: Table, actions: torch.Tensor, temperature: float = 0.5) -> Context:
    """The actions, and the soft values of all."""
    return Context(actions, temperature * (table.utilities / temperature).logsumexp(-1))


def test_worked_example():
    """Two agents, lambda = (0.5, 2) and V = 0.3 whatever is put in."""
    mixer = FOPMixer(make_spec(n_agents=2), n_heads=1)
    constant(mixer.importance.keys[0], [-4.0])
    constant(mixer.importance.agents[0], [logit(0.25), logit(0.75)])
    constant(mixer.importance.actions[0], [logit(0.5), logit(2.0 / 3.0)])
    constant(mixer.state_value, [0.3])
    context = Context(torch.tensor([[1, 2]]), maxima=torch.tensor([[2.0, 2.5]]))
    value, slopes = mixer.value_and_slopes(torch.tensor([[1.0, 2.0]]), torch.randn(1, 7), context)
    torch.testing.assert_close(value, torch.tensor([3.3]))
    torch.testing.assert_close(slopes, torch.tensor([[0.5, 2.0]]))


def test_both_forms_of_the_value_are_equal():
    """``V + sum Q + sum (lambda - 1)(Q - v) = V + sum v + sum lambda (Q - v)``."""
    mixer, table, actions = FOPMixer(SPEC), Table.random(60), random_actions(60)
    context, chosen = soft(table, actions), table.chosen(actions)
    assert context.maxima is not None
    importance = mixer.importance(table.state, actions)
    other = context.maxima + importance * (chosen - context.maxima)
    expected = mixer.state_value(table.state).squeeze(-1) + other.sum(-1)
    torch.testing.assert_close(mixer(chosen, table.state, context), expected, rtol=1e-4, atol=1e-5)
    assert (importance > 0).all()


def test_each_agents_own_change_of_the_joint_value_is_its_slope():
    """For given soft values; what another agent does matters through lambda alone."""
    mixer, table, actions = FOPMixer(SPEC), Table.random(30), random_actions(30)
    context, chosen = soft(table, actions), table.chosen(actions)
    value, slopes = mixer.value_and_slopes(chosen, table.state, context)
    for agent in range(SPEC.n_agents):
        moved = chosen.clone()
        moved[:, agent] -= 1.0
        change = value - mixer(moved, table.state, context)
        torch.testing.assert_close(slopes[:, agent], change, rtol=1e-4, atol=1e-5)
    assert not slopes.requires_grad


def test_the_greedy_joint_action_is_the_best_where_soft_values_are_maxima():
    """Individual-global-max, the limit of cold policies."""
    joint = torch.tensor(list(product(range(SPEC.n_actions), repeat=SPEC.n_agents)))
    mixer = FOPMixer(SPEC)
    for _ in range(10):
        one = Table.random(1)
        everywhere = Table(
            one.utilities.expand(len(joint), -1, -1), one.state.expand(len(joint), -1), one.obs
        )
        values = mixer(everywhere.chosen(joint), everywhere.state, soft(everywhere, joint, 1e-3))
        best = one.utilities.argmax(-1)
        assert torch.equal(joint[values.argmax()], best[0])
        cold = mixer.state_value(one.state).squeeze() + one.utilities.amax(-1).sum()
        torch.testing.assert_close(values.max(), cold, rtol=1e-3, atol=1e-3)


def test_utilities_learn_as_if_the_advantages_were_constants():
    mixer, table, actions = FOPMixer(SPEC), Table.random(30), random_actions(30)
    utilities = table.chosen(actions).requires_grad_()
    value = mixer(utilities, table.state, soft(table, actions))
    (gradient,) = torch.autograd.grad(value.sum(), utilities)
    torch.testing.assert_close(gradient, torch.ones_like(gradient))


def test_number_of_parameters():
    """With the sizes of Predator-Prey."""
    mixer = FOPMixer(make_spec(n_agents=8, n_actions=6, obs_size=75, state_size=300))
    assert sum(p.numel() for p in mixer.parameters()) == 31_669


@pytest.mark.parametrize("setting", ["n_heads", "hidden_size"])
def test_sizes_of_0_are_refused(setting):
    with pytest.raises(SettingError, match=f"{setting}=0: must be a whole number of at least 1"):
        FOPMixer(SPEC, **{setting: 0})
