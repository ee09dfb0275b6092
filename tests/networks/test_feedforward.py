"""The compiled pass through linear layers against PyTorch's."""

import pytest
import torch
from torch import nn

from remix.kernels.feedforward import BLOCK
from remix.networks.features import Features, as_tensor
from remix.networks.feedforward import FeedForward, side_by_side
from tests.networks.rows import KINDS, random_rows

SIZES = {
    "one layer": (9, 5),
    "two layers": (12, 64, 40),
    "four layers": (20, 33, 16, 48, 1),
    "smallest": (1, 1, 1),
}


def run(network, outputs, *more):
    """Outputs and the gradients of all parameters (and more) for a random gradient of the outputs."""
    grad = torch.randn(outputs.shape, dtype=outputs.dtype, generator=torch.Generator().manual_seed(5))
    return [outputs.detach(), *torch.autograd.grad(outputs, [*more, *network.parameters()], grad)]


@pytest.mark.parametrize("n_rows", [0, 1, BLOCK, 3 * BLOCK + 5, 40 * BLOCK - 1])
@pytest.mark.parametrize("sizes", SIZES.values(), ids=list(SIZES))
@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_layers_of_pytorch(kind, sizes, n_rows):
    network = FeedForward(*sizes)
    rows = random_rows(kind, n_rows, sizes[0])
    ours = run(network, network(rows))
    for mine, theirs in zip(
        ours, run(network, nn.Sequential.forward(network, as_tensor(rows, torch.float32))), strict=True
    ):
        scale = max(1.0, float(theirs.abs().max())) if theirs.numel() else 1.0
        torch.testing.assert_close(mine / scale, theirs / scale, rtol=0.0, atol=4e-6)


@pytest.mark.parametrize("sizes", SIZES.values(), ids=list(SIZES))
@pytest.mark.slow
def test_gradient_of_dense_columns(sizes):
    network = FeedForward(*sizes).double()
    numbers = torch.randn(70, sizes[0], dtype=torch.float64, requires_grad=True)
    ours = run(network, network(numbers), numbers)
    theirs = run(network, nn.Sequential.forward(network, numbers), numbers)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other)


def test_gradient_of_dense_columns_after_bits():
    network = FeedForward(14, 32, 2)
    numbers = torch.randn(100, 4, requires_grad=True)
    bits = random_rows("bits", 100, 10)
    assert isinstance(bits, Features)
    ours = run(network, network(bits.with_dense(numbers)), numbers)
    dense = torch.cat((bits.to_dense(), numbers), 1)
    theirs = run(network, nn.Sequential.forward(network, dense), numbers)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-5)


def test_parameters_are_those_of_a_sequential():
    plain = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2))
    plain.load_state_dict(FeedForward(5, 7, 2).state_dict(), strict=True)


def test_number_of_threads_changes_nothing():
    network, rows = FeedForward(20, 32, 3), random_rows("bits", 50 * BLOCK, 20)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        first = run(network, network(rows))
        torch.set_num_threads(3)
        for one, other in zip(first, run(network, network(rows)), strict=True):
            assert torch.equal(one, other)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("n_rows", [0, 1, 3 * BLOCK + 5])
@pytest.mark.parametrize("kind", KINDS)
def test_networks_side_by_side_have_the_numbers_of_each_alone(kind, n_rows):
    networks = [FeedForward(12, *sizes) for sizes in ((64, 40), (5,), (64, 33, 1), (17, 3))]
    rows = random_rows(kind, n_rows, 12)
    parameters = [p for network in networks for p in network.parameters()]
    together, alone = side_by_side(networks, rows), torch.cat([network(rows) for network in networks], -1)
    grad = torch.randn(together.shape)
    for one, other in zip(
        [together, *torch.autograd.grad(together, parameters, grad)],
        [alone, *torch.autograd.grad(alone, parameters, grad)],
        strict=True,
    ):
        assert torch.equal(one, other)


def test_gradient_of_dense_columns_that_several_networks_read():
    networks = [FeedForward(14, *sizes).double() for sizes in ((32, 2), (3,))]
    numbers = torch.randn(100, 4, dtype=torch.float64, requires_grad=True)
    bits = random_rows("bits", 100, 10)
    assert isinstance(bits, Features)
    dense = torch.cat((bits.to_dense(), numbers), 1)
    ours = side_by_side(networks, bits.with_dense(numbers))
    theirs = torch.cat([nn.Sequential.forward(network, dense) for network in networks], -1)
    grad = torch.randn_like(theirs)
    for mine, other in zip(
        torch.autograd.grad(ours, numbers, grad), torch.autograd.grad(theirs, numbers, grad), strict=True
    ):
        torch.testing.assert_close(mine, other)


def test_networks_side_by_side_hide_no_nan():
    networks, rows = [FeedForward(3, 8, 1), FeedForward(3, 2)], torch.randn(5, 3)
    networks[1].linear[0].bias.data[1] = torch.nan
    assert side_by_side(networks, rows).isnan().any(0).tolist() == [False, False, True]


def test_autocast_changes_nothing():
    network, rows = FeedForward(20, 64, 33, 3), random_rows("numbers", 500, 20)
    single = run(network, network(rows))
    with torch.autocast("cpu", torch.bfloat16):
        half = run(network, network(rows))
    assert all(torch.equal(one, other) for one, other in zip(half, single, strict=True))


def test_nan_is_not_hidden():
    network, rows = FeedForward(3, 8, 1), torch.randn(5, 3)
    rows[2, 1] = torch.nan
    assert network(rows).isnan().flatten().tolist() == [False, False, True, False, False]


def test_rows_of_another_width_are_refused():
    with pytest.raises(ValueError, match="5 columns, the network takes 4"):
        FeedForward(4, 2)(torch.zeros(6, 5))
