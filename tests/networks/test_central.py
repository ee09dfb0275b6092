"""The unrestricted joint action value."""

import pytest
import torch

from remix.networks.central import CentralQ
from tests.samples import make_spec

SPEC = make_spec()


@pytest.mark.parametrize("action_embed", [1, 2])
def test_value_of_the_given_joint_action(action_embed):
    """Q*(s, u) reads of every agent the utility of its own action and no other."""
    central = CentralQ(SPEC, input_size=6, action_embed=action_embed, embed_dim=16)
    utilities = torch.randn(5, SPEC.n_agents, SPEC.n_actions, action_embed)
    actions, state = torch.randint(SPEC.n_actions, (5, SPEC.n_agents)), torch.randn(5, SPEC.state_size)
    value = central(utilities, actions, state)
    assert value.shape == (5,)
    for k in range(5):
        chosen = torch.cat([utilities[k, a, actions[k, a]] for a in range(SPEC.n_agents)])
        expected = central.mixer(torch.cat((state[k], chosen))[None]) + central.state_value(state[k : k + 1])
        torch.testing.assert_close(value[k : k + 1], expected[0])


def test_utilities_are_laid_out_by_row_agent_action_embedding():
    central = CentralQ(SPEC, input_size=6, action_embed=2)
    rows = torch.randn(3 * SPEC.n_agents, 6)  # two episodes, of two and one time points
    utilities = central.utilities(rows, torch.tensor([2, 1]) * SPEC.n_agents)
    assert utilities.shape == (3, SPEC.n_agents, SPEC.n_actions, 2)
    first = central.agent(rows[SPEC.n_agents - 1 : SPEC.n_agents], torch.tensor([1]))
    torch.testing.assert_close(utilities[0, -1].flatten(), first.flatten())


def test_it_may_fall_with_a_utility():
    """No sign constraint: for some joint action the value falls when a utility rises."""
    central = CentralQ(SPEC, input_size=6)
    utilities = torch.randn(200, SPEC.n_agents, SPEC.n_actions, 1, requires_grad=True)
    actions = torch.randint(SPEC.n_actions, (200, SPEC.n_agents))
    central(utilities, actions, torch.randn(200, SPEC.state_size)).sum().backward()
    assert utilities.grad is not None
    assert (utilities.grad < 0).any() and (utilities.grad > 0).any()


def test_number_of_parameters():
    """With the sizes of Predator-Prey."""
    central = CentralQ(make_spec(n_agents=8, n_actions=6, obs_size=75, state_size=300), input_size=81)
    mixing = (*central.mixer.parameters(), *central.state_value.parameters())
    assert sum(p.numel() for p in mixing) == 288_258
    assert sum(p.numel() for p in central.agent.parameters()) == 30_598
