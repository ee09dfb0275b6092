"""Rows of network input for the compiled kernels: 0/1 features as the positions of their ones.

A grid world shows an agent 75 cells of which 5 hold something. Listed, these 5 take less memory than the bits
of all 75, and a linear layer over them costs 5 additions of a weight row instead of 75.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from remix.kernels import features as kernels
from remix.kernels.arithmetic import Input
from remix.networks.threads import for_each, ranges


@dataclass(frozen=True)
class Features:
    """R rows of which some columns are listed and some are dense; all other columns are 0.

    :param width: number of columns.
    :param ones: int32, the columns that hold a one, of all rows.
    :param starts: int64 ``[R]``; row r has the ones ``starts[r]`` to ``ends[r]``.
    :param ends: int64 ``[R]``.
    :param dense: ``[R, D]``, the columns ``dense_at`` to ``dense_at + D``. Only these may have a gradient.
    """

    width: int
    ones: Tensor
    starts: Tensor
    ends: Tensor
    dense: Tensor
    dense_at: int = 0

    @classmethod
    def of_bits(cls, bits: Tensor, width: int) -> Features:
        """0/1 features from ``bits [R, bytes]``, eight to a byte as by ``np.packbits``.

        :raises ValueError: they are no bits of so many columns, or of more.
        """
        if bits.dtype != torch.uint8 or bits.dim() != 2 or bits.shape[1] != -(-width // 8):
            raise ValueError(f"{bits.dtype} {list(bits.shape)} are no bits of {width} columns")
        array = bits.contiguous().numpy()
        before = kernels.count_ones(array)
        ones = np.empty(before[-1], np.int32)
        for_each(lambda rows: kernels.list_ones(*rows, array, before, ones), ranges(len(array)))
        if width % 8 and len(ones) and ones.max() >= width:
            raise ValueError(f"a one in column {ones.max()} of {width}")
        limits = torch.from_numpy(before)
        return cls(width, torch.from_numpy(ones), limits[:-1], limits[1:], torch.empty(len(bits), 0))

    @classmethod
    def of_numbers(cls, numbers: Tensor) -> Features:
        """Rows ``[R, D]`` of any numbers."""
        nothing = torch.zeros(len(numbers), dtype=torch.int64)
        return cls(numbers.shape[1], torch.empty(0, dtype=torch.int32), nothing, nothing, numbers)

    def __len__(self) -> int:
        """R."""
        return len(self.starts)

    @property
    def shape(self) -> tuple[int, int]:
        """``(R, width)``, as the shape of a tensor."""
        return len(self), self.width

    @property
    def device(self) -> torch.device:
        """The CPU."""
        return self.ones.device

    def __getitem__(self, rows: slice | Tensor) -> Features:
        """Some of the rows, by a slice or int64 numbers."""
        return replace(self, starts=self.starts[rows], ends=self.ends[rows], dense=self.dense[rows])

    def with_ones(self, columns: Tensor, width: int) -> Features:
        """Further columns of which few hold a one.

        :param columns: int64 ``[R, E]``, where the ones are; -1 for none.
        :param width: of the new rows.
        :raises ValueError: columns outside of it, or of another number of rows.
        """
        if len(columns) != len(self):
            raise ValueError(f"{len(columns)} rows of columns for {len(self)} rows")
        if columns.numel() and (columns.max() >= width or columns.min() < -1):
            raise ValueError(f"columns {int(columns.min())} to {int(columns.max())} of {width}")
        size = int((self.ends - self.starts).sum()) + columns.numel()
        ones = torch.empty(size, dtype=torch.int32)
        starts, ends = torch.empty_like(self.starts), torch.empty_like(self.ends)
        arrays = (self.ones, self.starts, self.ends, columns, ones, starts, ends)
        kernels.join_ones(*(array.contiguous().numpy() for array in arrays))
        return replace(self, width=width, ones=ones, starts=starts, ends=ends)

    def with_dense(self, columns: Tensor) -> Features:
        """``columns [R, D]`` of numbers after those there are, which must be listed, or end with numbers.

        :raises ValueError: they are others, or of another number of rows.
        """
        if len(columns) != len(self):
            raise ValueError(f"{len(columns)} rows of columns for {len(self)} rows")
        if self.dense.shape[1]:
            if self.dense_at + self.dense.shape[1] != self.width:
                raise ValueError("numbers cannot follow listed ones that follow numbers: use beside")
            return replace(
                self, width=self.width + columns.shape[1], dense=torch.cat((self.dense, columns), -1)
            )
        return replace(self, width=self.width + columns.shape[1], dense=columns, dense_at=self.width)

    def to_dense(self) -> Tensor:
        """All columns ``[R, width]``."""
        rows = self.dense.new_zeros(len(self), self.width)
        counts = self.ends - self.starts
        row = torch.repeat_interleave(torch.arange(len(self)), counts)
        position = torch.arange(len(row)) - torch.repeat_interleave(counts.cumsum(0) - counts, counts)
        rows[row, self.ones[self.starts[row] + position].long()] = 1.0
        end = self.dense_at + self.dense.shape[1]
        return torch.cat((rows[:, : self.dense_at], self.dense, rows[:, end:]), dim=1)

    def arrays(self, dtype: torch.dtype) -> Input:
        """The arrays that the kernels read, numbers in the type of the weights that they meet."""
        return Input(
            self.ones.numpy(),
            self.starts.contiguous().numpy(),
            self.ends.contiguous().numpy(),
            self.dense.detach().to(dtype).contiguous().numpy(),
            self.dense_at,
        )


Rows = Tensor | Features
"""Rows of network input ``[R, D]``, dense on other devices than the CPU.

Both have ``len``, ``shape``, ``device`` and rows by ``[...]``. Where they differ, the functions below do not.
"""


def compiles(weight: Tensor) -> bool:
    """Whether the kernels can compute with a weight of this device and type, of any shape."""
    return weight.device.type == "cpu" and weight.dtype in (torch.float32, torch.float64)


def as_features(rows: Rows) -> Features:
    """The rows as the kernels take them."""
    return rows if isinstance(rows, Features) else Features.of_numbers(rows)


def as_tensor(rows: Rows, dtype: torch.dtype) -> Tensor:
    """The rows as a dense tensor ``[R, D]``, for PyTorch's own layers."""
    return (rows.to_dense() if isinstance(rows, Features) else rows).to(dtype)


def with_ones(rows: Rows, columns: Tensor, width: int) -> Rows:
    """Further columns of which few hold a one.

    :param columns: int64 ``[R, E]``, where the ones are; -1 for none.
    :param width: of the new rows.
    """
    if isinstance(rows, Features):
        return rows.with_ones(columns, width)
    new = torch.arange(rows.shape[1], width, device=rows.device)
    ones = (columns.unsqueeze(-1) == new).any(1)
    return torch.cat((rows, ones.to(rows.dtype)), dim=-1)


def with_numbers(rows: Rows, columns: Tensor) -> Rows:
    """``columns [R, D2]`` of numbers after those there are, see :meth:`Features.with_dense`."""
    if isinstance(rows, Features):
        return rows.with_dense(columns)
    return torch.cat((rows, columns), dim=-1)


def with_choices(rows: Rows, choices: Tensor, n_choices: int) -> Rows:
    """One-hot choices after the columns that there are.

    :param rows: ``[R, D]``.
    :param choices: int64 ``[R, N]``, each below ``n_choices``.
    :returns: ``[R, D + N * n_choices]``.
    """
    if isinstance(rows, Tensor):
        # Compared instead of F.one_hot, which looks at the choices first and may wait for them.
        one_hot = choices.unsqueeze(-1) == torch.arange(n_choices, device=choices.device)
        return torch.cat((rows, one_hot.flatten(1).to(rows.dtype)), dim=-1)
    first = rows.width + n_choices * torch.arange(choices.shape[1])
    return rows.with_ones(choices + first, rows.width + n_choices * choices.shape[1])


def repeated(rows: Rows, times: int) -> Rows:
    """Every row ``times`` times in succession, ``[R * times, D]``."""
    if isinstance(rows, Tensor):
        return rows.repeat_interleave(times, dim=0)
    # The lists of ones are shared: only where they begin and end is repeated.
    return rows[torch.arange(len(rows)).repeat_interleave(times)]


def beside(left: Rows, right: Rows) -> Rows:
    """The columns of ``right [R, D2]`` after those of ``left [R, D1]``: ``[R, D1 + D2]``.

    What is listed stays listed, unless both have dense columns that do not meet.
    """
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return torch.cat((left, right), dim=-1)
    left, right = as_features(left), as_features(right)
    if len(left) != len(right):
        raise ValueError(f"{len(left)} rows cannot stand beside {len(right)}")
    width, n_left, n_right = left.width + right.width, left.dense.shape[1], right.dense.shape[1]
    if n_left and n_right and (left.dense_at + n_left < left.width or right.dense_at):
        return Features.of_numbers(torch.cat((left.to_dense(), right.to_dense()), dim=-1))
    counts = left.ends - left.starts + right.ends - right.starts
    ends = counts.cumsum(0)
    starts = ends - counts
    ones = torch.empty(int(counts.sum()), dtype=torch.int32)
    listed = (left.ones, left.starts, left.ends, right.ones, right.starts, right.ends)
    arguments: tuple[Any, ...] = (
        *(array.contiguous().numpy() for array in listed), left.width, ones.numpy(), starts.numpy()
    )  # fmt: skip
    for_each(lambda rows: kernels.join_rows(*rows, *arguments), ranges(len(left)))
    dense = torch.cat((left.dense, right.dense), dim=-1)
    return Features(
        width, ones, starts, ends, dense, left.dense_at if n_left else left.width + right.dense_at
    )


def stacked(first: Rows, second: Rows) -> Rows:
    """The rows of ``second [R2, D]`` after those of ``first [R1, D]``: ``[R1 + R2, D]``.

    What is listed stays listed, unless the two have dense columns in different places.
    """
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return torch.cat((first, second))
    first, second = as_features(first), as_features(second)
    if first.width != second.width:
        raise ValueError(f"rows of {first.width} and of {second.width} columns cannot be one")
    n_dense = first.dense.shape[1]
    if second.dense.shape[1] != n_dense or (n_dense and first.dense_at != second.dense_at):
        return Features.of_numbers(torch.cat((first.to_dense(), second.to_dense())))
    return replace(
        first,
        ones=torch.cat((first.ones, second.ones)),
        starts=torch.cat((first.starts, second.starts + len(first.ones))),
        ends=torch.cat((first.ends, second.ends + len(first.ones))),
        dense=torch.cat((first.dense, second.dense)),
    )
