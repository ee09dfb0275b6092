"""Checks of ``_target_`` nodes: the target exists, is of the right kind, and takes the arguments given.

Free of torch, but for the kinds of all groups.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from inspect import Parameter
from pathlib import Path
from types import ModuleType
from typing import Any

from remix.settings.configurations import elsewhere
from remix.settings.errors import SettingError, one_of
from remix.settings.named_objects import below
from remix.settings.own_code import OwnCodeError, failed
from remix.settings.signatures import (
    fits,
    hints_of,
    items,
    kinds,
    parameters_of,
    readable,
    supplied,
    wants_factory,
    with_article,
)

GIVEN = ("spec", "environment", "input_size", "params")
"""Arguments that the code gives, not the configuration."""

COMPLETED = ("algorithm", "workers")
"""Groups whose objects get further arguments from the code that builds them."""

MISSING = "???"
_LARGEST = 2**63


def kinds_of_groups() -> dict[str, Any]:
    """What the groups of a configuration are to become, and what is known of other settings."""
    from pytorch_lightning import Callback, Trainer
    from pytorch_lightning.loggers import Logger

    from remix.algorithms.base import MultiAgentModule
    from remix.envs.spec import Environment
    from remix.learning.workers.base import WorkerPool

    return {
        "env": Environment,
        "workers": WorkerPool,
        "algorithm": MultiAgentModule,
        "trainer": Trainer,
        "callbacks": dict[str, Callback | None],
        "logger": dict[str, Logger | None],
        "ckpt_path": str | None,
        "init_from": str | None,
    }


def check_value(key: str, value: Any, hint: Any) -> None:
    """Compare a plain value, and all that it holds, with an annotation.

    :raises SettingError: naming the first setting that does not fit.
    """
    if value == MISSING:
        raise SettingError(key, value, "must be given")
    if isinstance(value, int) and abs(value) >= _LARGEST:
        raise SettingError(key, value, "is too large: a whole number has 64 bits")
    if isinstance(value, Mapping) and "_target_" in value:
        _check_call(key, value, hint)
        return
    if not fits(value, hint) or (isinstance(value, Mapping) and kinds(hint, partial=False)):
        raise SettingError(key, value, f"must be {readable(hint)}")
    if isinstance(value, Mapping):
        for (name, item), inner in zip(value.items(), items(value, hint), strict=True):
            check_value(f"{key}.{name}", item, inner)
    elif isinstance(value, list):
        for place, (item, inner) in enumerate(zip(value, items(value, hint), strict=True)):
            check_value(f"{key}[{place}]", item, inner)


def locate(setting: str, path: Any) -> Any:
    """The class or function that a dotted path names.

    :raises SettingError: there is none, or a module on the way cannot be imported.
    """
    parts = path.split(".") if isinstance(path, str) else []
    if not parts or not all(part.isidentifier() for part in parts):
        raise SettingError(setting, path, "must name a class or a function: module.Name")
    found: Any = _imported(setting, path, parts[0])
    if found is None:
        missing = f"there is no module {parts[0]}, neither in {Path.cwd()} nor installed"
        raise SettingError(setting, path, missing + _nearest(parts[0], _modules()))
    for depth, name in enumerate(parts[1:], start=1):
        parent, above = found, ".".join(parts[:depth])
        found = getattr(parent, name, None)
        if found is None and isinstance(parent, ModuleType):
            found = _imported(setting, path, f"{above}.{name}")
        if found is None:
            there = [*dir(parent), *_modules(getattr(parent, "__path__", ()))]
            raise SettingError(setting, path, f"{above} has no {name}" + _nearest(name, there))
    if not callable(found):
        kind = "a module" if isinstance(found, ModuleType) else f"of type {type(found).__name__}"
        raise SettingError(setting, path, f"is {kind}; must be a class or a function")
    return found


def _check_call(key: str, node: Mapping[str, Any], hint: Any) -> None:
    """Check a target, and the arguments with which it is called."""
    setting, name = f"{key}._target_", node["_target_"]
    target = locate(setting, name)
    partial = bool(node.get("_partial_"))
    wanted = kinds(hint, partial)
    if wanted and inspect.isclass(target) and not issubclass(target, tuple(wanted)):
        raise SettingError(setting, name, f"must be {' or '.join(map(with_article, wanted))}")
    made = tuple(kinds(hint, partial=True))
    if not partial and wants_factory(hint) and inspect.isclass(target) and issubclass(target, made):
        expected = f"must be true: {name} gets further arguments from the code that makes it"
        raise SettingError(f"{key}._partial_", False, expected)
    if inspect.isabstract(target):
        missing = ", ".join(sorted(target.__abstractmethods__))
        raise SettingError(setting, name, f"is not complete: it must have {missing}")
    _check_arguments(key, node, target, supplied(hint) if partial else 0)


def _check_arguments(key: str, node: Mapping[str, Any], target: Any, n_supplied: int) -> None:
    """Check the arguments of a call, of which the code that makes it supplies the first ones."""
    hints, parameters = hints_of(target), _parameters(target)
    if "_args_" not in node:
        by_place = [name for name, p in parameters.items() if p.kind is Parameter.POSITIONAL_OR_KEYWORD]
        parameters = {name: p for name, p in parameters.items() if name not in by_place[:n_supplied]}
    open_ended = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters.values())
    given = {name: value for name, value in node.items() if not name.startswith("_")}
    for name, value in given.items():
        inner, parameter = f"{key}.{name}", parameters.get(name)
        if parameter is None and not open_ended:
            valid = [other for other in parameters if other not in GIVEN]
            choices = f"{key} {one_of(valid, name)}" if valid else f"{node['_target_']} has none"
            where = elsewhere(inner)
            if where and not below(node["_target_"], "remix"):  # it stands for a part that has such a setting
                where = f"; leave it out with '~{inner}'"
            raise SettingError(inner, value, f"unknown setting; {choices}{where}")
        is_default = parameter is not None and value is parameter.default
        check_value(inner, value, Any if is_default else hints.get(name, Any))
    if "_args_" in node or node.get("_partial_") or key in COMPLETED:
        return
    for name, parameter in parameters.items():
        by_name = parameter.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
        if by_name and parameter.default is Parameter.empty and name not in given:
            raise SettingError(f"{key}.{name}", MISSING, f"must be given: {node['_target_']} needs it")


def _parameters(target: Any) -> Mapping[str, Parameter]:
    """The parameters of a target; any, if it does not tell them."""
    try:
        return parameters_of(target)
    except (TypeError, ValueError):
        return {"anything": Parameter("anything", Parameter.VAR_KEYWORD)}


def _imported(setting: str, path: str, module: str) -> ModuleType | None:
    """The module, or None if there is none of that name."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            return None
        raise OwnCodeError.of(setting, path, "its import", error) from error
    except BaseException as error:
        if not failed(error):
            raise
        raise OwnCodeError.of(setting, path, "its import", error) from error


def _modules(path: Sequence[str] | None = None) -> list[str]:
    """Names of the modules of a package, or of all that are not in a package."""
    return [module.name for module in pkgutil.iter_modules(path)]


def _nearest(name: str, there: Iterable[str]) -> str:
    near = get_close_matches(name, {other for other in there if not other.startswith("_")}, n=3)
    return f"; nearest: {', '.join(near)}" if near else ""
