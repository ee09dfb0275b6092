"""Matrix products of cache-sized blocks.

``out [n, m] += a [n, k] @ b [k, m]`` is made of tiles: :data:`ROWS` rows by a few vectors of ``out`` stay in
registers while the loop over k adds to them. No compiler finds this form by itself, so the tile is written
in LLVM's language, once for all element types.

The products of one call are always the same, bit by bit.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from remix.kernels.compiler import MANY_REGISTERS, OPTIONS, VECTOR_BYTES, Array, compiled

# With 32 vector registers, 16 hold results; with 16, 12 do. Fewer than 10 would leave the units of older
# processors waiting, which begin two multiply-adds in every cycle and end them five cycles later.
ROWS, _VECTORS = (8, 2) if MANY_REGISTERS else (4, 3)
# In a tile of one row: 64 single-precision numbers, the usual width of a layer.
_ROW_VECTORS = 256 // VECTOR_BYTES


def _make_tile(rows: int, vectors: int) -> Any:
    """``tile(out, a, b, i, j)``: adds the product to ``out[i : i + rows, j : j + vectors * lanes]``."""

    @intrinsic
    def tile(typing_context: Any, out: Any, a: Any, b: Any, i: Any, j: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _Tile(context, builder, signature.args, arguments, rows, vectors).write()
            return context.get_dummy_value()

        return types.void(out, a, b, types.intp, types.intp), generate

    return tile


class _Tile:
    """Writes the code of one tile."""

    def __init__(
        self, context: Any, builder: Any, kinds: Any, arguments: Any, rows: int, vectors: int
    ) -> None:
        if len({kind.dtype for kind in kinds[:3]}) > 1:
            raise TypeError(f"a product of {kinds[1]} and {kinds[2]} cannot be added to {kinds[0]}")
        self.builder, self.rows, self.vectors = builder, rows, vectors
        matrices = [
            context.make_array(kind)(context, builder, argument)
            for kind, argument in zip(kinds[:3], arguments[:3], strict=True)
        ]
        self.out, self.a, self.b = matrices
        self.i, self.j = arguments[3:]
        self.number = context.get_data_type(kinds[0].dtype)
        self.bytes = context.get_abi_sizeof(self.number)
        self.lanes = VECTOR_BYTES // self.bytes
        self.vector = ir.VectorType(self.number, self.lanes)

    def write(self) -> None:
        builder, zero = self.builder, self._index(0)
        places = [
            [self._address(self.out, self._plus(self.i, r), v, self.vector) for v in range(self.vectors)]
            for r in range(self.rows)
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
            builder.load(self._address(self.b, k, v, self.vector), align=self.bytes)
            for v in range(self.vectors)
        ]
        after = []
        for r in range(self.rows):
            left = self._spread(self._address(self.a, self._plus(self.i, r), k, self.number))
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
        tile = [[self.builder.phi(self.vector) for _ in range(self.vectors)] for _ in range(self.rows)]
        for values, block in sources:
            for r, row in enumerate(tile):
                for v, joined in enumerate(row):
                    joined.add_incoming(values[r][v], block)
        return tile

    def _spread(self, address: Any) -> Any:
        """A vector of the number there."""
        nothing = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(
            nothing, self.builder.load(address), ir.Constant(ir.IntType(32), 0)
        )
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, nothing, lanes)

    def _add(self, total: Any, left: Any, right: Any) -> Any:
        """``total + left * right``."""
        name = f"llvm.fmuladd.v{self.lanes}f{8 * self.bytes}"
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        fma = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(fma, [left, right, total])


def _make_columns(vectors: int) -> Any:
    """``columns(out, a, b, first, last)``: the product in these columns, as far as there are whole tiles."""
    tile = _make_tile(ROWS, vectors)

    def columns(out: Array, a: Array, b: Array, first: int, last: int) -> None:
        n, width = a.shape[0], vectors * VECTOR_BYTES // out.itemsize
        for j in range(first, last, width):
            for i in range(0, n - n % ROWS, ROWS):
                tile(out, a, b, i, j)

    # Numba tells functions of one name apart by a number that every process counts for itself. Where code
    # that several processes have kept is linked, one of two such functions would stand for the other.
    columns.__qualname__ += f"_{vectors}"
    return njit(**OPTIONS)(columns)


_wide, _double, _single = (_make_columns(vectors) for vectors in (_VECTORS, 2, 1))
_row_tile = _make_tile(1, _ROW_VECTORS)


@compiled
def _add_rest(out: Array, a: Array, b: Array, row: int, first: int) -> None:
    """The product in one row from a column on."""
    for k in range(a.shape[1]):
        factor = a[row, k]
        for j in range(first, out.shape[1]):
            out[row, j] += factor * b[k, j]


@compiled
def add_product(out: Array, a: Array, b: Array) -> None:
    """``out [n, m] += a [n, k] @ b [k, m]``; rows of ``out`` beyond those of ``a`` stay as they are."""
    n, m, lanes = a.shape[0], out.shape[1], VECTOR_BYTES // out.itemsize
    wide, narrow, long = m - m % (_VECTORS * lanes), m - m % lanes, m - m % (_ROW_VECTORS * lanes)
    double = narrow - (narrow - wide) % (2 * lanes)
    _wide(out, a, b, 0, wide)
    _double(out, a, b, wide, double)
    _single(out, a, b, double, narrow)
    if narrow < m:
        for i in range(n - n % ROWS):
            _add_rest(out, a, b, i, narrow)
    for i in range(n - n % ROWS, n):
        for j in range(0, long, _ROW_VECTORS * lanes):
            _row_tile(out, a, b, i, j)
        _add_rest(out, a, b, i, long)
