"""Rows of numbers of which most are 0 or 1, as bits and the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.kernels.compiler import compiled
from remix.kernels.features import BIT_COUNT, BIT_POSITIONS


@compiled
def compress(
    rows: NDArray[Any], ones: NDArray[np.uint8], others: NDArray[np.uint8], values: NDArray[Any]
) -> int:
    """Marks where ``rows [R, C]`` are 1 in ``ones [R, bytes]``, and where neither 0 nor 1 in ``others``.

    :param ones: zeros at first; the bits are in the order of ``np.packbits``.
    :param others: likewise.
    :param values: what is neither is written here, row by row.
    :returns: how many values that are.
    """
    n_values = 0
    for r in range(rows.shape[0]):
        for c in range(rows.shape[1]):
            value = rows[r, c]
            if value == 0:
                continue
            bit = np.uint8(128 >> (c & 7))
            if value == 1:
                ones[r, c >> 3] |= bit
            else:
                others[r, c >> 3] |= bit
                values[n_values] = value
                n_values += 1
    return n_values


@compiled
def expand(
    ones: NDArray[np.uint8],
    others: NDArray[np.uint8],
    values: NDArray[Any],
    places: NDArray[np.int64],
    rows: NDArray[Any],
) -> None:
    """The inverse of :func:`compress`: row r goes to row ``places[r]`` of ``rows``, which are 0."""
    n_values = 0
    for r in range(ones.shape[0]):
        row = rows[places[r]]
        for b in range(ones.shape[1]):
            byte = ones[r, b]
            for k in range(BIT_COUNT[byte]):
                row[8 * b + BIT_POSITIONS[byte, k]] = 1
            byte = others[r, b]
            for k in range(BIT_COUNT[byte]):
                row[8 * b + BIT_POSITIONS[byte, k]] = values[n_values]
                n_values += 1
