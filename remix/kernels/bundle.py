"""Arguments of compiled functions that are handed over once.

A call from Python unpacks every array among its arguments, which takes about 0.15 us each. A game has up to a
hundred of them, and they are the same at every step.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core import cgutils
from numba.experimental import structref
from numba.extending import intrinsic

from remix.kernels.compiler import compiled


@structref.register
class _BundleType(types.StructRef):
    """Known by the type of its content."""


class Bundle(structref.StructRefProxy):
    """A named tuple of arrays and numbers, unpacked already; compiled functions read ``bundle.content``.

    The arrays are the same ones, which it keeps alive. Compiled functions must not return any of them.
    """

    content: Any
    owners: Any
    """The content as Python has it."""

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy is the bundle of the copied arrays."""
        return bundled, (self.owners,)


structref.define_proxy(Bundle, _BundleType, ["content"])


def bundled(content: Any) -> Bundle:
    """``content``, a named tuple, as a :class:`Bundle`."""
    bundle = _bundled(content)
    bundle.owners = content
    return bundle


@compiled
def _bundled(content: Any) -> Any:
    return Bundle(_borrowed(content))


def _borrow(typing_context: Any, content: Any) -> Any:
    """The same arrays without owners, so that a call need not count references to all of them."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _without_owners(context, builder, content, arguments[0])

    return content(content), generate


_borrowed: Any = intrinsic(_borrow)


def _without_owners(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    if isinstance(kind, types.BaseTuple):
        members: Any = kind
        parts = [
            _without_owners(context, builder, member, builder.extract_value(value, i))
            for i, member in enumerate(members)
        ]
        return context.make_tuple(builder, kind, parts)
    if not isinstance(kind, types.Array):
        return value
    array = context.make_array(kind)(context, builder, value)
    array.meminfo = cgutils.get_null_value(array.meminfo.type)
    array.parent = cgutils.get_null_value(array.parent.type)
    return array._getvalue()
