"""How kernels are compiled, and for what processor."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite.binding
import numpy as np
from numba import config, njit
from numpy.typing import NDArray

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

HAS_HALF = _WIDE and "avx512bf16" in _FEATURES
"""Whether products of bfloat16 pairs can be made on this machine."""

if HAS_HALF:
    # That instruction is written in assembly language, for lack of its operands' type in llvmlite.
    llvmlite.binding.initialize_native_asmparser()

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compile_with(options: dict[str, Any]) -> Callable[[_Function], _Function]:
    """A decorator: the function as machine code, kept on disk between runs."""

    def decorate(function: _Function) -> _Function:
        dispatcher = njit(cache=True, **options)(function)
        # What is kept holds the code of the functions that are called, too, but Numba compiles anew only if
        # the function's own file has changed.
        file = dispatcher._cache._cache_file
        file._source_stamp = (file._source_stamp, _SOURCES)
        return cast(_Function, dispatcher)

    return decorate


compiled = compile_with(OPTIONS)
"""For kernels that run without the GIL and add up in the order in which they are written."""


def _digest() -> str:
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


_SOURCES = _digest()
