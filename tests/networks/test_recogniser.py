"""POW's recogniser."""

from itertools import product

import pytest
import torch

from remix.checking.tables import SPEC, Table, random_actions
from remix.networks.recogniser import Recogniser
from remix.settings.errors import SettingError
from tests.networks.mixers.constants import constant
from tests.samples import make_spec


def regret(table: Table, actions: torch.Tensor) -> torch.Tensor:
    return table.utilities.amax(-1) - table.chosen(actions)


def test_worked_example():
    """Two agents of which each loses 2 per unit of regret, V = 0.3."""
    recogniser = Recogniser(make_spec(n_agents=2), embed_dim=2)
    constant(recogniser.first_weight, [1.0, -2.0, 0.5, 3.0])
    constant(recogniser.second_weight, [-1.0, 0.5])
    constant(recogniser.state_value, [0.3])
    value, gap = recogniser(torch.tensor([[0.5, 1.0]]), torch.randn(1, 7), torch.tensor([[1, 2]]))
    torch.testing.assert_close(gap, torch.tensor([3.0]))
    torch.testing.assert_close(value, torch.tensor([-2.7]))


def test_the_agents_own_best_actions_have_no_gap_and_the_highest_value():
    joint = torch.tensor(list(product(range(SPEC.n_actions), repeat=SPEC.n_agents)))
    for seed in range(5):
        torch.manual_seed(seed)
        recogniser, one = Recogniser(SPEC), Table.random(1)
        table = Table(one.utilities.expand(len(joint), -1, -1), one.state.expand(len(joint), -1), one.obs)
        value, gap = recogniser(regret(table, joint), table.state, joint)
        best = value.argmax()
        assert torch.equal(joint[best], one.utilities.argmax(-1)[0])
        assert gap[best] == 0.0 and (gap >= 0.0).all()


def test_utilities_do_not_learn_from_it():
    recogniser, table, actions = Recogniser(SPEC), Table.random(20), random_actions(20)
    regrets = regret(table, actions).requires_grad_()
    value, _ = recogniser(regrets, table.state, actions)
    value.sum().backward()
    assert regrets.grad is None
    assert all(p.grad is not None and p.grad.any() for p in recogniser.parameters())


def test_number_of_parameters():
    """With the sizes of Predator-Prey."""
    recogniser = Recogniser(make_spec(n_agents=8, n_actions=6, obs_size=75, state_size=300))
    assert sum(p.numel() for p in recogniser.state_value.parameters()) == 55_169
    assert sum(p.numel() for p in recogniser.parameters()) == 251_841


@pytest.mark.parametrize("setting", ["embed_dim", "hidden_size"])
def test_sizes_of_0_are_refused(setting):
    with pytest.raises(SettingError, match=f"{setting}=0"):
        Recogniser(SPEC, **{setting: 0})
