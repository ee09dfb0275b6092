"""The joint value and the state value of QTRAN."""

import pytest
import torch
from torch import Tensor, nn

from remix.networks.features import Features
from remix.networks.joint import JointValue, StateValue
from tests.samples import make_spec

SPEC = make_spec()
HIDDEN = 16


def plain(network: nn.Sequential, rows: Tensor) -> Tensor:
    """What PyTorch's own layers make of the rows."""
    for layer in network:
        rows = layer(rows)
    return rows


def one_by_one(joint: JointValue, hidden: Tensor, actions: Tensor, state: Tensor) -> Tensor:
    """Row by row, and within a row agent by agent."""
    values = []
    for k in range(len(actions)):
        total = torch.zeros(HIDDEN + SPEC.n_actions)
        for i in range(SPEC.n_agents):
            choice = torch.zeros(SPEC.n_actions)
            choice[actions[k, i]] = 1.0
            total = total + plain(joint.encoder, torch.cat((hidden[k, i], choice)))
        values.append(plain(joint.value, torch.cat((state[k], total))))
    return torch.cat(values)


@pytest.fixture
def rows():
    """Hidden states, actions, states."""
    actions = torch.randint(SPEC.n_actions, (5, SPEC.n_agents))
    return torch.rand(5, SPEC.n_agents, HIDDEN) * 2 - 1, actions, torch.randn(5, SPEC.state_size)


def test_agents_are_encoded_one_by_one_and_summed(rows):
    joint = JointValue(SPEC, HIDDEN, embed_dim=8)
    value = joint(*rows)
    assert value.shape == (5,)
    torch.testing.assert_close(value, one_by_one(joint, *rows))


def test_gradients_reach_hidden_states_and_weights(rows):
    joint, (hidden, *others) = JointValue(SPEC, HIDDEN, embed_dim=8), rows
    hidden.requires_grad_()
    wanted = [hidden, *joint.parameters()]
    ours = torch.autograd.grad(joint(hidden, *others).square().sum(), wanted)
    theirs = torch.autograd.grad(one_by_one(joint, hidden, *others).square().sum(), wanted)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_the_order_of_agents_does_not_matter_but_who_did_what_does(rows):
    joint, (hidden, _, state) = JointValue(SPEC, HIDDEN), rows
    actions = torch.tensor([[0, 1, 2]] * 5)
    value, order = joint(hidden, actions, state), torch.tensor([2, 0, 1])
    torch.testing.assert_close(joint(hidden[:, order], actions[:, order], state), value)
    assert not torch.isclose(joint(hidden, actions[:, order], state), value).any()


def test_listed_states_are_the_same_states():
    joint, state_value = JointValue(make_spec(state_size=24), HIDDEN), StateValue(make_spec(state_size=24))
    bits = torch.randint(256, (5, 3), dtype=torch.uint8)
    listed = Features.of_bits(bits, 24)
    hidden, actions = torch.randn(5, SPEC.n_agents, HIDDEN), torch.randint(SPEC.n_actions, (5, SPEC.n_agents))
    torch.testing.assert_close(joint(hidden, actions, listed), joint(hidden, actions, listed.to_dense()))
    torch.testing.assert_close(state_value(listed), state_value(listed.to_dense()))


def test_state_values_are_one_number_each(rows):
    network, state = StateValue(SPEC, embed_dim=8), rows[-1]
    torch.testing.assert_close(network(state), plain(network.value, state).squeeze(-1))


def test_number_of_parameters():
    """With the sizes of Predator-Prey."""
    spec = make_spec(n_agents=8, n_actions=6, obs_size=75, state_size=300)
    networks = (JointValue(spec), StateValue(spec))
    assert sum(p.numel() for network in networks for p in network.parameters()) == 61_398
