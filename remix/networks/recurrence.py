"""The compiled recurrent pass as an operation with a gradient."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from remix.kernels import recurrent as kernels
from remix.networks.features import Features
from remix.networks.layout import as_array, padded, total
from remix.networks.threads import for_each

KEPT_BYTES = 64 << 20
"""Up to so many bytes the gates of a batch are kept for its gradient."""


def recurrent_pass(
    features: Features, batch_sizes: Tensor, encoder: nn.Linear, gru: nn.GRU, head: Tensor, head_bias: Tensor
) -> Tensor:
    """Linear - ReLU - GRU - linear, outputs ``[R, O]`` for R packed rows; initial hidden states are 0.

    :param batch_sizes: int64 ``[T]`` on the CPU, sequences at each time step.
    :param head: ``[O, H]``, weights of the last layer, which may be computed from others.
    :param head_bias: ``[O]``.
    :raises ValueError: if ``batch_sizes`` increase or do not sum to R, or rows are of another width.
    """
    _check(features, batch_sizes, encoder)
    parameters = (*encoder.parameters(), *gru.parameters(), head, head_bias)
    learns = torch.is_grad_enabled() and any(parameter.requires_grad for parameter in parameters)
    outputs: Tensor = _RecurrentPass.apply(features, batch_sizes, learns, *parameters)
    return outputs


def frozen_weights(encoder: nn.Linear, gru: nn.GRU, head: nn.Linear) -> kernels.Parameters:
    """The weights as they are now, in the form that :mod:`remix.kernels.acting` reads."""
    return _Weights(*encoder.parameters(), *gru.parameters(), *head.parameters()).forward()


class _Weights(NamedTuple):
    """The parameters in the order of the modules'."""

    encoder: Tensor
    encoder_bias: Tensor
    input: Tensor
    hidden: Tensor
    input_bias: Tensor
    hidden_bias: Tensor
    head: Tensor
    head_bias: Tensor

    def forward(self) -> kernels.Parameters:
        """Inputs of each layer along the first axis."""
        return kernels.Parameters(
            encoder=as_array(self.encoder.t()),
            encoder_bias=as_array(self.encoder_bias),
            input=as_array(self.input.t()),
            input_bias=as_array(self.input_bias),
            hidden=as_array(self.hidden.t()),
            hidden_bias=as_array(self.hidden_bias),
            head=as_array(padded(self.head).t()),
            head_bias=as_array(padded(self.head_bias)),
        )

    def transposed(self) -> kernels.Transposed:
        return kernels.Transposed(as_array(self.input), as_array(self.hidden), as_array(padded(self.head)))


class _RecurrentPass(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, features: Features, batch_sizes: Tensor, learns: bool, *parameters: Tensor
    ) -> Tensor:
        weights = _Weights(*parameters)
        kind, n_rows = _numpy_type(weights.encoder), len(features)
        outputs = np.empty((n_rows, len(weights.head)), kind)
        size = weights.hidden.shape[1]
        hidden = np.empty((n_rows if learns else 0, size), kind)
        gates = np.empty((n_rows if learns and 4 * hidden.nbytes <= KEPT_BYTES else 0, 4 * size), kind)
        inputs, forward = features.arrays(weights.encoder.dtype), weights.forward()
        arguments = (batch_sizes.numpy(), inputs, forward, hidden[:0], hidden, gates, outputs)
        for_each(lambda block: kernels.forward_block(block, *arguments), range(_blocks(batch_sizes)))
        if learns:
            ctx.features = features
            ctx.save_for_backward(batch_sizes, torch.from_numpy(hidden), torch.from_numpy(gates), *parameters)
        return torch.from_numpy(outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        batch_sizes, hidden, gates, *parameters = ctx.saved_tensors
        weights = _Weights(*parameters)
        forward, blocks = weights.forward(), _blocks(batch_sizes)
        # One part per block, added up in fixed order: the sum depends neither on threads nor on timing.
        parts = kernels.Parameters(*(np.zeros((blocks, *array.shape), array.dtype) for array in forward))
        arguments = (
            batch_sizes.numpy(),
            ctx.features.arrays(weights.encoder.dtype),
            forward,
            weights.transposed(),
            hidden.numpy(),
            gates.numpy(),
            as_array(grad_outputs[0]),
            parts,
        )
        for_each(lambda block: kernels.backward_block(block, *arguments), range(blocks))
        grads = kernels.Parameters(*(total(part) for part in parts))
        n_outputs = len(weights.head)
        ordered = _Weights(
            encoder=_tensor(grads.encoder.T),
            encoder_bias=_tensor(grads.encoder_bias),
            input=_tensor(grads.input.T),
            hidden=_tensor(grads.hidden.T),
            input_bias=_tensor(grads.input_bias),
            hidden_bias=_tensor(grads.hidden_bias),
            head=_tensor(grads.head.T[:n_outputs]),
            head_bias=_tensor(grads.head_bias[:n_outputs]),
        )
        return None, None, None, *ordered


def _check(features: Features, batch_sizes: Tensor, encoder: nn.Linear) -> None:
    """Refuses what would lead the kernels out of their arrays."""
    sizes = batch_sizes.tolist()
    if sum(sizes) != len(features) or sizes != sorted(sizes, reverse=True) or min(sizes, default=0) < 0:
        raise ValueError(f"batch_sizes={sizes}: must be non-increasing with sum {len(features)}")
    if features.width != encoder.in_features:
        raise ValueError(f"input rows have {features.width} columns, the network takes {encoder.in_features}")


def _blocks(batch_sizes: Tensor) -> int:
    """Number of blocks that hold all sequences."""
    sequences = int(batch_sizes[0]) if len(batch_sizes) else 0
    return -(-sequences // kernels.BLOCK)


def _tensor(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


def _numpy_type(tensor: Tensor) -> np.dtype[Any]:
    kind: np.dtype[Any] = tensor.detach().numpy().dtype
    return kind
