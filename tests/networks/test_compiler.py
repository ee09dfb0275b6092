"""Machine code that is kept between runs."""

import importlib.util

import numpy as np
import pytest

from remix.networks.kernels import compiler

SOURCE = """
from remix.networks.kernels.compiler import compiled

@compiled
def double(numbers):
    return 2.0 * numbers.sum()
"""


@pytest.fixture
def run(tmp_path):
    """Loads the module anew, as another process would; returns how often its code came from the disk."""
    path = tmp_path / "kept.py"
    path.write_text(SOURCE)

    def load() -> int:
        spec = importlib.util.spec_from_file_location("kept", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert module.double(np.ones(3)) == 6.0
        return sum(module.double.stats.cache_hits.values())

    return load


def test_code_is_kept(run):
    assert [run(), run(), run()] == [0, 1, 1]


def test_a_change_in_any_kernel_file_makes_it_anew(run, monkeypatch):
    assert [run(), run()] == [0, 1]
    monkeypatch.setattr(compiler, "_SOURCES", "changed")
    assert [run(), run()] == [0, 1]
