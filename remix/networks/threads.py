"""Kernels in as many threads as PyTorch uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import TypeVar

import torch

_T = TypeVar("_T")

PARTS = 16


def for_each(work: Callable[[_T], None], items: Iterable[_T]) -> None:
    """Call ``work`` with every item, in any order, in as many threads as PyTorch uses.

    The kernels release the GIL. The threads are Python's and not Numba's, because Python's may be started
    from any thread, several times at once, whichever threading library is installed.
    """
    items = list(items)
    workers = min(torch.get_num_threads(), len(items))
    if workers <= 1:
        for item in items:
            work(item)
    else:
        # Fetching the results raises what a thread raised.
        list(_pool(workers).map(work, items))


def ranges(n_rows: int, block: int = 64) -> list[tuple[int, int]]:
    """At most :data:`PARTS` ranges of rows, of whole blocks but for the last, for threads to share.

    The ranges do not depend on the number of threads, and so neither do sums over them.
    """
    blocks = -(-n_rows // block)
    count = max(1, min(PARTS, blocks))
    limits = [min(n_rows, blocks * i // count * block) for i in range(count + 1)]
    return list(pairwise(limits))


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="kernels")
