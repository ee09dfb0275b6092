"""Dotted names in configurations: the objects that they name, and what these make and take."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from remix.settings.errors import SettingError, first_line
from remix.settings.signatures import hints_of

_PLAIN = ("builtins", "datetime", "pathlib", "typing")  # modules whose classes are values, not parts
_CONTAINERS = (list, tuple, Sequence, Iterable)


def below(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of the packages or lies in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def location(package: str) -> Path | None:
    """File or folder of a top-level module, which is not imported; None if there is none, or several."""
    place = found_at(package)
    return None if place is None else place.resolve()


def found_at(package: str) -> Path | None:
    """:func:`location` under the module's own name, which may be that of a link."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations is not None:
        folders = [Path(folder).absolute() for folder in spec.submodule_search_locations]
        return folders[0] if len({folder.resolve() for folder in folders}) == 1 else None
    return Path(spec.origin).absolute() if spec.has_location and spec.origin is not None else None


def imported(key: str, name: str) -> Any:
    """Import the object that a dotted name means.

    :raises SettingError: about the setting ``key``.
    """
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        try:
            found: Any = import_module(module)
        except Exception as error:
            if isinstance(error, ModuleNotFoundError) and error.name and below(module, error.name):
                continue
            raise SettingError(key, name, f"cannot be imported: {first_line(error)}") from error
        for part in parts[length:]:
            if (found := getattr(found, part, None)) is None:
                raise SettingError(key, name, f"{module} has no {'.'.join(parts[length:])}")
        return found
    raise SettingError(key, name, "is the full name of nothing here or installed")


def home(target: Any) -> str:
    """The name under which an object, or else its class, is defined, wherever it was imported."""
    owner = target if inspect.isclass(target) or inspect.isroutine(target) else type(target)
    return f"{owner.__module__}.{owner.__qualname__}"


def makes(target: Any) -> type | None:
    """The class of what a call returns: a class makes itself, a function says so; None if it does not."""
    made = target if inspect.isclass(target) else hints_of(target).get("return")
    return made if inspect.isclass(made) else None


def mentions(target: Any, kind: type) -> bool:
    """Whether a function's body names a class of this kind."""
    if not inspect.isfunction(target):
        return False
    names = inspect.getclosurevars(target)
    found = (*names.nonlocals.values(), *names.globals.values())
    return any(inspect.isclass(value) and issubclass(value, kind) for value in found)


def parameters(target: Callable[..., Any]) -> list[str]:
    """Names of the arguments of a function; empty if it does not tell them."""
    try:
        return list(inspect.signature(target).parameters)
    except (TypeError, ValueError):
        return []


def kinds(annotation: Any) -> tuple[type, ...]:
    """The classes of which an annotation wants an object or a factory; none for plain values."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if Callable in (annotation, origin):
        return (kinds(arguments[-1]) if arguments else ()) or (Callable,)  # type: ignore[return-value]
    if origin in (Union, types.UnionType, type, *_CONTAINERS):
        return tuple(kind for argument in arguments for kind in kinds(argument))
    plain = not inspect.isclass(annotation) or origin is not None or annotation.__module__ in _PLAIN
    return () if plain else (annotation,)
