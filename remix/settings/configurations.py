"""The configurations in ``conf/`` as tables: settings, defaults and the comments beside them.

Out of them come the reference of all settings and the help of the commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import yaml

from remix.settings import docstrings
from remix.settings.import_path import OURS
from remix.settings.project import configuration_folders

CONF = OURS / "conf"
HIDDEN = ("_partial_", "_convert_", "defaults")


@dataclass(frozen=True)
class Setting:
    """One line of a configuration.

    :param name: as on the command line, ``replay.capacity``.
    :param value: as written; empty for a group of settings.
    :param meaning: the comment beside it or above it, else what the class that takes it says.
    """

    name: str
    value: str
    meaning: str


class Configuration:
    """A YAML file of ``conf/``, of ReMIX or of the project.

    :param path: below ``conf/``, without the suffix: ``env/smac``.
    :raises FileNotFoundError: there is none of that name.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        files = (folder / f"{path}.yaml" for folder in configuration_folders())
        self.text = next((file for file in files if file.is_file()), CONF / f"{path}.yaml").read_text("utf-8")
        self._lines = [*self.text.splitlines(), ""]
        self._root = yaml.compose(self.text)
        self._top = next((n for n, line in enumerate(self._lines) if not line.startswith("#")), 0)

    @property
    def choice(self) -> str:
        """What is written behind the ``=`` on the command line."""
        return self.path.rpartition("/")[2]

    @property
    def description(self) -> str:
        """The sentences at its top, in one line; without, the first one of its class."""
        lines = [line.lstrip("# ").rstrip() for line in self._lines[: self._top]]
        sentences = " ".join(line for line in lines if not line.startswith("@"))
        name = f"{_package(self.path)}._target_"
        targets = [setting.value for setting in self.settings() if setting.name == name]
        ours = [target for target in targets if target.startswith("remix.")]
        return sentences or (docstrings.find(ours[0]).summary if ours else "")

    @property
    def tag(self) -> dict[str, str]:
        """What stands behind an ``@`` at its top, by name: label and colour."""
        return dict(re.findall(r"^# @(\w+) (.+)$", self.text, flags=re.MULTILINE))

    def settings(self) -> list[Setting]:
        """All of them in the order of the file, with the names of the command line."""
        prefix = "" if "@package _global_" in self.text else _package(self.path)
        return list(self._settings(self._root, prefix)) if isinstance(self._root, yaml.MappingNode) else []

    def defaults(self) -> list[str]:
        """Paths of the configurations that this one is made of, first those that others overrule."""
        content = yaml.safe_load(self.text)
        entries = content.get("defaults", []) if isinstance(content, dict) else []
        paths = (_path(entry, self.path.rpartition("/")[0]) for entry in entries)
        return [path for path in paths if path and not path.startswith("hydra/")]

    def _settings(self, node: yaml.MappingNode, prefix: str) -> Iterator[Setting]:
        said = self._said(node)
        for key, value in node.value:
            name = f"{prefix}.{key.value}" if prefix else key.value
            if key.value in HIDDEN or name == "hydra":
                continue
            group = isinstance(value, yaml.MappingNode) and value.value and not value.flow_style
            meaning = self._beside(key.end_mark if group else self._end(key, value)) or self._above(key)
            meaning = meaning or said.get(key.value, "")
            if not group or meaning:
                yield Setting(name, "" if group else self._written(value), meaning)
            if group:
                yield from self._settings(value, name)

    def _said(self, node: yaml.MappingNode) -> dict[str, str]:
        """What the class of a node says of its arguments."""
        targets = [value.value for key, value in node.value if key.value == "_target_"]
        ours = [target for target in targets if target.startswith("remix.")]
        return docstrings.find(ours[0]).parameters if ours else {}

    def _written(self, value: yaml.Node) -> str:
        if isinstance(value, yaml.SequenceNode) and not value.flow_style:
            items = (self.text[item.start_mark.index : item.end_mark.index] for item in value.value)
            return f"[{', '.join(items)}]"
        return self.text[value.start_mark.index : value.end_mark.index]

    def _end(self, key: yaml.Node, value: yaml.Node) -> yaml.Mark:
        block = isinstance(value, yaml.SequenceNode) and not value.flow_style
        return key.end_mark if block else value.end_mark

    def _beside(self, mark: yaml.Mark) -> str:
        return self._lines[mark.line][mark.column :].partition("#")[2].strip()

    def _above(self, key: yaml.Node) -> str:
        """The comment in the lines right above, unless these are the top of the file."""
        lines: list[str] = []
        for line in reversed(self._lines[self._top : key.start_mark.line]):
            if not line.strip().startswith("#"):
                break
            lines.insert(0, line.strip("# "))
        return " ".join(lines)


def chain(path: str) -> list[Configuration]:
    """A configuration and all that it is made of, first those that others overrule."""
    own = Configuration(path)
    return [part for parent in own.defaults() for part in chain(parent)] + [own]


def meanings(path: str) -> dict[str, str]:
    """What each setting of a configuration means, as it or one that it is made of says."""
    settings = (setting for part in chain(path) for setting in part.settings())
    return {setting.name: setting.meaning for setting in settings if setting.meaning}


def choices(group: str) -> list[Configuration]:
    """Of a group, but for those that only others use."""
    names = sorted(file.stem for file in (CONF / group).glob("*.yaml"))
    return [Configuration(f"{group}/{name}") for name in names if not name.startswith("_")]


def elsewhere(name: str) -> str:
    """Which choices of its group have a setting, as in `` (iql, mappo have it)``; empty if none has."""
    having: list[str] = []
    with suppress(OSError, yaml.YAMLError):  # of the project's own files, about which nobody asked
        for choice in choices(name.partition(".")[0]):
            if any(setting.name == name for part in chain(choice.path) for setting in part.settings()):
                having.append(choice.choice)
    return f" ({', '.join(having)} {'has' if len(having) == 1 else 'have'} it)" if having else ""


def _package(path: str) -> str:
    """Where the settings of a file stand: those of ``algorithm/mixer/qmix`` at ``algorithm.mixer``."""
    return path.rpartition("/")[0].replace("/", ".")


def _path(entry: Any, group: str) -> str | None:
    """Of a line of a defaults list in a file of a group: the file that it names."""
    if isinstance(entry, str):
        return None if entry == "_self_" else f"{group}/{entry}".lstrip("/")
    (chosen, choice), *_ = entry.items()
    if choice is None:
        return None
    name = chosen.removeprefix("override ").partition("@")[0]
    return f"{name[1:]}/{choice}" if name.startswith("/") else f"{group}/{name}/{choice}".lstrip("/")
