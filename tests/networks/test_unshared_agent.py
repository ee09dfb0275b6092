"""A network for each agent."""

from functools import partial

import pytest
import torch

from remix.learning.policy import Policy
from remix.networks.normalised_agent import NormalisedAgent
from remix.networks.unshared_agent import UnsharedAgent
from tests.algorithms.devices import leave_the_cpu
from tests.algorithms.oracle import outputs
from tests.samples import make_batch, make_episode, make_spec

SPEC = make_spec(obs_size=11, obs_dtype="bool", state_dtype="bool")
LENGTHS = [5, 3, 1]
UNSHARED = partial(Policy, hidden_size=16, shared=False)


def networks(policy: Policy) -> list[torch.nn.Module]:
    assert isinstance(policy.agent, UnsharedAgent)
    return list(policy.agent.networks)


def test_copies_of_one_network_are_one_network():
    """Digit by digit."""
    policy, shared = UNSHARED(SPEC), Policy(SPEC, hidden_size=16, agent_id=False)
    for network in networks(policy):
        network.load_state_dict(shared.agent.state_dict())
    batch = make_batch(SPEC, LENGTHS)
    assert torch.equal(policy.unroll(batch), shared.unroll(batch))
    inputs = batch.inputs(policy.inputs.rows)
    for ours, theirs in zip(
        policy.agent.with_hidden(inputs, batch.agent_sizes),
        shared.agent.with_hidden(inputs, batch.agent_sizes),
        strict=True,
    ):
        assert torch.equal(ours, theirs)


def test_dense_rows_of_other_devices_are_read_alike(monkeypatch):
    policy, batch = UNSHARED(SPEC), make_batch(SPEC, LENGTHS)
    expected = policy.unroll(batch)
    leave_the_cpu(monkeypatch)
    torch.testing.assert_close(policy.unroll(make_batch(SPEC, LENGTHS)), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", [None, NormalisedAgent])
def test_step_by_step_it_computes_what_it_learns_from(kind):
    policy = UNSHARED(SPEC, **({"agent": kind} if kind else {}))
    episode, batch = make_episode(SPEC, 5), make_batch(SPEC, [5])
    with policy.frozen():
        steps = outputs(policy.agent, policy.inputs, episode)
    torch.testing.assert_close(policy.unroll(batch), steps, atol=1e-5, rtol=1e-4)


def test_an_agent_learns_from_its_own_values_alone():
    policy = UNSHARED(SPEC)
    policy.unroll(make_batch(SPEC, LENGTHS))[:, 1].square().sum().backward()
    learned = [
        any(p.grad is not None and p.grad.any() for p in network.parameters()) for network in networks(policy)
    ]
    assert learned == [False, True, False]


def test_agents_start_differently_and_do_not_see_their_number():
    policy = UNSHARED(SPEC)
    first, second, _ = policy.agent.heads
    assert not torch.equal(first.weight, second.weight)
    assert policy.inputs.size == SPEC.obs_size + SPEC.n_actions


def test_number_of_parameters():
    """With the sizes of Predator-Prey."""
    spec = make_spec(n_agents=8, n_actions=6, obs_size=75, state_size=300)
    assert sum(p.numel() for p in Policy(spec, shared=False).parameters()) == 244_784
