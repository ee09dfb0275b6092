"""Compiled GRU recurrence over packed rows, for the CPU.

A pass over a long sequence in whole-batch products streams every gate of every time step through main
memory. Here a *block* of :data:`BLOCK` neighbouring sequences goes through all its time steps at once, and
everything that a time step touches, weights included, stays in the cache of one core: only the input rows
are read and the hidden states (in training also the gates) are written. Blocks have nothing in common, so
every call handles one block and the calls may run in parallel, in any order, with the same result.

R packed rows, T time steps; input width I, hidden width H. Gates lie side by side in the order of
``torch.nn.GRU``: reset r, update z, candidate c, each H wide::

    r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh)
    c = tanh(W_ih x + b_ih + r q),   q = W_hh h + b_hh
    h' = c + z (h - c)

All arrays are C-contiguous and of one type, float32 or float64.
"""

from __future__ import annotations

import math
from typing import Any, Callable, TypeVar, cast

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

# Sequences in a block: enough rows to reuse each loaded weight, few enough to stay in the second-level cache.
BLOCK = 32

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Fused multiply-adds are worth a factor of two; the other liberties of fast mathematics would hide NaNs and
# remove the rounding trick of the exponential function.
_OPTIONS: dict[str, Any] = {"nogil": True, "fastmath": {"contract"}, "error_model": "numpy"}


def _compiled(function: _Function) -> _Function:
    return cast(_Function, njit(cache=True, **_OPTIONS)(function))


@_compiled
def forward_block(
    block: int,
    batch_sizes: NDArray[np.int64],
    rows: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array,
    bias_hh: Array,
    hidden: Array,
    gates: Array,
) -> None:
    """Hidden states of one block of sequences, from the first time step to the last.

    :param block: number of the block: sequences ``block * BLOCK`` and following.
    :param batch_sizes: ``[T]`` sequences at each time step, non-increasing.
    :param rows: ``[R, I]`` input.
    :param weight_ih: ``[I, 3H]``, transposed, as ``weight_hh [H, 3H]``; biases ``[3H]``.
    :param hidden: ``[R, H]``, written.
    :param gates: ``[R, 4H]`` r, z, c, q for the way back, written; ``[0, 4H]`` where there is none.
    """
    first, size = block * BLOCK, hidden.shape[1]
    width = min(BLOCK, batch_sizes[0] - first)
    state = np.zeros((width, size), hidden.dtype)
    act = np.empty((width, 3 * size), hidden.dtype)
    recurrent = np.empty((width, 3 * size), hidden.dtype)
    start = first
    for running in batch_sizes:
        n = min(width, running - (start - start + first))
        if n <= 0:
            break
        start += running
