"""Products of blocks against NumPy's."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numba import njit

from remix.kernels.compiler import HAS_HALF
from remix.kernels.products import ROWS, add_product, multiply, multiply_transposed
from remix.networks.layout import _warn_of_float32, as_pairs, in_half


def numbers(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def rounded(array: np.ndarray) -> np.ndarray:
    """To bfloat16 and back."""
    return torch.from_numpy(array).bfloat16().double().numpy()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, ROWS, ROWS + 3, 32])
@pytest.mark.parametrize("inner", [0, 1, 6, 64])
@pytest.mark.parametrize("m", [1, 8, 16, 48, 70])
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


@njit
def _multiply(out, rows, weight, scratch):
    multiply(out, rows, weight, scratch)


@njit
def _multiply_transposed(out, left, right, scratch):
    multiply_transposed(out, left, right, scratch)


class TestPairs:
    pytestmark = pytest.mark.skipif(not HAS_HALF, reason="this processor has no bfloat16 products")

    @pytest.mark.parametrize(("n", "inner", "m"), [(8, 16, 16), (32, 64, 192), (64, 48, 32)])
    def test_factors_are_rounded_and_sums_are_not(self, n, inner, m):
        out, rows, weight = np.zeros((n, m), "float32"), numbers(n, inner), numbers(inner, m, seed=1)
        scratch = np.zeros((2, n, max(m, inner)), np.uint32)
        _multiply(out, rows, as_pairs(torch.from_numpy(weight)), scratch)
        np.testing.assert_allclose(out, rounded(rows) @ rounded(weight), atol=1e-4)

    @pytest.mark.parametrize(("n", "inner", "m"), [(8, 16, 16), (32, 64, 192), (64, 256, 32)])
    def test_transposed(self, n, inner, m):
        out, left, right = np.zeros((inner, m), "float32"), numbers(n, inner), numbers(n, m, seed=1)
        _multiply_transposed(out, left, right, np.zeros((2, n, max(m, inner)), np.uint32))
        np.testing.assert_allclose(out, rounded(left).T @ rounded(right), atol=1e-4)

    def test_nan_and_infinity_come_through(self):
        out, rows, weight = np.zeros((8, 16), "float32"), numbers(8, 16), numbers(16, 16, seed=1)
        rows[0, 0], rows[1, 0] = np.nan, np.inf
        _multiply(out, rows, as_pairs(torch.from_numpy(weight)), np.zeros((2, 8, 16), np.uint32))
        assert np.isnan(out[0]).all() and np.isinf(out[1]).all() and np.isfinite(out[2:]).all()


def test_without_the_instruction_autocast_warns_and_leaves_single_precision(monkeypatch):
    monkeypatch.setattr("remix.networks.layout.HAS_HALF", False)
    _warn_of_float32.cache_clear()
    assert not in_half(torch.zeros(1))
    with (
        torch.autocast("cpu", torch.bfloat16),
        pytest.warns(UserWarning, match="no bfloat16 instructions: the networks compute in float32"),
    ):
        assert not in_half(torch.zeros(1))


def test_numbers_of_different_types_are_refused():
    with pytest.raises(TypeError, match="cannot be added to"):
        add_product(numbers(8, 16), numbers(8, 4), numbers(4, 16, dtype="float64"))


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="needs an x86 processor")
@pytest.mark.parametrize("features", ["+sse2,+avx,+avx2,+fma", "+sse2"])
def test_products_on_older_processors(features, tmp_path):
    """The tests above again, compiled for narrower vectors and without fused operations."""
    older = {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-n0", __file__, "-k", "not older"]
    tests = subprocess.run(
        command, env=os.environ | older, cwd=Path(__file__).parents[2], capture_output=True, text=True
    )
    assert tests.returncode == 0, tests.stdout
    assert "skipped" in tests.stdout, "there are no pairs on such processors"
