"""Decorators that turn the rules of the battles into machine code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numba.core.cpu import CPUTargetOptions

from remix.kernels.compiling import Function, compile_kept, digest

# Numba does not document this option, so a later version may not have it.
_UNCOUNTED: dict[str, Any] = {"_nrt": False} if hasattr(CPUTargetOptions, "_nrt") else {}

# The files that hold compiled functions, or the types of their arguments. A change in one compiles all anew.
_HERE = Path(__file__).parent
_SOURCES = digest([*sorted(_HERE.glob("*.py")), _HERE.parent / "rules.py", _HERE.parent / "state.py"])


def _compile(function: Function, **options: Any) -> Function:
    return compile_kept(function, _SOURCES, nogil=True, error_model="numpy", **options)


def compiled(function: Function) -> Function:
    """Compile a function. Its machine code is kept on disk between runs, and it runs without the GIL.

    Divisions do not test for zero, as in NumPy. The rules never divide by zero.
    """
    return _compile(function)


def lean(function: Function) -> Function:
    """Compile a function that neither makes nor returns arrays, so that it need not count references.

    Counting references takes several times as long as the small loops of a battle.
    """
    return _compile(function, **_UNCOUNTED)


def inlined(function: Function) -> Function:
    """Compile a function into the machine code of its callers; otherwise it is like :func:`lean`.

    A call with the many arrays of a battle takes longer than most of these functions do.
    """
    return _compile(function, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, **_UNCOUNTED)
