"""Matrix products of cache-sized blocks, in float or, where the processor can, from bfloat16 numbers.

``out [n, m] += a [n, k] @ b [k, m]`` is made of tiles: :data:`ROWS` rows by a few vectors of ``out`` stay in
registers while the loop over k adds to them. No compiler finds this form by itself, so the tile is written
in LLVM's language, once for all element types.

Processors with the AVX512-BF16 instruction multiply bfloat16 numbers twice as fast and add up in float32. It
takes *pairs*: two numbers that follow each other along k, as one 32-bit word. A weight ``[k, m]`` becomes
``[k / 2, m]`` pairs; the other factor is rounded on the way. Where a weight or the scratch space is of this
type (uint32), the product is made so; n is then a multiple of :data:`ROWS`, k and m are multiples of 16.

The products of one call are always the same, bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload
from numpy.typing import NDArray

from remix.kernels.compiler import MANY_REGISTERS, OPTIONS, VECTOR_BYTES, Array, compiled

# With 32 vector registers, 16 can hold results; with 16, only 8.
ROWS = 8 if MANY_REGISTERS else 4
_VECTORS = 2


def _make_tile(vectors: int) -> Any:
    """``tile(out, a, b, i, j)``: adds the product to ``out[i : i + ROWS, j : j + vectors * lanes]``."""

    @intrinsic
    def tile(typing_context: Any, out: Any, a: Any, b: Any, i: Any, j: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _Tile(context, builder, signature.args, arguments, vectors).write()
            return context.get_dummy_value()

        return types.void(out, a, b, types.intp, types.intp), generate

    return tile


class _Tile:
    """Writes the code of one tile."""

    def __init__(self, context: Any, builder: Any, kinds: Any, arguments: Any, vectors: int) -> None:
        out, *factors = (kind.dtype for kind in kinds[:3])
        pairs = (out, *factors) == (types.float32, types.uint32, types.uint32)
        if not pairs and factors != [out, out]:
            raise TypeError(f"a product of {kinds[1]} and {kinds[2]} cannot be added to {kinds[0]}")
        self.builder, self.vectors, self.pairs = builder, vectors, pairs
        matrices = [
            context.make_array(kind)(context, builder, argument)
            for kind, argument in zip(kinds[:3], arguments[:3], strict=True)
        ]
        self.out, self.a, self.b = matrices
        self.i, self.j = arguments[3:]
        self.number = context.get_data_type(kinds[0].dtype)
        self.bytes = context.get_abi_sizeof(self.number)
        self.factor = ir.IntType(32) if pairs else self.number
        self.lanes = VECTOR_BYTES // self.bytes
        self.vector = ir.VectorType(self.number, self.lanes)
        self.factors = ir.VectorType(self.factor, self.lanes)

    def write(self) -> None:
        builder, zero = self.builder, self._index(0)
        places = [
            [self._address(self.out, self._plus(self.i, r), v, self.vector) for v in range(self.vectors)]
            for r in range(ROWS)
        ]
        before = [[builder.load(place, align=self.bytes) for place in row] for row in places]
        inner = cgutils.unpack_tuple(builder, self.a.shape)[1]
        entry = builder.block
        loop, end = builder.append_basic_block("tile.loop"), builder.append_basic_block("tile.end")
        builder.cbranch(builder.icmp_signed(">", inner, zero), loop, end)

        builder.position_at_end(loop)
        k = builder.phi(zero.type)
        sums = self._join([(before, entry)])
        right = [
            builder.load(self._address(self.b, k, v, self.factors), align=self.bytes)
            for v in range(self.vectors)
        ]
        after = []
        for r in range(ROWS):
            left = self._spread(self._address(self.a, self._plus(self.i, r), k, self.factor))
            after.append([self._add(sums[r][v], left, right[v]) for v in range(self.vectors)])
        following = builder.add(k, self._index(1))
        k.add_incoming(zero, entry)
        k.add_incoming(following, loop)
        for r, row in enumerate(sums):
            for v, joined in enumerate(row):
                joined.add_incoming(after[r][v], loop)
        builder.cbranch(builder.icmp_signed("<", following, inner), loop, end)

        builder.position_at_end(end)
        results = self._join([(before, entry), (after, loop)])
        for r, row in enumerate(results):
            for v, result in enumerate(row):
                builder.store(result, places[r][v], align=self.bytes)

    def _index(self, number: int) -> Any:
        return ir.Constant(self.i.type, number)

    def _plus(self, index: Any, number: int) -> Any:
        return self.builder.add(index, self._index(number))

    def _address(self, matrix: Any, row: Any, column: Any, kind: Any) -> Any:
        """Of a vector, ``column`` being its number from column j on, or of a number in any column."""
        builder = self.builder
        strides = cgutils.unpack_tuple(builder, matrix.strides)
        if isinstance(column, int):
            at = builder.mul(self._plus(self.j, column * self.lanes), self._index(self.bytes))
        else:
            at = builder.mul(column, strides[1])
        at = builder.add(builder.mul(row, strides[0]), at)
        start = builder.bitcast(matrix.data, ir.IntType(8).as_pointer())
        return builder.bitcast(builder.gep(start, [at]), kind.as_pointer())

    def _join(self, sources: list[tuple[list[list[Any]], Any]]) -> list[list[Any]]:
        """The tile as it comes from either of these blocks."""
        tile = [[self.builder.phi(self.vector) for _ in range(self.vectors)] for _ in range(ROWS)]
        for values, block in sources:
            for r, row in enumerate(tile):
                for v, joined in enumerate(row):
                    joined.add_incoming(values[r][v], block)
        return tile

    def _spread(self, address: Any) -> Any:
        """A vector of the number there."""
        nothing = ir.Constant(self.factors, ir.Undefined)
        first = self.builder.insert_element(
            nothing, self.builder.load(address), ir.Constant(ir.IntType(32), 0)
        )
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, nothing, lanes)

    def _add(self, total: Any, left: Any, right: Any) -> Any:
        """``total + left * right``."""
        if self.pairs:
            kind = ir.FunctionType(self.vector, [self.vector, self.factors, self.factors])
            instruction = ir.InlineAsm(kind, "vdpbf16ps $3, $2, $0", "=v,0,v,v", side_effect=False)
            return self.builder.call(instruction, [total, left, right])
        name = f"llvm.fmuladd.v{self.lanes}f{8 * self.bytes}"
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        fma = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(fma, [left, right, total])


_wide_tile, _narrow_tile = _make_tile(_VECTORS), _make_tile(1)


@compiled
def add_product(out: Array, a: NDArray[Any], b: NDArray[Any]) -> None:
    """``out [n, m] += a [n, k] @ b [k, m]``; rows of ``out`` beyond those of ``a`` stay as they are.

    The factors may be pairs, ``[n, k / 2]`` and ``[k / 2, m]``; n and m are then whole numbers of tiles.
    """
    n, inner, m = a.shape[0], a.shape[1], out.shape[1]
    lanes = VECTOR_BYTES // out.itemsize
    wide, narrow, rows = m - m % (_VECTORS * lanes), m - m % lanes, n - n % ROWS
    for j in range(0, wide, _VECTORS * lanes):
        for i in range(0, rows, ROWS):
            _wide_tile(out, a, b, i, j)
    for j in range(wide, narrow, lanes):
        for i in range(0, rows, ROWS):
            _narrow_tile(out, a, b, i, j)
    # What no tile covers: the last columns, and the last rows.
    for i in range(n):
        first = narrow if i < rows else 0
        for k in range(inner):
            factor = a[i, k]
            for j in range(first, m):
                out[i, j] += factor * b[k, j]


_HALF, _LAST, _16 = np.uint32(0x7FFF), np.uint32(1), np.uint32(16)
_UPPER = np.uint32(0xFFFF0000)
_SIGNLESS, _INFINITY, _NAN = np.uint32(0x7FFFFFFF), np.uint32(0x7F800000), np.uint32(0x7FC00000)


@compiled
def _rounded(bits: np.uint32) -> np.uint32:
    """A float's bits, of which the upper half is the nearest bfloat16; NaN stays, whatever its lower bits."""
    return _NAN if (bits & _SIGNLESS) > _INFINITY else bits + _HALF + ((bits >> _16) & _LAST)


@compiled
def _pairs_along_rows(numbers: Array, pairs: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """``[n, k]`` rounded to bfloat16 in ``pairs [.., >= k / 2]``; returns the ``[n, k / 2]`` written."""
    n, half = numbers.shape[0], numbers.shape[1] // 2
    for i in range(n):
        bits, out = numbers[i].view(np.uint32), pairs[i].view(np.uint16)
        for j in range(2 * half):
            out[j] = np.uint16(_rounded(bits[j]) >> _16)
    return pairs[:n, :half]


@compiled
def _pairs_down_columns(numbers: Array, pairs: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """``[n, m]`` as pairs of two rows, ``[n / 2, m]``; returns the part of ``pairs`` written."""
    n, m = numbers.shape
    flat = pairs.reshape(pairs.size)[: n // 2 * m].reshape(n // 2, m)
    for i in range(n // 2):
        upper, lower, out = numbers[2 * i].view(np.uint32), numbers[2 * i + 1].view(np.uint32), flat[i]
        for j in range(m):
            out[j] = (_rounded(upper[j]) >> _16) | (_rounded(lower[j]) & _UPPER)
    return flat


def multiply(out: Array, rows: Array, weight: NDArray[Any], scratch: NDArray[Any]) -> None:
    """``out [n, m] += rows [n, k] @ weight [k, m]``, in compiled code only.

    :param weight: floats, or pairs ``[k / 2, m]``.
    :param scratch: ``[2, n, >= k / 2]`` in the type of the weight, for the other factor as pairs.
    """


def multiply_transposed(out: Array, left: Array, right: Array, scratch: NDArray[Any]) -> None:
    """``out [k, m] += left [n, k].T @ right [n, m]``, in compiled code only.

    :param scratch: ``[2, n, >= max(k, m)]`` of the type in which the product is to be made.
    """


@overload(multiply, jit_options=OPTIONS)
def _choose_multiply(out: Any, rows: Any, weight: Any, scratch: Any) -> Callable[..., None]:
    def in_floats(out: Any, rows: Any, weight: Any, scratch: Any) -> None:
        add_product(out, rows, weight)

    def in_pairs(out: Any, rows: Any, weight: Any, scratch: Any) -> None:
        add_product(out, _pairs_along_rows(rows, scratch[0]), weight)

    return in_pairs if weight.dtype == types.uint32 else in_floats


@overload(multiply_transposed, jit_options=OPTIONS)
def _choose_multiply_transposed(out: Any, left: Any, right: Any, scratch: Any) -> Callable[..., None]:
    def in_floats(out: Any, left: Any, right: Any, scratch: Any) -> None:
        add_product(out, left.T, right)

    def in_pairs(out: Any, left: Any, right: Any, scratch: Any) -> None:
        columns = _pairs_down_columns(left, scratch[0])
        add_product(out, columns.T, _pairs_down_columns(right, scratch[1]))

    return in_pairs if scratch.dtype == types.uint32 else in_floats
