"""Qatten's attention over agents."""

import torch

from remix.checking.tables import SPEC, Table, random_actions
from remix.networks.mixers.base import Context
from remix.networks.mixers.qatten import QattenMixer
from tests.networks.mixers.constants import constant
from tests.samples import make_spec


def test_attention_sums_to_one_over_the_agents():
    mixer, table = QattenMixer(SPEC), Table.random(30)
    attention = mixer.attention(torch.randn(30, 4 * 32), table.obs)
    assert attention.shape == (30, 4, SPEC.n_agents)
    torch.testing.assert_close(attention.sum(-1), torch.ones(30, 4))


def test_agents_are_told_apart_by_what_they_see():
    """Each agent's weight is that of its own observation: agents in another order, weights in that order."""
    mixer, table, queries = QattenMixer(SPEC), Table.random(30), torch.randn(30, 4 * 32)
    order = torch.tensor([2, 0, 1])
    other = table.obs.view(30, SPEC.n_agents, -1)[:, order].flatten(0, 1)
    torch.testing.assert_close(
        mixer.attention(queries, other), mixer.attention(queries, table.obs)[..., order]
    )


def test_worked_example():
    """One head; query (1, 2), keys that repeat the first two numbers seen; head weight 3, constant 0.5."""
    mixer = QattenMixer(make_spec(n_agents=2, obs_size=2), n_heads=1, key_size=2)
    constant(mixer.queries[0], [1.0, 2.0])
    assert mixer.head_weights is not None
    constant(mixer.head_weights, [-3.0])
    constant(mixer.constant, [0.5])
    with torch.no_grad():
        mixer.keys.linear[0].weight.copy_(torch.eye(2))
        mixer.keys.linear[0].bias.zero_()
    obs = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    attention = torch.tensor([1.0, 2.0]).div(2**0.5).softmax(0)
    value, slopes = mixer.value_and_slopes(torch.tensor([[5.0, -1.0]]), torch.randn(1, 7), Context(obs=obs))
    torch.testing.assert_close(slopes[0], 3.0 * attention)
    torch.testing.assert_close(value[0], 0.5 + 3.0 * (attention * torch.tensor([5.0, -1.0])).sum())


def test_value_is_linear_in_the_utilities():
    mixer, table, actions = QattenMixer(SPEC), Table.random(30), random_actions(30)
    _, slopes = table.mix(mixer, actions)
    doubled = Table(2.0 * table.utilities, table.state, table.obs)
    difference = doubled.mix(mixer, actions)[0] - table.mix(mixer, actions)[0]
    torch.testing.assert_close(difference, (slopes * table.chosen(actions)).sum(-1), rtol=1e-4, atol=1e-5)


def test_number_of_parameters():
    """With the sizes of Predator-Prey."""
    spec = make_spec(n_agents=8, n_actions=6, obs_size=75, state_size=300)
    assert sum(p.numel() for p in QattenMixer(spec).parameters()) == 124_293
