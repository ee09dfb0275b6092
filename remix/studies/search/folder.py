"""The settings that a search was begun with, kept in its folder. One name means one search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf

from remix.runs.config import kept, plain
from remix.runs.identity import identity
from remix.settings.errors import SettingError
from remix.settings.files import replace_text
from remix.studies.search.plan import Plan
from remix.tracking import flatten
from remix.tracking.plan_file import SEARCH_FILE

_LASTING = ("name", "seeds", "sampler_seed", "space")  # what a repeated command must not change
_SHOWN = 3  # differing settings that an error names


def begin(plan: Plan, about: DictConfig) -> None:
    """Write what the search is into its folder, or compare with what is there.

    :param about: the node ``search``.
    :raises SettingError: if the folder belongs to a search of something else.
    """
    file = plan.folder / SEARCH_FILE
    ours = {"search": plain(about), **kept(plan.base)}
    if not file.is_file():
        replace_text(file, OmegaConf.to_yaml(OmegaConf.create(ours)))
    if "${" in file.read_text(encoding="utf-8"):
        raise SettingError("search.name", plan.name, f"{file} refers to other values; what is stored cannot")
    loaded = OmegaConf.load(file)
    assert isinstance(loaded, DictConfig)
    begun = plain(loaded)
    if differing := list(_differences(begun, ours)):
        more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        what = ", ".join(differing[:_SHOWN]) + more
        raise SettingError(
            "search.name",
            plan.name,
            f"was begun with {what}; choose another search.name, or delete {plan.folder}",
        )


def _differences(begun: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    """The settings that must not change and did, with both values."""
    for key in _LASTING:
        yield from _changed(f"search.{key}", begun["search"][key], ours["search"][key])
    wanted = _identity(ours)
    if _identity(begun) == wanted:
        return
    for key in {**begun, **ours}:
        # A difference counts only if it leads to another configuration.
        if key != "search" and _identity({**ours, key: begun.get(key)}) != wanted:
            yield from _changed(key, begun.get(key), ours.get(key))


def _identity(settings: dict[str, Any]) -> str:
    return identity(OmegaConf.create({key: value for key, value in settings.items() if key != "search"}))


def _changed(key: str, before: Any, now: Any) -> Iterator[str]:
    flat_before, flat_now = (flatten({key: value}, skip=()) for value in (before, now))
    for name in {**flat_before, **flat_now}:
        one, other = flat_before.get(name, "nothing"), flat_now.get(name, "nothing")
        if one != other:
            yield f"{name}={one} (now {other})"
