"""Where a scenario comes from: a file of the package, one of the user's own, or the settings themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from remix.envs.skirmish.fields import DATA, PLAIN_NAME, Fields, is_plain, names_in, read_fields
from remix.settings.errors import SettingError

FIXED, DRAWN = "maps", "scenarios"
_MARKS = {FIXED: "allies", DRAWN: "capability_config"}
"""The field by which a scenario with given or with drawn teams is known."""
_FOR = {
    FIXED: "has the same teams in every episode, which is for env=smac",
    DRAWN: "draws its teams for every episode, which is for env=smacv2",
}


class Source(NamedTuple):
    """A scenario before its fields are read.

    :param name: what it is called in records; that of a file of one's own keeps its ending.
    :param folder: where a terrain of its own is.
    """

    name: str
    folder: Path
    fields: Fields


def find(kind: str, name: Any, content: Any = None) -> Source:
    """Find a scenario.

    :param kind: ``FIXED`` or ``DRAWN``, by which also a folder of the package's data is called.
    :param name: a name of the package, or the path of a YAML file; with ``content`` a new name.
    :param content: the fields of the scenario themselves.
    :raises SettingError: there is none, it is of the other kind, or its name is taken.
    """
    other = DRAWN if kind == FIXED else FIXED
    if content is not None:
        source = _given(name, content)
    elif name in names_in(other):
        raise SettingError("map_name", name, _FOR[other])
    else:
        path, fields = read_fields("map_name", kind, name)
        known = path.parent == DATA / kind
        source = Source(path.stem if known else path.name, path.parent, fields)
    if _MARKS[other] in source.fields and _MARKS[kind] not in source.fields:
        raise SettingError("scenario" if content is not None else "map_name", name, _FOR[other])
    return source


def _given(name: Any, content: Any) -> Source:
    if not isinstance(content, Mapping):
        raise SettingError("scenario", content, "must be a mapping, of the fields of a scenario")
    if not isinstance(name, str) or not is_plain(name):
        raise SettingError("map_name", name, f"the name of a scenario {PLAIN_NAME}")
    if name in (*names_in(FIXED), *names_in(DRAWN)):
        raise SettingError("scenario", "{...}", f"needs a map_name of its own, as {name} is a published one")
    return Source(name, Path(), Fields("scenario", name, "", dict(content)))
