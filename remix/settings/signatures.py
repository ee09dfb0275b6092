"""Signatures as schemas: the annotations of arguments, and whether plain values fit them."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, Sequence, Set
from contextlib import suppress
from pathlib import Path
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

_LISTS = (list, tuple, set, frozenset, Sequence, Collection, Iterable, Set)
_MAPPINGS = (dict, Mapping, MutableMapping)
_SCALARS = {int: "a whole number", float: "a finite number", bool: "true or false", str: "text"}
_PLAIN = (*_SCALARS, *_LISTS, *_MAPPINGS, Literal, Path)


INHERITED = "inherited"
"""``**inherited`` stands for the arguments of the class above."""


def parameters_of(target: Any) -> dict[str, inspect.Parameter]:
    """The parameters of a class or a function, by name.

    :raises ValueError: the target has no signature, as some builtins.
    """
    parameters = dict(inspect.signature(target).parameters)
    if inspect.isclass(target) and INHERITED in parameters:
        del parameters[INHERITED]
        return {**parameters_of(_above(target)), **parameters}
    return parameters


def hints_of(target: Any) -> dict[str, Any]:
    """The annotations of the parameters of a class or a function, as far as they can be resolved.

    Annotations with names that are imported for type checkers alone are left out. Builtins mostly have none.
    """
    if inspect.isclass(target) and _inherits(target):
        return hints_of(_above(target)) | _hints_here(target.__init__)
    return _hints_here(target.__init__ if inspect.isclass(target) else target)


def _inherits(target: type) -> bool:
    with suppress(TypeError, ValueError):  # of builtins, which do not tell
        return INHERITED in inspect.signature(target.__init__).parameters  # type: ignore[misc]
    return False


def _above(target: type) -> type:
    """The class whose constructor gets the ``**inherited`` of this one's."""
    defining = next(kind for kind in target.__mro__ if "__init__" in vars(kind))
    return target.__mro__[target.__mro__.index(defining) + 1]


def _hints_here(function: Any) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for name, annotation in getattr(function, "__annotations__", {}).items():
        alone = SimpleNamespace(__annotations__={name: annotation})
        with suppress(Exception):
            known |= get_type_hints(alone, globalns=getattr(function, "__globals__", {}))
    return known


def alternatives(hint: Any) -> tuple[Any, ...]:
    """The members of a union, else the annotation alone."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def kinds(hint: Any, partial: bool) -> list[type]:
    """The classes that an argument's value must be of; none if it may be anything.

    :param partial: whether the value is a function that makes the object.
    """
    wanted = alternatives(hint)
    if partial:
        wanted = tuple(made for _, made in _factories(hint))
    classes = [choice for choice in wanted if choice is not NoneType]
    known = all(inspect.isclass(kind) and not getattr(kind, "_is_protocol", False) for kind in classes)
    return classes if known and Any not in classes else []


def wants_factory(hint: Any) -> bool:
    """Whether an argument's value must be a function that makes an object, if it is not None."""
    return all(get_origin(choice) is Callable for choice in alternatives(hint) if choice is not NoneType)


def supplied(hint: Any) -> int:
    """How many arguments a function of this annotation gets from the code that calls it."""
    wanted = [arguments for arguments, _ in _factories(hint) if isinstance(arguments, list)]
    return max(map(len, wanted), default=0)


def _factories(hint: Any) -> list[tuple[Any, Any]]:
    """What the functions of an annotation take and what they make, as far as it says so."""
    functions = [get_args(choice) for choice in alternatives(hint) if get_origin(choice) is Callable]
    return [(taken, made) for taken, made in filter(None, functions)]


def fits(value: Any, hint: Any) -> bool:
    """Whether a plain value fits an annotation. The items of lists and mappings are not looked at."""
    if hint is Any or hint is object:
        return True
    if len(choices := alternatives(hint)) > 1:
        return any(fits(value, choice) for choice in choices)
    origin = get_origin(hint) or hint
    if origin is Literal:
        return any(type(value) is type(choice) and value == choice for choice in get_args(hint))
    if hint is None or hint is NoneType:
        return value is None
    if hint is float:
        return _is_number(value) and math.isfinite(value)
    if hint in _SCALARS:
        value = as_whole(value) if hint is int else value
        return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
    if origin in _LISTS:
        return isinstance(value, (list, tuple)) and _length(hint) in (None, len(value))
    if origin in _MAPPINGS:
        return isinstance(value, Mapping)
    if inspect.isclass(origin) and (value is None or isinstance(value, (str, int, float, list))):
        return origin is Path and isinstance(value, str)
    return True


def as_whole(value: Any) -> Any:
    """A float of a whole value, as 1e6 is read, as an int of 64 bits. Any other value stays as it is."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**63
    return int(value) if whole else value


def delivered(value: Any, hint: Any) -> Any:
    """A plain value that fits an annotation, as the argument that this wants: a path, a whole number."""
    choices = alternatives(hint)
    if isinstance(value, str):
        return Path(value) if Path in choices and str not in choices else value
    if isinstance(value, float):
        return as_whole(value) if int in choices and float not in choices else value
    if isinstance(value, list):
        return [delivered(item, inner) for item, inner in zip(value, items(value, hint), strict=True)]
    if isinstance(value, Mapping):
        return {
            name: delivered(item, inner)
            for (name, item), inner in zip(value.items(), items(value, hint), strict=True)
        }
    return value


def items(value: Mapping[Any, Any] | Sequence[Any], hint: Any) -> list[Any]:
    """The annotation of each item of a mapping or a list, in order."""
    matching = [choice for choice in alternatives(hint) if get_args(choice) and fits(value, choice)]
    held = get_args(matching[0]) if len(matching) == 1 else ()
    if not held or get_origin(matching[0]) not in _LISTS + _MAPPINGS:
        return [Any] * len(value)
    if _length(matching[0]) is not None:
        return list(held)
    return [held[0 if held[-1] is Ellipsis else -1]] * len(value)


def readable(hint: Any) -> str:
    """An annotation in words."""
    origin, arguments = get_origin(hint) or hint, get_args(hint)
    if origin in (Union, UnionType):
        plain = [argument for argument in arguments if (get_origin(argument) or argument) in _PLAIN]
        some = [*plain, NoneType] if NoneType in arguments and plain else plain
        return " or ".join(dict.fromkeys(readable(argument) for argument in some or arguments))
    if origin is Literal:
        return "one of " + ", ".join(map(str, arguments))
    if hint is None or hint is NoneType:
        return "null"
    if origin in _LISTS:
        length = _length(hint)
        return "a list" if length is None else f"a list of {length}"
    if origin in _MAPPINGS:
        return "a mapping"
    if origin is Callable and arguments:
        return readable(arguments[-1])
    if origin is Path:
        return "a path"
    return _SCALARS.get(hint) or f"{with_article(origin)}, named by its _target_"


def with_article(kind: Any) -> str:
    """The name of a class, as in "an Environment"."""
    name = getattr(kind, "__name__", str(kind))
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _length(hint: Any) -> int | None:
    """The length that an annotation asks of a tuple; None if it may be any."""
    held = get_args(hint)
    return len(held) if get_origin(hint) is tuple and Ellipsis not in held else None
