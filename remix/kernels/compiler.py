"""How kernels are compiled, and for what processor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import llvmlite.binding
import numpy as np
from numba import config
from numpy.typing import NDArray

from remix.kernels.compiling import Function, compile_kept, digest

Array = NDArray[np.floating[Any]]

# Fused multiply-adds double the speed of sums of products. The other liberties of fast mathematics would lose
# NaNs and cancel the rounding in the exponential function.
OPTIONS: Any = {"nogil": True, "fastmath": {"contract"}, "error_model": "numpy"}


def _features() -> set[str]:
    """Of the processor that Numba compiles for: this one, or what NUMBA_CPU_FEATURES says."""
    if chosen := getattr(config, "CPU_FEATURES", None):
        return {feature[1:] for feature in chosen.split(",") if feature.startswith("+")}
    return {name for name, present in llvmlite.binding.get_host_cpu_features().items() if present}


_FEATURES = _features()
_WIDE = "avx512f" in _FEATURES

VECTOR_BYTES = 64 if _WIDE else 32 if "avx" in _FEATURES else 16
"""Width of a vector register."""

MANY_REGISTERS = _WIDE or "sse2" not in _FEATURES
"""Whether there are 32 vector registers rather than 16."""

# Kept code holds that of the functions that are called, from whichever of these files.
_SOURCES = digest(sorted(Path(__file__).parent.glob("*.py")))


def compile_with(options: dict[str, Any]) -> Callable[[Function], Function]:
    """A decorator: the function as machine code, kept on disk between runs."""
    return partial(compile_kept, sources=_SOURCES, **options)


compiled = compile_with(OPTIONS)
"""For kernels that run without the GIL and add up in the order in which they are written."""

brief = compile_with(OPTIONS | {"nogil": False})
"""For kernels of a microsecond: to give the GIL back takes longer, if another thread then wants it."""
