"""QMIX's network without absolute values."""

import pytest
import torch

from remix.networks.mixers.qmix import QMixer
from remix.networks.mixers.unconstrained import UnconstrainedMixer
from tests.networks.mixers.constants import constant
from tests.samples import make_spec

SPEC = make_spec()


def test_worked_example():
    """Two agents, two hidden units, one below 0; signs matter."""
    mixer = UnconstrainedMixer(make_spec(n_agents=2), embed_dim=2)
    constant(mixer.first_weight, [-1.0, 2.0, 0.5, 3.0])
    constant(mixer.first_bias, [2.0, -4.0])
    constant(mixer.second_weight, [1.0, -3.0])
    constant(mixer.state_value, [0.25])
    value, slopes = mixer.value_and_slopes(torch.tensor([[0.5, -1.0]]), torch.randn(1, 7))
    torch.testing.assert_close(value, torch.tensor([4.2425637]))
    torch.testing.assert_close(slopes, torch.tensor([[-1.0148725, 0.4776912]]))


def test_with_weights_that_are_not_negative_it_is_qmix():
    mixer, other = UnconstrainedMixer(SPEC), QMixer(SPEC)
    with torch.no_grad():
        for network in (mixer.first_weight, mixer.second_weight):
            for parameter in network.parameters():
                parameter.abs_()
    other.load_state_dict(mixer.state_dict())
    utilities, state = torch.randn(50, 3), torch.rand(50, 7)
    for ours, theirs in zip(
        mixer.value_and_slopes(utilities, state), other.value_and_slopes(utilities, state), strict=True
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_some_slopes_are_negative():
    _, slopes = UnconstrainedMixer(SPEC).value_and_slopes(torch.randn(50, 3), torch.randn(50, 7))
    assert (slopes < 0).any() and (slopes > 0).any()


def test_half_precision_leaves_sums_in_single_precision():
    mixer, utilities, state = UnconstrainedMixer(SPEC), torch.randn(9, 3), torch.randn(9, 7)
    exact = mixer(utilities, state)
    with torch.autocast("cpu", torch.bfloat16):
        value = mixer(utilities, state)
    assert value.dtype == torch.float32
    assert value.tolist() == pytest.approx(exact.tolist(), abs=0.1)
