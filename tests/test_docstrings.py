"""Everything public has a docstring, and what takes or returns arrays tells a shape."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType
from typing import Any

import remix

PACKAGES = ("algorithms", "callbacks", "envs", "kernels", "learning", "networks", "weighting")

ARRAY = re.compile(r"\b(Tensor|NDArray)\b")
SHAPE = re.compile(r"\[([A-Z0-9.]|bins|height|n\b|size|count)[^\]]*\]|\b([Ss]calars?|any shape|row)\b")
"""For example ``[K, N]`` or ``[..., A]``; a single number is called scalar."""


def modules() -> Iterator[ModuleType]:
    """The modules of all packages, but for those that need an extra which is not installed."""
    for package in (import_module(f"remix.{name}") for name in PACKAGES):
        for found in walk_packages(package.__path__, f"{package.__name__}."):
            with suppress(ModuleNotFoundError):
                yield import_module(found.name)


def public(owner: Any, home: str) -> Iterator[tuple[str, Any, Any]]:
    """What a module or a class defines: its name, itself, and its owner."""
    for name, member in vars(owner).items():
        found: Any = member.fget if isinstance(member, property) else member
        found = getattr(found, "__func__", getattr(found, "py_func", found))  # of a method, or compiled
        is_ours = (inspect.isclass(found) or inspect.isfunction(found)) and found.__module__ == home
        if is_ours and not name.startswith("_"):
            yield f"{home}.{found.__qualname__}", found, owner
            if inspect.isclass(found):
                yield from public(found, home)


def said(found: Any, owner: Any) -> str:
    """The docstring of a function, with those of its class and of the methods that it overrides."""
    overridden = (vars(base).get(found.__name__) for base in getattr(owner, "__mro__", ()))
    return "\n".join(getattr(item, "__doc__", None) or "" for item in (owner, found, *overridden))


def documented() -> list[tuple[str, Any, Any]]:
    entries = [entry for module in modules() for entry in public(module, module.__name__)]
    return entries + [(f"remix.{name}", getattr(remix, name), remix) for name in remix.__all__]


def test_everything_public_has_a_docstring():
    entries = documented()
    assert {"remix.train", "remix.algorithms.vdac.VDAC", "remix.envs.spec.Environment.reset"} <= {
        name for name, _, _ in entries
    }
    assert [name for name, found, _ in entries if not inspect.getdoc(found)] == []


def test_what_takes_or_returns_arrays_tells_a_shape():
    entries = [entry for entry in documented() if ARRAY.search(str(getattr(entry[1], "__annotations__", "")))]
    assert len(entries) > 100
    assert [name for name, found, owner in entries if not SHAPE.search(said(found, owner))] == []
