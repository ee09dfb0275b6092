"""Observations of PettingZoo agents as rows of numbers, in Gymnasium's order. Needs the extra ``pettingzoo``.

Gymnasium's own ``flatten`` repeats, cuts or converts an observation that does not fit its space. Here that is
an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from remix.settings.errors import brief

# The limit of float32 is a NumPy number. A Python number would become infinite beside half precision.
_HIGHEST: dict[str, Any] = {"bool": 1, "uint8": 255, "float32": np.finfo(np.float32).max}
_NEEDED = {
    "bool": "zeros and ones, as its space declares",
    "uint8": "whole numbers between 0 and 255, as its space declares",
    "float32": "finite in single precision",
}

Key = tuple[Any, int]
"""A key of a Dict space, or an index of a Tuple space; and the length of that tuple, 0 for a key."""


@dataclass(frozen=True)
class Part:
    """One leaf of an observation space. Discrete leaves become one-hot rows.

    :param path: keys and indices that lead from the whole observation to the leaf; empty without nesting.
    :param space: a Box, MultiBinary, Discrete or MultiDiscrete.
    :param size: length of the leaf's row.
    :param dtype: ``bool`` or ``uint8`` if the space declares whole numbers that fit in, else ``float32``.
    """

    path: tuple[Key, ...]
    space: spaces.Space[Any]
    size: int
    dtype: str

    def read(self, observation: Any) -> NDArray[Any]:
        """The leaf's row ``[size]`` in a whole observation.

        :raises ValueError: the leaf is invalid. The message says why, as a phrase.
        """
        for key, length in self.path:
            try:
                complete = len(observation) == length if length else True
                observation = observation[key]
            except (KeyError, IndexError, TypeError):
                complete = False
            if not complete:
                raise ValueError(f"must have the parts of its space and no other, but {key!r} does not fit")
        if isinstance(self.space, spaces.Discrete | spaces.MultiDiscrete):
            return self._one_hot(observation)
        return numbers(observation, self.size, self.dtype)

    def _one_hot(self, choices: Any) -> NDArray[np.bool_]:
        counts, start = counts_of(self.space)
        chosen = numbers(choices, len(counts), "float32") - start
        if not ((chosen >= 0) & (chosen < counts) & (chosen % 1 == 0)).all():
            raise ValueError(f"must lie in {self.space}, not be {brief(choices)}")
        row = np.zeros(self.size, np.bool_)
        row[np.cumsum(counts) - counts + chosen.astype(np.int64)] = True
        return row


def parts_of(space: spaces.Space[Any], path: tuple[Key, ...] = ()) -> Iterator[Part]:
    """The leaves of a space in the order in which Gymnasium flattens them.

    :raises ValueError: a leaf has no fixed size, or its space is not one of Gymnasium's.
    """
    if isinstance(space, spaces.Dict):
        for key, part in space.spaces.items():
            yield from parts_of(part, (*path, (key, 0)))
    elif isinstance(space, spaces.Tuple):
        for index, part in enumerate(space.spaces):
            yield from parts_of(part, (*path, (index, len(space.spaces))))
    elif isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        yield Part(path, space, int(counts_of(space)[0].sum()), "bool")
    elif isinstance(space, spaces.MultiBinary):
        yield Part(path, space, int(np.prod(space.shape)), "bool")
    elif isinstance(space, spaces.Box):
        yield Part(path, space, int(np.prod(space.shape)), _stored_as(space))
    else:
        raise ValueError(str(space))


def counts_of(space: spaces.Space[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The number of choices and the first choice in each of the D dimensions of a space, ``[D]`` each."""
    if isinstance(space, spaces.Discrete):
        return np.array([space.n], np.int64), np.array([space.start], np.int64)
    if isinstance(space, spaces.MultiDiscrete):
        return np.ravel(space.nvec).astype(np.int64), np.ravel(space.start).astype(np.int64)
    size = int(np.prod(space.shape or ()))
    return np.full(size, 2, np.int64), np.zeros(size, np.int64)


def _stored_as(space: spaces.Box) -> str:
    if space.dtype is not None and space.dtype.kind in "biu" and np.all(space.low >= 0):
        for dtype in ("bool", "uint8"):
            if np.all(space.high <= _HIGHEST[dtype]):
                return dtype
    return "float32"


def numbers(value: Any, size: int, dtype: str) -> NDArray[Any]:
    """Check that ``value`` is ``size`` numbers that fit in an array of ``dtype``, and return their row.

    :param dtype: bool, uint8, or float32, which may round the numbers.
    :raises ValueError: they do not. The message says why, as a phrase.
    """
    row = as_row(value)
    if row is None:
        raise ValueError(f"must be {'a number' if size == 1 else 'numbers'}, not {brief(value)}")
    if row.size != size:
        raise ValueError(f"must be {size} number{'s' * (size != 1)}, not {row.size}")
    if not _held(row, dtype):
        valid = np.abs(row) <= _HIGHEST[dtype]
        if dtype != "float32":
            valid &= (row >= 0) & (np.trunc(row) == row)
        if not valid.all():
            raise ValueError(f"must be {_NEEDED[dtype]}, not {row[~valid][0]}")
    return row


def _held(row: NDArray[Any], dtype: str) -> bool:
    """Whether a quick look shows that the numbers of ``row`` fit in ``dtype``."""
    if row.dtype.kind == "b":
        return True
    if dtype == "float32":
        # The sum of squares is below the limit only if all numbers are finite and of moderate size.
        return row.dtype.kind != "f" or bool(row.dot(row) <= _HIGHEST[dtype])
    return dtype == "uint8" and row.dtype.char == "B"


def as_row(value: Any) -> NDArray[Any] | None:
    """All numbers of an array of any shape, a list or a number as one row, None for anything else."""
    try:
        array = np.asarray(value).ravel()
    except (TypeError, ValueError, RuntimeError):  # ragged lists, tensors with a gradient
        return None
    return array if array.dtype.kind in "biuf" else None
