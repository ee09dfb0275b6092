"""Features of an episode in the form in which they are stored: small, and without loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.kernels.sparse import compress, expand

Arrays = dict[str, NDArray[Any]]
"""An episode as it is stored: arrays by name, whose first axis is time. 0/1 features are packed into bits.

Other features are stored in three parts. ``_ones`` are bits that say where they are 1, ``_others`` are bits
that say where they are neither 0 nor 1, and ``_values`` are the values there. If that takes more memory than
the features themselves, ``_values`` has all of them and the other two have no rows.
"""


def pack_features(name: str, features: NDArray[Any]) -> Arrays:
    """Pack the features ``[L+1, ...]`` of one episode: as bits, or in three parts (see :data:`Arrays`)."""
    if features.dtype == np.bool_:
        return {name: np.packbits(features, axis=-1)}
    rows = np.ascontiguousarray(features).reshape(len(features), -1)
    ones, others = (np.zeros((len(rows), -(-rows.shape[1] // 8)), np.uint8) for _ in range(2))
    values = np.empty(rows.size, rows.dtype)
    n_values = compress(rows, ones, others, values)
    if ones.nbytes + others.nbytes + n_values * rows.itemsize >= rows.nbytes:
        numbers = rows.ravel() + 0  # 0 for -0, as in three parts
        return {f"{name}_ones": ones[:0], f"{name}_others": others[:0], f"{name}_values": numbers}
    return {f"{name}_ones": ones, f"{name}_others": others, f"{name}_values": values[:n_values].copy()}


def unpack_features(
    name: str, ordered: Sequence[Arrays], rows: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[Any]:
    """The features of several episodes that were packed in three parts, ``[M, *shape]``.

    :param rows: the order of the M time points, int64 ``[M]``.
    :raises ValueError: they were stored with another shape.
    """
    places = np.empty_like(rows)
    places[rows] = np.arange(len(rows))
    width = -(-math.prod(shape) // 8)
    if any(arrays[f"{name}_{part}"].shape[1] != width for arrays in ordered for part in ("ones", "others")):
        raise ValueError(f"{name} was stored with another size than {list(shape)}")
    unpacked = np.zeros((len(rows), math.prod(shape)), ordered[0][f"{name}_values"].dtype)
    start = 0
    for arrays in ordered:
        ones, others, values = (arrays[f"{name}_{part}"] for part in ("ones", "others", "values"))
        end = start + len(arrays["avail_actions"])
        if len(ones):
            expand(ones, others, values, places[start:end], unpacked)
        else:
            unpacked[places[start:end]] = values.reshape(end - start, -1)
        start = end
    return unpacked.reshape(-1, *shape)
