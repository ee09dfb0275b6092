"""Products of blocks against NumPy's."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from remix.kernels.products import ROWS, add_product


def numbers(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, ROWS, ROWS + 3, 32])
@pytest.mark.parametrize("inner", [0, 1, 6, 64])
@pytest.mark.parametrize("m", [1, 8, 16, 48, 70, 192])
def test_products_of_all_shapes(n, inner, m, dtype):
    out, a, b = numbers(n, m, dtype=dtype), numbers(n, inner, dtype=dtype), numbers(inner, m, dtype=dtype)
    expected = out + a.astype("float64") @ b.astype("float64")
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    add_product(out, a, b)
    np.testing.assert_allclose(out, expected, atol=tolerance)
    transposed = np.zeros((inner, m), dtype)
    add_product(transposed, a.T, out)
    np.testing.assert_allclose(transposed, a.T @ out, atol=10 * tolerance)


def test_rows_beyond_those_of_the_factor_stay_as_they_are():
    out, before = numbers(24, 16), numbers(24, 16)
    add_product(out, numbers(8, 5), numbers(5, 16))
    assert np.array_equal(out[8:], before[8:])
    assert not np.array_equal(out[:8], before[:8])


def test_numbers_of_different_types_are_refused():
    with pytest.raises(TypeError, match="cannot be added to"):
        add_product(numbers(8, 16), numbers(8, 4), numbers(4, 16, dtype="float64"))


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="needs an x86 processor")
@pytest.mark.parametrize("features", ["+sse2,+avx,+avx2,+fma", "+sse2"])
def test_products_on_older_processors(features, tmp_path):
    """The tests above again, compiled for narrower vectors and without fused operations."""
    older = {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "--noconftest", __file__, "-k", "not older"]
    tests = subprocess.run(
        command, env=os.environ | older, cwd=Path(__file__).parents[2], capture_output=True, text=True
    )
    assert tests.returncode == 0, tests.stdout
