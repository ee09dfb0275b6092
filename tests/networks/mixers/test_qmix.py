"""QMIX's mixing network."""

import pytest
import torch

from remix.networks.mixers.qmix import QMixer
from tests.networks.mixers.constants import constant
from tests.samples import make_spec

SPEC = make_spec()


def random_rows(n=50, scale=3.0):
    """Utilities over a range in which hidden units of a QMixer lie on both sides of 0, and states."""
    return scale * torch.randn(n, SPEC.n_agents, requires_grad=True), torch.randn(n, SPEC.state_size)


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["positive", "negative"])
def test_qmix_worked_example(sign):
    """Two agents, two hidden units, one below 0; the hypernetworks' signs do not matter."""
    mixer = QMixer(make_spec(n_agents=2), embed_dim=2)
    constant(mixer.first_weight, [sign * 1.0, 2.0, sign * 0.5, 3.0])
    constant(mixer.first_bias, [1.0, -4.0])
    constant(mixer.second_weight, [1.0, sign * 3.0])
    constant(mixer.state_value, [0.25])
    value, slopes = mixer.value_and_slopes(torch.tensor([[0.5, -1.0]]), torch.randn(1, 7))
    torch.testing.assert_close(value, torch.tensor([-1.7425637]))
    torch.testing.assert_close(slopes, torch.tensor([[1.0148725, 0.5223088]]))


def test_large_hidden_values_do_not_overflow():
    _, slopes = QMixer(SPEC).value_and_slopes(1e4 * torch.ones(4, 3), torch.randn(4, 7))
    assert torch.isfinite(slopes).all()


def test_number_of_parameters():
    """With the sizes of Predator-Prey."""
    spec = make_spec(n_agents=8, n_actions=6, obs_size=75, state_size=300)
    assert sum(p.numel() for p in QMixer(spec).parameters()) == 76_545


class TestCompiledMixing:
    """The kernel against the formula in tensors (which runs in half precision and on other devices)."""

    @staticmethod
    def plain(mixer: QMixer, utilities, state):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("remix.networks.mixers.qmix.compiles", lambda tensor: False)
            return mixer.value_and_slopes(utilities, state)

    @pytest.mark.parametrize("n_rows", [1, 3, 200])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_values_slopes_and_gradients(self, dtype, n_rows):
        mixer = QMixer(SPEC, embed_dim=5).to(dtype)
        utilities, state = (tensor.detach().to(dtype) for tensor in random_rows(n_rows, scale=10.0))
        utilities.requires_grad_()
        results = []
        for value, slopes in (
            mixer.value_and_slopes(utilities, state),
            self.plain(mixer, utilities, state),
        ):
            grad = torch.linspace(-1, 2, n_rows, dtype=dtype)
            gradients = torch.autograd.grad(value, [utilities, *mixer.parameters()], grad)
            results.append([value.detach(), slopes, *gradients])
        for ours, theirs in zip(*results, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)

    def test_weights_of_zero_have_no_gradient(self):
        mixer = QMixer(make_spec(n_agents=2), embed_dim=2)
        constant(mixer.first_weight, [0.0] * 4)
        constant(mixer.second_weight, [0.0, 0.0])
        value, slopes = mixer.value_and_slopes(torch.ones(1, 2), torch.randn(1, 7))
        value.backward()
        assert slopes.tolist() == [[0.0, 0.0]]
        for network in (mixer.first_weight, mixer.second_weight):
            grad = network.linear[-1].bias.grad
            assert grad is not None and not grad.any()


@pytest.mark.parametrize("n_agents", [1, SPEC.n_agents - 1, SPEC.n_agents + 1])
def test_utilities_of_another_number_of_agents_are_refused(n_agents):
    with pytest.raises(ValueError, match="cannot mix utilities"):
        QMixer(SPEC)(torch.randn(5, n_agents), torch.randn(5, SPEC.state_size))
    with pytest.raises(ValueError, match="cannot mix utilities"):
        QMixer(SPEC)(torch.randn(6, SPEC.n_agents), torch.randn(5, SPEC.state_size))
