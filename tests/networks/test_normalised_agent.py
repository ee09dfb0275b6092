"""The agents' network with normalised layers."""

from functools import partial

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence

from remix.learning.policy import Policy
from remix.networks.features import as_tensor
from remix.networks.normalised_agent import NormalisedAgent
from remix.settings.errors import SettingError
from tests.algorithms.oracle import outputs
from tests.samples import make_batch, make_episode, make_spec

SPEC = make_spec()


@pytest.mark.parametrize(("n_layers", "hidden_size", "size"), [(1, 64, 30_726), (2, 128, 127_366)])
def test_number_of_parameters(n_layers, hidden_size, size):
    """With the sizes of Predator-Prey."""
    agent = NormalisedAgent(81, 6, hidden_size, n_layers)
    assert sum(p.numel() for p in agent.parameters()) == size


@pytest.mark.parametrize("n_layers", [1, 3])
def test_step_by_step_it_computes_what_it_learns_from(n_layers):
    policy = Policy(SPEC, agent=partial(NormalisedAgent, n_layers=n_layers))
    episode, batch = make_episode(SPEC, 6), make_batch(SPEC, [6])
    whole = policy.unroll(batch)
    with policy.frozen():
        steps = outputs(policy.agent, policy.inputs, episode)
    torch.testing.assert_close(whole, steps, atol=1e-5, rtol=1e-4)
    both, hidden = policy.agent.with_hidden(batch.inputs(policy.inputs.rows), batch.agent_sizes)
    assert torch.equal(both.view_as(whole), whole) and hidden.shape == (7 * 3, 64)


def test_shorter_histories_end_earlier():
    """As PyTorch's own pass over packed rows, gradients included."""
    agent, sizes = NormalisedAgent(5, 4, 8), torch.tensor([3, 3, 2, 1])
    rows, results = torch.randn(9, 5), []
    packed = agent.recurrence(PackedSequence(agent.layers(agent.encoder(rows)), sizes))[0].data
    for made in (agent(rows, sizes), agent.head(packed)):
        results.append((made, *torch.autograd.grad(made.square().sum(), list(agent.parameters()))))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_the_scale_of_what_it_sees_hardly_matters():
    """What its layers read is brought to mean 0 and variance 1 first."""
    agent = NormalisedAgent(5, 4)
    with torch.no_grad():
        agent.encoder.bias.zero_()
    rows, hidden = as_tensor(torch.randn(20, 5), torch.float32), torch.zeros(20, 64)
    usual, large = agent.step(rows, hidden)[0], agent.step(1_000.0 * rows, hidden)[0]
    torch.testing.assert_close(large, usual, atol=1e-3, rtol=1e-3)


def test_it_needs_a_layer():
    with pytest.raises(SettingError, match="n_layers=0"):
        NormalisedAgent(5, 4, n_layers=0)
