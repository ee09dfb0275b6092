"""A GRU over packed sequences, quick on the CPU.

PyTorch's own CPU kernels allocate every intermediate of every time step anew and take much longer than the
arithmetic. On the CPU the compiled kernels of :mod:`remix.networks.gru_kernels` run instead; their numbers
equal ``nn.GRU`` up to rounding. On other devices and in half precision ``nn.GRU`` itself runs.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils.rnn import PackedSequence

from remix.networks import gru_kernels


class GRU(nn.GRU):
    """One GRU layer over packed rows, initial hidden state zero.

    :param input_size: width of an input row.
    :param hidden_size: H.
    """

    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)

    def forward(self, rows: Tensor, batch_sizes: Tensor) -> Tensor:  # type: ignore[override]
        """Hidden states ``[R, H]`` for input ``rows [R, input_size]``.

        On the CPU the result has the type of the weights (also where autocast brings half precision).

        :param batch_sizes: int64 ``[T]`` on the CPU, non-increasing, summing to R.
        :raises ValueError: if ``batch_sizes`` is not like that.
        """
        weights = self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0
        if rows.device.type == "cpu" and weights[0].dtype in (torch.float32, torch.float64):
            self.check_input(rows, batch_sizes)
            _check_sizes(batch_sizes, len(rows))
            learns = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (rows, *weights))
            hidden: Tensor = _PackedGRU.apply(rows.to(weights[0].dtype), *weights, batch_sizes, learns)
            return hidden
        output, _ = super().forward(PackedSequence(rows, batch_sizes))
        return output.data

    def step(self, rows: Tensor, hidden: Tensor) -> Tensor:
        """The next hidden state ``[R, H]`` of R sequences at one time step."""
        return torch.gru_cell(
            rows, hidden, self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0
        )


class _PackedGRU(torch.autograd.Function):
    """The recurrence with its gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor,
        bias_hh: Tensor,
        batch_sizes: Tensor,
        learns: bool,
    ) -> Tensor:
        rows = rows.contiguous()
        hidden = _empty(len(rows), weight_hh.shape[1], rows)
        gates = _empty(len(rows) if learns else 0, 4 * weight_hh.shape[1], rows)
        weights = weight_ih.t().contiguous(), weight_hh.t().contiguous(), bias_ih, bias_hh
        _for_each_block(gru_kernels.forward_block, batch_sizes, rows, *weights, hidden, gates)
        if learns:
            ctx.save_for_backward(batch_sizes, rows, hidden, gates, weight_ih, weight_hh)
        return hidden

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        batch_sizes, rows, hidden, gates, *weights = ctx.saved_tensors
        grad_hidden = grad_outputs[0].contiguous()
        grad_rows = torch.from_numpy(np.zeros_like(rows.numpy()))
        # One part per block, added up in fixed order: the sum depends neither on threads nor on timing.
        blocks, width = _blocks(batch_sizes), gates.shape[1] // 4 * 3
        parts = [rows.new_zeros(blocks, *weight.shape[::-1]) for weight in weights]
        parts += [rows.new_zeros(blocks, width) for _ in range(2)]
        read = (rows, hidden, gates, grad_hidden, *weights)
        _for_each_block(gru_kernels.backward_block, batch_sizes, *read, grad_rows, *parts)
        weight_ih, weight_hh, bias_ih, bias_hh = (part.sum(0) for part in parts)
        return grad_rows, weight_ih.t().contiguous(), weight_hh.t().contiguous(), bias_ih, bias_hh, None, None


def _check_sizes(batch_sizes: Tensor, n_rows: int) -> None:
    """Refuses what would lead the kernels out of their arrays."""
    sizes = batch_sizes.tolist()
    if sum(sizes) != n_rows or sizes != sorted(sizes, reverse=True) or min(sizes, default=0) < 0:
        raise ValueError(f"batch_sizes={sizes}: must be non-increasing with sum {n_rows}")


def _empty(rows: int, width: int, like: Tensor) -> Tensor:
    """An uninitialised tensor. NumPy asks for huge pages, so large ones cost a fraction of torch.empty."""
    return torch.from_numpy(np.empty((rows, width), like.numpy().dtype))


def _blocks(batch_sizes: Tensor) -> int:
    """Number of blocks that hold all sequences."""
    sequences = int(batch_sizes[0]) if len(batch_sizes) else 0
    return -(-sequences // gru_kernels.BLOCK)


def _for_each_block(kernel: Callable[..., None], *tensors: Tensor) -> None:
    """Runs the kernel on every block, in as many threads as PyTorch uses.

    The kernels release the GIL. Threads of our own rather than Numba's: these may be started from any thread,
    several at once, whichever threading library is installed.
    """
    arrays: list[NDArray[Any]] = [tensor.numpy() for tensor in tensors]
    blocks = range(_blocks(tensors[0]))
    workers = min(torch.get_num_threads(), len(blocks))
    if workers <= 1:
        for block in blocks:
            kernel(block, *arrays)
        return
    with ThreadPoolExecutor(workers) as pool:
        # Fetching the results raises what a thread raised.
        list(pool.map(lambda block: kernel(block, *arrays), blocks))
