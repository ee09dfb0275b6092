"""Where modules are imported from: installed ones first, those of the user's own folder last."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from sysconfig import get_path

import remix

OURS = Path(remix.__path__[0]).absolute()
"""The folder of all of ReMIX's code."""


def find_own_modules() -> None:
    """Let modules in the working directory be imported, after all others: they replace none.

    A checkout comes after them. Its folders beside ``remix``, such as ``envs``, are not for import; a user
    may have one of the same name.
    """
    checkout = str(OURS.parent)
    last = [os.getcwd()]
    if checkout not in (get_path("purelib"), get_path("platlib")):
        sys.path[:] = [folder for folder in sys.path if folder != checkout]
        last.append(checkout)
    for folder in last:
        if folder not in sys.path:
            sys.path.append(folder)
