"""A GRU over packed sequences that spends its time in matrix products.

PyTorch's CPU kernel allocates every intermediate of every time step anew. Here all buffers of a pass are
allocated once and the gradient is written out by hand, with one large product per weight at its end; the
numbers equal ``nn.GRU`` up to float32 rounding. On other devices ``nn.GRU`` itself runs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence


class GRU(nn.GRU):
    """One GRU layer over packed rows, initial hidden state zero.

    :param input_size: width of an input row.
    :param hidden_size: H.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)

    def forward(self, rows: Tensor, batch_sizes: Tensor) -> Tensor:  # type: ignore[override]
        """Hidden states ``[R, H]`` for input ``rows [R, input_size]``.

        :param batch_sizes: int64 ``[T]`` on the CPU, non-increasing, summing to R.
        """
        if rows.device.type == "cpu":
            gates = torch.addmm(self.bias_ih_l0, rows, self.weight_ih_l0.t())
            hidden: Tensor = _PackedGRU.apply(gates, self.weight_hh_l0, self.bias_hh_l0, batch_sizes.tolist())
            return hidden
        output, _ = super().forward(PackedSequence(rows, batch_sizes))
        return output.data

    def step(self, rows: Tensor, hidden: Tensor) -> Tensor:
        """The next hidden state ``[R, H]`` of R sequences at one time step."""
        return torch.gru_cell(
            rows, hidden, self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0
        )


class _PackedGRU(torch.autograd.Function):
    """The recurrence alone: input gates ``[R, 3H]`` (reset, update, candidate) to hidden states ``[R, H]``."""

    @staticmethod
    def forward(ctx: Any, gates: Tensor, weight: Tensor, bias: Tensor, batch_sizes: list[int]) -> Tensor:
        size = weight.shape[1]
        hidden = gates.new_empty(gates.shape[0], size)
        # After the pass ``acts`` holds the activated gates and ``recurrent`` the candidate's recurrent part.
        acts = torch.empty_like(gates)
        recurrent = torch.empty_like(hidden)
        product = gates.new_empty(batch_sizes[0], 3 * size)
        previous = gates.new_zeros(batch_sizes[0], size)
        weight_t = weight.t()
        start = 0
        for n in batch_sizes:
            rows = slice(start, start + n)
            previous = previous[:n]
            step, act, candidate = product[:n], acts[rows], acts[rows, 2 * size :]
            torch.addmm(bias, previous, weight_t, out=step)
            torch.add(gates[rows, : 2 * size], step[:, : 2 * size], out=act[:, : 2 * size])
            act[:, : 2 * size].sigmoid_()
            recurrent[rows].copy_(step[:, 2 * size :])
            torch.addcmul(gates[rows, 2 * size :], act[:, :size], step[:, 2 * size :], out=candidate)
            candidate.tanh_()
            torch.lerp(candidate, previous, act[:, size : 2 * size], out=hidden[rows])
            previous = hidden[rows]
            start += n
        ctx.save_for_backward(hidden, acts, recurrent, weight)
        ctx.batch_sizes = batch_sizes
        return hidden

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        (grad_hidden,) = grad_outputs
        hidden, acts, recurrent, weight = ctx.saved_tensors
        batch_sizes: list[int] = ctx.batch_sizes
        size = weight.shape[1]
        # Gradient with respect to the recurrent product; the input gates differ from it in the candidate only.
        grad_product = torch.empty_like(acts)
        grad_gates = torch.empty_like(acts)
        before = torch.zeros_like(hidden)
        carried = hidden.new_zeros(batch_sizes[0], size)
        scratch = hidden.new_empty(batch_sizes[0], 2 * size)
        end = hidden.shape[0]
        for t in range(len(batch_sizes) - 1, -1, -1):
            n = batch_sizes[t]
            rows = slice(end - n, end)
            if t > 0:
                earlier = end - n - batch_sizes[t - 1]
                before[rows] = hidden[earlier : earlier + n]
            reset, update, candidate = acts[rows].split(size, dim=1)
            grad_reset, grad_update, grad_candidate = grad_gates[rows].split(size, dim=1)
            grad, work, keep = carried[:n], scratch[:n, :size], scratch[:n, size:]
            grad += grad_hidden[rows]
            # candidate: (1 - z) (1 - c^2) dh
            torch.sub(1.0, update, out=keep)
            torch.mul(grad, keep, out=work)
            torch.mul(candidate, candidate, out=grad_candidate)
            torch.addcmul(work, work, grad_candidate, value=-1.0, out=grad_candidate)
            # update gate: (h_prev - c) z (1 - z) dh
            torch.sub(before[rows], candidate, out=grad_update)
            grad_update.mul_(update).mul_(keep).mul_(grad)
            # reset gate: recurrent candidate part times r (1 - r)
            torch.sub(1.0, reset, out=keep)
            torch.mul(keep, reset, out=grad_reset)
            grad_reset.mul_(recurrent[rows]).mul_(grad_candidate)
            grad_product[rows, : 2 * size] = grad_gates[rows, : 2 * size]
            torch.mul(grad_candidate, reset, out=grad_product[rows, 2 * size :])
            grad.mul_(update).addmm_(grad_product[rows], weight)
            end -= n
        return grad_gates, grad_product.t() @ before, grad_product.sum(0), None
