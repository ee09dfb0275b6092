"""Arguments of compiled functions that are handed over once.

A call from Python unpacks every array among its arguments, which takes about 0.15 us each. A game has up to a
hundred of them, and they are the same at every step.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.experimental import structref

from remix.kernels.compiler import compiled


@structref.register
class _BundleType(types.StructRef):
    """Known by the type of its content."""


class Bundle(structref.StructRefProxy):
    """A named tuple of arrays and numbers, unpacked already; compiled functions read ``bundle.content``.

    The arrays are the same ones, which it keeps alive.
    """

    content: Any


structref.define_proxy(Bundle, _BundleType, ["content"])


@compiled
def bundled(content: Any) -> Bundle:
    """``content``, a named tuple, as a :class:`Bundle`."""
    return Bundle(content)
