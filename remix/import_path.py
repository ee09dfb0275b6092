"""Where modules are imported from: our packages first, those of the user's own folder last."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

HOME = Path(__file__).absolute().parents[1]
"""The folder that our packages stand in."""

PACKAGES = ("callbacks", "conf", "envs", "remix")


def find_own_modules() -> None:
    """Let modules in the working directory be imported, after all others: they replace none."""
    for folder in (str(HOME), os.getcwd()):
        if folder not in sys.path:
            sys.path.append(folder)


def displaced() -> str | None:
    """The path of a package that is imported in the place of one of ours, whose name it has."""
    for package in PACKAGES:
        spec = find_spec(package)
        origin = spec and (spec.origin or next(iter(spec.submodule_search_locations or ()), None))
        if origin and not Path(origin).resolve().is_relative_to((HOME / package).resolve()):
            return origin
    return None
