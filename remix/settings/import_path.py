"""Where modules are imported from: installed ones first, those of the user's own folder last."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from sysconfig import get_path
from types import ModuleType

import remix

OURS = Path(remix.__path__[0]).absolute()
"""The folder of all of ReMIX's code."""

_CHECKOUT = str(OURS.parent)


class BesideTheCheckout(MetaPathFinder):
    """Finds the modules of a user who has folders called as those of a checkout beside ``remix``.

    A folder without an ``__init__.py``, such as his ``envs``, would lose against one of the checkout that has
    one, wherever on the path they stand.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is not None or fullname == "remix" or not os.path.isdir(os.path.join(_CHECKOUT, fullname)):
            return None
        return PathFinder.find_spec(fullname, [folder for folder in sys.path if folder != _CHECKOUT])


def find_own_modules() -> None:
    """Let modules in the working directory be imported, after all others: they replace none.

    A checkout comes after them. Its folders beside ``remix``, such as ``envs``, are not for import; a user
    may have one of the same name. To be called in every process; a second time it changes nothing.
    """
    last = [os.getcwd()]
    if _CHECKOUT not in (get_path("purelib"), get_path("platlib")):
        sys.path[:] = [folder for folder in sys.path if folder != _CHECKOUT]
        last.append(_CHECKOUT)
        if not any(isinstance(finder, BesideTheCheckout) for finder in sys.meta_path):
            sys.meta_path.insert(0, BesideTheCheckout())
    for folder in last:
        if folder not in sys.path:
            sys.path.append(folder)
