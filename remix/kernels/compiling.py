"""Functions as machine code that is kept on disk between runs, as far as the disk allows it.

Numba stops where no folder for its code can be written, and where what is kept cannot be read. Kept code only
saves time, so here nothing depends on it: what cannot be read is compiled anew, and what cannot be written is
compiled at every start.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing import parent_process
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import config, njit
from numba.core.caching import (
    CacheImpl,
    CompileResultCacheImpl,
    FunctionCache,
    IndexDataCacheFile,
    InTreeCacheLocator,
)
from numba.core.serialize import dumps

Function = TypeVar("Function", bound=Callable[..., Any])


def compile_kept(function: Function, sources: str = "", **options: Any) -> Function:
    """The function as machine code.

    :param sources: digest of other files on which the code depends; Numba itself looks at the function's own.
    :param options: of ``numba.njit``.
    """
    dispatcher: Any = njit(**options)(function)
    with suppress(RuntimeError):  # of a function that comes from no file
        dispatcher._cache = _Kept(function, sources)
    return cast(Function, dispatcher)


def digest(files: Iterable[Path]) -> str:
    """Of the contents of all ``files``."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


class _Beside(InTreeCacheLocator):
    """Code beside the source file, where it may be read even if nobody can write there."""

    def ensure_cache_path(self) -> None:
        """Nothing: writing will show whether it can be done."""


class _Whole(CompileResultCacheImpl):
    """Code with a digest: damaged code would end the process, or compute something else."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._locator_classes = [*CacheImpl._locator_classes, _Beside]
        super().__init__(function)

    def reduce(self, result: Any) -> tuple[bytes, bytes]:
        code = dumps(super().reduce(result))
        return hashlib.sha256(code).digest(), code

    def rebuild(self, target: Any, kept: tuple[bytes, bytes]) -> Any:
        found, code = kept
        if hashlib.sha256(code).digest() != found:
            raise ValueError("damaged")
        return super().rebuild(target, pickle.loads(code))


class _Labelled(IndexDataCacheFile):
    """Files that say what they hold: two processes that keep code at once may give one name to two codes."""

    def save(self, key: Any, data: Any) -> None:
        super().save(key, (self._label(key), data))

    def load(self, key: Any) -> Any:
        label, data = super().load(key) or (None, None)
        return data if label == self._label(key) else None

    def _label(self, key: Any) -> tuple[Any, ...]:
        return self._source_stamp, key


class _Kept(FunctionCache):
    _impl_class = _Whole
    _told = False

    def __init__(self, function: Callable[..., Any], sources: str) -> None:
        super().__init__(function)
        # What is kept holds the code of the functions that are called, too.
        stamp = (self._impl.locator.get_source_stamp(), sources)
        self._cache_file = _Labelled(self._cache_path, self._impl.filename_base, stamp)

    def _index_key(self, *arguments: Any) -> tuple[Any, ...]:
        """With NUMBA_BOUNDSCHECK, which Numba forgets, so that code with and without checks never mix."""
        return *super()._index_key(*arguments), getattr(config, "BOUNDSCHECK", None)

    def load_overload(self, signature: Any, target: Any) -> Any:
        try:
            return super().load_overload(signature, target)
        except Exception:  # damaged files raise anything
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        try:
            super().save_overload(signature, result)
        except Exception as error:
            self._tell(getattr(error, "strerror", None) or type(error).__name__)

    def _tell(self, reason: str) -> None:
        """One line for the user of a program, not one from each of its workers."""
        if not _Kept._told and parent_process() is None:
            print(
                f"compiled code cannot be kept ({reason}): every start compiles it again; "
                "set NUMBA_CACHE_DIR to a folder that can be written",
                file=sys.stderr,
            )
        _Kept._told = True
