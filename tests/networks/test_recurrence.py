"""The compiled recurrent pass against PyTorch's layers, value by value and gradient by gradient."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from remix.kernels.recurrent import BLOCK
from remix.networks.agent import RecurrentAgent
from remix.networks.features import Features, Rows, as_tensor
from tests.networks.rows import KINDS, random_rows

# Lengths of sequences, input width, hidden width, outputs.
CASES = {
    "one sequence": ([30], 64, 64, 6),
    "length one": ([1] * (BLOCK + 5), 5, 7, 3),
    "equal lengths": ([6] * BLOCK, 16, 64, 16),
    "several blocks": (sorted((1 + i * 7 % 23 for i in range(3 * BLOCK - 5)), reverse=True), 13, 10, 17),
    "odd widths": ([9, 9, 8, 8, 8, 5, 5, 4, 2, 1], 3, 37, 5),
    "smallest": ([2, 1], 1, 1, 1),
}


def pack(lengths: list[int]) -> Tensor:
    """``batch_sizes`` of sequences with these lengths, longest first."""
    return torch.tensor([sum(length > t for length in lengths) for t in range(lengths[0])])


def build(case: str, dtype: torch.dtype = torch.float32, kind: str = "numbers"):
    """A network, rows, ``batch_sizes``; the weights are large enough to drive gates into saturation."""
    lengths, width, hidden, outputs = CASES[case]
    torch.manual_seed(3)
    agent = RecurrentAgent(width, outputs, hidden).to(dtype)
    agent.encoder.weight.data *= 3.0
    agent.recurrence.all_weights[0][0].data *= 3.0
    return agent, random_rows(kind, sum(lengths), width, dtype), pack(lengths)


def plain(agent: RecurrentAgent, rows: Rows, batch_sizes: Tensor) -> Tensor:
    """What PyTorch's own layers make of the rows."""
    encoded = torch.relu(agent.encoder(as_tensor(rows, agent.encoder.weight.dtype)))
    hidden, _ = agent.recurrence(PackedSequence(encoded, batch_sizes))
    return agent.head(hidden.data)


def with_gradients(agent: RecurrentAgent, outputs: Tensor) -> list[Tensor]:
    """The outputs, then the gradients of all parameters for a random gradient of the outputs."""
    grad = torch.randn(outputs.shape, dtype=outputs.dtype, generator=torch.Generator().manual_seed(5))
    return [outputs.detach(), *torch.autograd.grad(outputs, list(agent.parameters()), grad)]


def run(agent: RecurrentAgent, rows: Rows, batch_sizes: Tensor) -> list[Tensor]:
    return with_gradients(agent, agent(rows, batch_sizes))


@pytest.fixture
def threads() -> Iterator[None]:
    """The number of threads as it was before the test."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=[True, False], ids=["gates kept", "gates computed again"])
def gates(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the way back finds the gates or computes them again."""
    if not request.param:
        monkeypatch.setattr("remix.networks.recurrence.KEPT_BYTES", 0)


@pytest.mark.usefixtures("gates")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", CASES)
def test_equals_the_layers_of_pytorch(case, dtype, kind):
    agent, rows, batch_sizes = build(case, dtype, kind)
    tolerance = 4e-6 if dtype == torch.float32 else 1e-13
    theirs = with_gradients(agent, plain(agent, rows, batch_sizes))
    for mine, other in zip(run(agent, rows, batch_sizes), theirs, strict=True):
        scale = max(1.0, float(other.abs().max()))
        torch.testing.assert_close(mine / scale, other / scale, rtol=0.0, atol=tolerance)


def test_hidden_states_are_those_of_nn_gru():
    """With a head that hands them out and an encoder that lets positive input through."""
    agent = RecurrentAgent(16, 16, 16)
    for layer in (agent.encoder, agent.head):
        torch.nn.init.eye_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    rows, batch_sizes = torch.rand(40, 16), torch.tensor([10, 10, 10, 5, 5])
    expected, _ = agent.recurrence(PackedSequence(rows, batch_sizes))
    torch.testing.assert_close(agent(rows, batch_sizes), expected.data, rtol=0.0, atol=2e-6)


@pytest.mark.parametrize("case", CASES)
def test_without_gradient_the_numbers_are_the_same(case):
    agent, rows, batch_sizes = build(case)
    with torch.no_grad():
        outputs = agent(rows, batch_sizes)
    assert not outputs.requires_grad
    assert torch.equal(outputs, agent(rows, batch_sizes))
    assert torch.equal(outputs, agent.requires_grad_(False)(rows, batch_sizes))


def test_number_of_threads_changes_nothing(threads):
    agent, rows, batch_sizes = build("several blocks")
    torch.set_num_threads(1)
    first = run(agent, rows, batch_sizes)
    for number in (1, 2, 3):
        torch.set_num_threads(number)
        for one, other in zip(first, run(agent, rows, batch_sizes), strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("case", CASES)
def test_kept_gates_change_no_digit(case, monkeypatch):
    network = build(case)
    kept = run(*network)
    monkeypatch.setattr("remix.networks.recurrence.KEPT_BYTES", 0)
    for one, other in zip(kept, run(*network), strict=True):
        assert torch.equal(one, other)


def test_passes_at_the_same_time_do_not_disturb_each_other(threads):
    torch.set_num_threads(2)
    agent, rows, batch_sizes = build("several blocks")
    alone = run(agent, rows, batch_sizes)
    with ThreadPoolExecutor(4) as pool:
        for together in pool.map(lambda _: run(agent, rows, batch_sizes), range(8)):
            assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))


def test_backward_can_be_repeated():
    agent, rows, batch_sizes = build("odd widths")
    outputs = agent(rows, batch_sizes)
    first = torch.autograd.grad(outputs.sum(), list(agent.parameters()), retain_graph=True)
    second = torch.autograd.grad(outputs.sum(), list(agent.parameters()))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_saturated_gates_stay_finite_and_nan_is_not_hidden():
    agent, rows, batch_sizes = build("equal lengths")
    assert agent(rows * 1e30, batch_sizes).isfinite().all()
    rows[0, 0] = torch.nan
    outputs = agent(rows, batch_sizes)
    assert outputs[0::BLOCK].isnan().all()
    assert outputs[1::BLOCK].isfinite().all()


@pytest.mark.parametrize("case", ["one sequence", "odd widths"])
def test_autocast_changes_nothing(case):
    agent, rows, batch_sizes = build(case)
    single = run(agent, rows, batch_sizes)
    with torch.autocast("cpu", torch.bfloat16):
        half = run(agent, rows, batch_sizes)
    assert all(torch.equal(one, other) for one, other in zip(half, single, strict=True))


def test_half_precision_weights_run_in_pytorch():
    agent, rows, batch_sizes = build("odd widths", torch.bfloat16)
    assert agent(rows, batch_sizes).dtype == torch.bfloat16


@pytest.mark.parametrize("batch_sizes", [[3, 2], [2, 4], [7, -1]])
def test_impossible_batch_sizes_are_refused(batch_sizes):
    with pytest.raises(ValueError, match="must be non-increasing with sum 6"):
        RecurrentAgent(4, 2)(torch.zeros(6, 4), torch.tensor(batch_sizes))


def test_rows_of_another_width_are_refused():
    with pytest.raises(ValueError, match="5 columns, the network takes 4"):
        RecurrentAgent(4, 2)(torch.zeros(6, 5), torch.tensor([3, 3]))


def test_no_sequences_have_no_outputs():
    nothing = Features.of_numbers(torch.zeros(0, 4))
    assert RecurrentAgent(4, 2)(nothing, torch.zeros(0, dtype=torch.int64)).shape == (0, 2)
