"""Products of matrices, and code of theirs that several processes have kept."""

from __future__ import annotations

import numpy as np
import pytest

from remix.kernels import products
from remix.kernels.compiler import VECTOR_BYTES
from remix.kernels.products import ROWS, add_product

LANES = VECTOR_BYTES // 4


@pytest.mark.parametrize("width", [1, LANES, 2 * LANES, 3 * LANES, 6 * LANES + 3])
@pytest.mark.parametrize("rows", [1, ROWS, 2 * ROWS + 1])
def test_products_of_all_shapes(rows, width):
    generator = np.random.default_rng(1)
    a, b = (generator.normal(size=shape).astype(np.float32) for shape in ((rows, 7), (7, width)))
    out = np.ones((rows, width), np.float32)
    add_product(out, a, b)
    np.testing.assert_allclose(out, 1 + a.astype(np.float64) @ b, atol=1e-5)


def test_no_two_compiled_functions_share_a_name():
    """Kept code of two processes is linked by the names of its functions."""
    codes = {2: products._double, 1: products._single, products._VECTORS: products._wide}
    assert len({code.py_func.__qualname__ for code in codes.values()}) == len(codes)
    assert products._wide.py_func.__qualname__.endswith(f"columns_{products._VECTORS}")


def test_the_names_reach_the_machine_code():
    out, a, b = (np.ones((ROWS, ROWS), np.float32) for _ in range(3))
    add_product(out, a, b)
    products._single(out, a, b, 0, 0)
    names = [
        name
        for code in products._single.inspect_llvm().values()
        for name in code.split()
        if "columns" in name
    ]
    assert names and all("columns_1" in name for name in names)
