"""The compiled time step of the agents is that of PyTorch's layers."""

import numpy as np
import pytest
import torch

from remix.networks.acting import FrozenAgent
from remix.networks.agent import AgentInputs, RecurrentAgent
from tests.samples import make_spec

SPEC = make_spec()


def situation(n_episodes, size=64):
    rng = np.random.default_rng(n_episodes)
    obs = rng.normal(size=(n_episodes, SPEC.n_agents, SPEC.obs_size)).astype(np.float32)
    last_actions = rng.integers(-1, SPEC.n_actions, (n_episodes, SPEC.n_agents))
    return obs, last_actions, rng.normal(size=(n_episodes * SPEC.n_agents, size)).astype(np.float32)


def made(last_action=True, agent_id=True, size=64):
    inputs = AgentInputs(SPEC, last_action, agent_id)
    return inputs, RecurrentAgent(inputs.size, 4, size)


def by_layers(inputs, agent, obs, last_actions, hidden):
    obs, last_actions, hidden = map(torch.from_numpy, (obs, last_actions, hidden))
    with torch.no_grad():
        return [part.numpy() for part in agent.step(inputs(obs, last_actions).to(hidden.dtype), hidden)]


@pytest.mark.parametrize("n_episodes", [1, 3, 50])
@pytest.mark.parametrize("size", [64, 20])
@pytest.mark.parametrize(("last_action", "agent_id"), [(True, True), (True, False), (False, True)])
def test_steps_are_the_same(last_action, agent_id, size, n_episodes):
    inputs, agent = made(last_action, agent_id, size)
    now = situation(n_episodes, size)
    ours = FrozenAgent(inputs, agent).step(*now)
    for part, expected in zip(ours, by_layers(inputs, agent, *now), strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-5, atol=2e-6)


def test_an_agent_acts_the_same_in_any_company():
    """To the last bit, wherever it stands among others."""
    frozen, (obs, last_actions, hidden) = FrozenAgent(*made()), situation(50)
    together, after = frozen.step(obs, last_actions, hidden)
    for first, last in ((0, 1), (7, 8), (31, 50)):
        rows = slice(first * SPEC.n_agents, last * SPEC.n_agents)
        apart, then = frozen.step(obs[first:last], last_actions[first:last], hidden[rows])
        assert np.array_equal(apart, together[rows])
        assert np.array_equal(then, after[rows])


@pytest.mark.parametrize("kind", [np.bool_, np.uint8, np.int64, np.float16, np.float64])
def test_observations_of_any_type(kind):
    frozen, (obs, *rest) = FrozenAgent(*made()), situation(3)
    obs = abs(obs).astype(kind)
    single = obs.astype(np.float32)
    for ours, theirs in zip(frozen.step(obs, *rest), frozen.step(single, *rest), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("action", [-2, SPEC.n_actions, 10**12])
def test_what_is_no_action_is_no_last_action(action):
    inputs, agent = made()
    obs, last_actions, hidden = situation(3)
    ours = FrozenAgent(inputs, agent).step(obs, np.full_like(last_actions, action), hidden)
    none = FrozenAgent(inputs, agent).step(obs, np.full_like(last_actions, -1), hidden)
    for part, other in zip(ours, none, strict=True):
        assert np.array_equal(part, other)


def test_given_states_stay_as_they_are():
    obs, last_actions, hidden = situation(2)
    before = hidden.copy()
    FrozenAgent(*made()).step(obs, last_actions, hidden)
    assert np.array_equal(hidden, before)


def test_weights_are_those_of_the_beginning():
    inputs, agent = made()
    now, frozen = situation(2), FrozenAgent(inputs, agent)
    before, _ = frozen.step(*now)
    for parameter in agent.parameters():
        parameter.data += 1.0
    assert np.array_equal(frozen.step(*now)[0], before)


def test_double_precision_weights_compute_in_double_precision():
    inputs, agent = made()
    obs, last_actions, hidden = situation(2)
    ours = FrozenAgent(inputs, agent.double()).step(obs, last_actions, hidden)
    expected = by_layers(inputs, agent, obs, last_actions, hidden.astype(np.float64))
    for part, other in zip(ours, expected, strict=True):
        assert part.dtype == np.float64
        np.testing.assert_allclose(part, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 3, 6), (6, 64)),
        ((2, 2, 5), (6, 64)),
        ((3, 3, 5), (6, 64)),
        ((2, 3, 5), (6, 63)),
        ((2, 15), (6, 64)),
    ],
)
def test_what_does_not_fit_is_refused(shapes):
    obs, hidden = map(np.zeros, shapes)
    with pytest.raises(ValueError, match="do not fit"):
        FrozenAgent(*made()).step(obs, np.zeros((2, SPEC.n_agents), np.int64), hidden)
