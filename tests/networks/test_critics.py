"""The critic of single agents' actions."""

import numpy as np
import pytest
import torch

from remix.networks.critics import AgentCritic
from remix.networks.features import Features, Rows, as_tensor
from remix.settings.errors import SettingError
from tests.networks.rows import random_bits
from tests.samples import make_spec

SPEC = make_spec()
POINTS = 6


def listed(bits: np.ndarray) -> Features:
    return Features.of_bits(torch.from_numpy(np.packbits(bits, axis=-1)), bits.shape[-1])


def test_number_of_parameters():
    """With the sizes of Predator-Prey."""
    spec = make_spec(n_agents=8, n_actions=6, obs_size=75, state_size=300)
    assert sum(p.numel() for p in AgentCritic(spec).parameters()) == 165_895


@pytest.mark.parametrize("obs_form", ["listed", "numbers", "tensor", "bytes"])
@pytest.mark.parametrize("state_form", ["listed", "tensor"])
def test_a_row_is_the_state_the_observation_and_the_number_of_the_agent(state_form, obs_form):
    """Whatever form a batch has them in."""
    state = random_bits(POINTS, SPEC.state_size, seed=1)
    obs = random_bits(POINTS * SPEC.n_agents, SPEC.obs_size, seed=2)
    numbers = torch.from_numpy(obs).float()
    per_point = numbers.view(POINTS, SPEC.n_agents, SPEC.obs_size)
    forms: dict[str, Rows] = {
        "listed": listed(obs),
        "numbers": Features.of_numbers(numbers),
        "tensor": numbers,
        "bytes": numbers.byte(),
    }
    dense_state = torch.from_numpy(state).float()
    critic = AgentCritic(SPEC)
    given = listed(state) if state_form == "listed" else dense_state
    rows = as_tensor(critic.rows(given, forms[obs_form]), torch.float32)
    expected = [
        torch.cat((dense_state[point], per_point[point, agent], torch.eye(SPEC.n_agents)[agent]))
        for point in range(POINTS)
        for agent in range(SPEC.n_agents)
    ]
    assert torch.equal(rows, torch.stack(expected))


def test_bits_stay_listed():
    rows = AgentCritic(SPEC).rows(
        listed(random_bits(POINTS, SPEC.state_size)),
        listed(random_bits(POINTS * SPEC.n_agents, SPEC.obs_size)),
    )
    assert isinstance(rows, Features) and rows.dense.shape[1] == 0


def test_values_are_those_of_the_layers_and_the_sum_of_both_heads():
    critic = AgentCritic(SPEC, hidden_size=32)
    rows = torch.randn(10, SPEC.state_size + SPEC.obs_size + SPEC.n_agents)
    first, second, last = critic.network.linear
    outputs = last(second(first(rows).relu()).relu())
    expected = torch.stack([outputs[:, 0] + outputs[:, 1 + a] for a in range(SPEC.n_actions)], dim=1)
    torch.testing.assert_close(critic(rows), expected)


def test_values_of_half_precision_layers_are_single(monkeypatch):
    monkeypatch.setattr("remix.networks.feedforward.compiles", lambda weight: False)
    rows = torch.randn(10, SPEC.state_size + SPEC.obs_size + SPEC.n_agents)
    with torch.autocast("cpu", torch.bfloat16):
        assert AgentCritic(SPEC)(rows).dtype == torch.float32


def test_a_layer_needs_a_width():
    with pytest.raises(SettingError, match="hidden_size"):
        AgentCritic(SPEC, hidden_size=0)
