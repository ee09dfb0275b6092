"""Rows of network input in all forms."""

import numpy as np
import torch

from remix.networks.features import Features, Rows

KINDS = ("numbers", "bits", "numbers and ones", "bits and numbers")


def random_bits(n_rows: int, width: int, seed: int = 0) -> np.ndarray:
    """0/1 features ``[R, I]`` of which a third are ones, some rows having none."""
    rng = np.random.default_rng(seed)
    return (rng.random((n_rows, width)) < 0.4) & (rng.random((n_rows, 1)) < 0.9)


def random_rows(kind: str, n_rows: int, width: int, dtype: torch.dtype = torch.float32) -> Rows:
    """``[R, width]`` rows of one of the ``KINDS``."""
    numbers = torch.randn(n_rows, width, dtype=dtype)
    listed = width // 2
    if kind == "numbers" or (kind != "bits" and not listed):
        return numbers
    if kind == "bits":
        packed = np.packbits(random_bits(n_rows, width), axis=-1)
        return Features.of_bits(torch.from_numpy(packed), width)
    if kind == "bits and numbers":
        packed = np.packbits(random_bits(n_rows, listed), axis=-1)
        features = Features.of_bits(torch.from_numpy(packed), listed)
        return features.with_dense(numbers[:, listed:])
    columns = torch.randint(-1, listed, (n_rows, 1))
    columns = torch.where(columns < 0, -1, columns + width - listed)
    return Features.of_numbers(numbers[:, : width - listed]).with_ones(columns, width)
