"""Compiled lists of the ones in rows of bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.kernels.compiler import compiled

# The number and the positions of the ones in every byte, highest bit first (the order of ``np.packbits``).
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
BIT_COUNT = _BITS.sum(1).astype(np.int64)
BIT_POSITIONS = np.argsort(1 - _BITS, axis=1, kind="stable").astype(np.int32)


@compiled
def count_ones(bits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many ones come before each row, and in all: ``[R + 1]`` for ``bits [R, bytes]``."""
    before = np.empty(len(bits) + 1, np.int64)
    total = 0
    for r in range(len(bits)):
        before[r] = total
        for byte in bits[r]:
            total += BIT_COUNT[byte]
    before[len(bits)] = total
    return before


@compiled
def list_ones(
    first: int, last: int, bits: NDArray[np.uint8], starts: NDArray[np.int64], ones: NDArray[np.int32]
) -> None:
    """Write the columns of the ones in the rows ``first`` to ``last - 1`` of ``bits [R, B]``, ascending.

    Those of row r begin at ``ones[starts[r]]``.
    """
    for r in range(first, last):
        at = starts[r]
        for b in range(bits.shape[1]):
            byte = bits[r, b]
            for k in range(BIT_COUNT[byte]):
                ones[at] = 8 * b + BIT_POSITIONS[byte, k]
                at += 1


@compiled
def join_ones(
    ones: NDArray[np.int32],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    more: NDArray[np.int64],
    joined: NDArray[np.int32],
    joined_starts: NDArray[np.int64],
    joined_ends: NDArray[np.int64],
) -> None:
    """Copies the ones of every row and appends the columns ``more [R, E]``, of which -1 stands for none."""
    at = 0
    for r in range(len(starts)):
        joined_starts[r] = at
        for k in range(starts[r], ends[r]):
            joined[at] = ones[k]
            at += 1
        for column in more[r]:
            if column >= 0:
                joined[at] = column
                at += 1
        joined_ends[r] = at


@compiled
def join_rows(
    first: int,
    last: int,
    left: NDArray[np.int32],
    left_starts: NDArray[np.int64],
    left_ends: NDArray[np.int64],
    right: NDArray[np.int32],
    right_starts: NDArray[np.int64],
    right_ends: NDArray[np.int64],
    shift: int,
    joined: NDArray[np.int32],
    joined_starts: NDArray[np.int64],
) -> None:
    """Write the ones of the rows ``first`` to ``last - 1``: those on the left, then those on the right.

    Row r of R has the columns ``ones[starts[r] : ends[r]]``, with ``starts`` and ``ends`` ``[R]``.

    :param shift: added to the columns on the right.
    """
    for r in range(first, last):
        at = joined_starts[r]
        for k in range(left_starts[r], left_ends[r]):
            joined[at] = left[k]
            at += 1
        for k in range(right_starts[r], right_ends[r]):
            joined[at] = right[k] + shift
            at += 1
