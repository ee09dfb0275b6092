"""How the rules of the battles become machine code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numba.core.cpu import CPUTargetOptions

from remix.kernels.compiling import Function, compile_kept, digest

# An option that Numba does not document, so it may be missing one day.
_UNCOUNTED: dict[str, Any] = {"_nrt": False} if hasattr(CPUTargetOptions, "_nrt") else {}

# All files that hold compiled functions, or the types of their arguments.
_HERE = Path(__file__).parent
_SOURCES = digest([*sorted(_HERE.glob("*.py")), _HERE.parent / "rules.py", _HERE.parent / "state.py"])


def _compile(function: Function, **options: Any) -> Function:
    return compile_kept(function, _SOURCES, nogil=True, error_model="numpy", **options)


def compiled(function: Function) -> Function:
    """The function as machine code, kept on disk between runs and running without the GIL.

    Divisions follow NumPy: no test for zero, and none is ever divided by.
    """
    return _compile(function)


def lean(function: Function) -> Function:
    """:func:`compiled` for functions that neither make nor return arrays: they need not count references.

    Counting takes several times as long as the small loops of which a battle consists.
    """
    return _compile(function, **_UNCOUNTED)


def inlined(function: Function) -> Function:
    """:func:`lean` for parts of larger functions, whose machine code they become part of.

    Handing the many arrays of a battle to a function takes longer than what most of them do.
    """
    return _compile(function, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, **_UNCOUNTED)
