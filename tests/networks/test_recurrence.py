"""The GRU over packed rows against ``nn.GRU``, value by value and gradient by gradient."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from remix.networks.gru_kernels import BLOCK
from remix.networks.recurrence import GRU

# Lengths of sequences, input width, hidden width.
CASES = {
    "one sequence": ([30], 64, 64),
    "length one": ([1] * (BLOCK + 5), 5, 7),
    "equal lengths": ([6] * BLOCK, 16, 64),
    "several blocks": (sorted((1 + i * 7 % 23 for i in range(3 * BLOCK - 5)), reverse=True), 13, 10),
    "odd widths": ([9, 9, 8, 8, 8, 5, 5, 4, 2, 1], 3, 37),
    "smallest": ([2, 1], 1, 1),
}


def pack(lengths: list[int]) -> Tensor:
    """``batch_sizes`` of sequences with these lengths, longest first."""
    return torch.tensor([sum(length > t for length in lengths) for t in range(lengths[0])])


def build(lengths: list[int], inputs: int, size: int, dtype: torch.dtype) -> tuple[GRU, Tensor, Tensor]:
    """A GRU with rows large enough to drive its gates into saturation."""
    torch.manual_seed(3)
    return GRU(inputs, size).to(dtype), 3 * torch.randn(sum(lengths), inputs, dtype=dtype), pack(lengths)


def run(module: nn.GRU, rows: Tensor, batch_sizes: Tensor, reference: bool = False) -> list[Tensor]:
    """Hidden states, then the gradients of the rows and of all parameters for a random output gradient."""
    rows = rows.clone().requires_grad_()
    if reference:
        hidden = nn.GRU.forward(module, PackedSequence(rows, batch_sizes))[0].data
    else:
        hidden = module(rows, batch_sizes)
    grad = torch.randn(hidden.shape, dtype=hidden.dtype, generator=torch.Generator().manual_seed(5))
    return [hidden.detach(), *torch.autograd.grad(hidden, [rows, *module.parameters()], grad)]


@pytest.fixture
def threads() -> Iterator[None]:
    """The number of threads as it was before the test."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", CASES)
def test_equals_the_gru_of_pytorch(case, dtype):
    gru, rows, batch_sizes = build(*CASES[case], dtype)
    tolerance = 4e-6 if dtype == torch.float32 else 1e-14
    ours, theirs = run(gru, rows, batch_sizes), run(gru, rows, batch_sizes, reference=True)
    for mine, other in zip(ours, theirs, strict=True):
        scale = max(1.0, float(other.abs().max()))
        torch.testing.assert_close(mine / scale, other / scale, rtol=0.0, atol=tolerance)


def test_gradient_is_the_derivative():
    gru, rows, batch_sizes = build([4, 3, 1], 3, 2, torch.float64)
    assert torch.autograd.gradcheck(
        lambda rows, *_: gru(rows, batch_sizes), (rows.requires_grad_(), *gru.parameters())
    )


def test_parameters_are_those_of_pytorch():
    nn.GRU(5, 7).load_state_dict(GRU(5, 7).state_dict(), strict=True)


@pytest.mark.parametrize("case", CASES)
def test_without_gradient_the_numbers_are_the_same(case):
    gru, rows, batch_sizes = build(*CASES[case], torch.float32)
    with torch.no_grad():
        hidden = gru(rows, batch_sizes)
    assert not hidden.requires_grad
    assert torch.equal(hidden, gru(rows, batch_sizes))
    assert torch.equal(hidden, gru.requires_grad_(False)(rows, batch_sizes))


def test_number_of_threads_changes_nothing(threads):
    gru, rows, batch_sizes = build(*CASES["several blocks"], torch.float32)
    torch.set_num_threads(1)
    first = run(gru, rows, batch_sizes)
    for number in (1, 2, 3):
        torch.set_num_threads(number)
        for one, other in zip(first, run(gru, rows, batch_sizes), strict=True):
            assert torch.equal(one, other)


def test_passes_at_the_same_time_do_not_disturb_each_other(threads):
    torch.set_num_threads(2)
    gru, rows, batch_sizes = build(*CASES["several blocks"], torch.float32)
    alone = run(gru, rows, batch_sizes)
    with ThreadPoolExecutor(4) as pool:
        for together in pool.map(lambda _: run(gru, rows, batch_sizes), range(8)):
            assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))


def test_step_goes_through_the_same_states():
    gru, rows, batch_sizes = build(*CASES["odd widths"], torch.float32)
    hidden = gru(rows, batch_sizes)
    state = torch.zeros(int(batch_sizes[0]), gru.hidden_size)
    parts = batch_sizes.tolist()
    for inputs, expected in zip(rows.split(parts), hidden.split(parts), strict=True):
        state = gru.step(inputs, state[: len(inputs)])
        torch.testing.assert_close(state, expected, rtol=1e-5, atol=1e-6)


def test_backward_can_be_repeated():
    gru, rows, batch_sizes = build(*CASES["odd widths"], torch.float32)
    hidden = gru(rows, batch_sizes)
    first = torch.autograd.grad(hidden.sum(), list(gru.parameters()), retain_graph=True)
    second = torch.autograd.grad(hidden.sum(), list(gru.parameters()))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_saturated_gates_stay_finite_and_nan_is_not_hidden():
    gru, rows, batch_sizes = build([3, 3], 4, 4, torch.float32)
    assert gru(rows * 1e30, batch_sizes).abs().max() <= 1.0
    rows[0, 0] = torch.nan
    hidden = gru(rows, batch_sizes)
    assert hidden[0::2].isnan().all()
    assert hidden[1::2].isfinite().all()


def test_autocast_computes_in_the_type_of_the_weights():
    gru, rows, batch_sizes = build([4, 2], 4, 4, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        hidden = gru(rows.bfloat16(), batch_sizes)
    assert torch.equal(hidden, gru(rows.bfloat16().float(), batch_sizes))


def test_half_precision_weights_run_in_pytorch():
    gru, rows, batch_sizes = build([4, 2], 4, 4, torch.bfloat16)
    assert gru(rows, batch_sizes).dtype == torch.bfloat16


@pytest.mark.parametrize("batch_sizes", [[3, 2], [2, 4], [7, -1]])
def test_impossible_batch_sizes_are_refused(batch_sizes):
    with pytest.raises(ValueError, match="must be non-increasing with sum 6"):
        GRU(4, 4)(torch.zeros(6, 4), torch.tensor(batch_sizes))


def test_rows_of_another_width_are_refused():
    with pytest.raises(RuntimeError, match="input_size"):
        GRU(4, 4)(torch.zeros(6, 5), torch.tensor([3, 3]))


def test_no_sequences_have_no_states():
    assert GRU(4, 3)(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64)).shape == (0, 3)
