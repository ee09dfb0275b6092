"""DOP's linear mixer."""

import torch

from remix.checking.tables import SPEC
from remix.networks.mixers.linear import LinearMixer
from tests.networks.mixers.constants import constant
from tests.samples import make_spec


def test_worked_example():
    """Products of the factors' absolute values, scaled to sum to 1."""
    mixer = LinearMixer(make_spec(n_agents=2), embed_dim=2)
    constant(mixer.first_weight[-1], [1.0, -2.0, 0.5, 0.5])
    constant(mixer.second_weight[-1], [-1.0, 3.0])
    value, slopes = mixer.value_and_slopes(torch.tensor([[9.0, -9.0]]), torch.randn(1, 7))
    torch.testing.assert_close(slopes, torch.tensor([[7.0 / 9.0, 2.0 / 9.0]]))
    torch.testing.assert_close(value, torch.tensor([5.0]))


def test_weights_sum_to_one_unless_told_otherwise():
    state = torch.randn(40, SPEC.state_size)
    torch.testing.assert_close(LinearMixer(SPEC).weights(state).sum(-1), torch.ones(40))
    assert not torch.isclose(LinearMixer(SPEC, normalise=False).weights(state).sum(-1), torch.ones(40)).all()


def test_an_expectation_passes_through():
    mixer, state = LinearMixer(SPEC, bias=True), torch.randn(40, SPEC.state_size)
    first, second = torch.randn(2, 40, SPEC.n_agents)
    mixed = 0.3 * mixer(first, state) + 0.7 * mixer(second, state)
    torch.testing.assert_close(mixer(0.3 * first + 0.7 * second, state), mixed)


def test_number_of_parameters():
    """With the sizes of Predator-Prey."""
    spec = make_spec(n_agents=8, n_actions=6, obs_size=75, state_size=300)
    assert sum(p.numel() for p in LinearMixer(spec).parameters()) == 77_056 + 9_632
    assert sum(p.numel() for p in LinearMixer(spec, bias=True).parameters()) == 77_056 + 9_632 + 9_665
