"""How the rules of the battles become machine code."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit
from numba.core.cpu import CPUTargetOptions

_Function = TypeVar("_Function", bound=Callable[..., Any])

# An option that Numba does not document, so it may be missing one day.
_UNCOUNTED: dict[str, Any] = {"_nrt": False} if hasattr(CPUTargetOptions, "_nrt") else {}


def _digest() -> str:
    """Of all files that hold compiled functions, or the types of their arguments."""
    folder = Path(__file__).parent
    files = [*sorted(folder.glob("*.py")), folder.parent / "rules.py", folder.parent / "state.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


_SOURCES = _digest()


def _compile(function: _Function, **options: Any) -> _Function:
    dispatcher: Any = njit(cache=True, nogil=True, error_model="numpy", **options)(function)
    # What is kept holds the code of the functions that are called, too, but Numba compiles anew only if
    # the function's own file has changed.
    file = dispatcher._cache._cache_file
    file._source_stamp = (file._source_stamp, _SOURCES)
    return cast(_Function, dispatcher)


def compiled(function: _Function) -> _Function:
    """The function as machine code, kept on disk between runs and running without the GIL.

    Divisions follow NumPy: no test for zero, and none is ever divided by.
    """
    return _compile(function)


def lean(function: _Function) -> _Function:
    """:func:`compiled` for functions that neither make nor return arrays: they need not count references.

    Counting takes several times as long as the small loops of which a battle consists.
    """
    return _compile(function, **_UNCOUNTED)


def inlined(function: _Function) -> _Function:
    """:func:`lean` for parts of larger functions, whose machine code they become part of.

    Handing the many arrays of a battle to a function takes longer than what most of them do.
    """
    return _compile(function, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, **_UNCOUNTED)
