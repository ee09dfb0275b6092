"""Reading of small text files that nobody has to trust, and of YAML that holds nothing but plain data.

YAML must have no tags and no key twice. It must have no aliases either: with them a few lines can stand for
gigabytes.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any, NoReturn

import yaml

LARGEST = 65_536  # bytes; the largest map of the package has 3,000
_DEEPEST = 10  # levels of lists and mappings inside each other
_LONGEST = 200  # characters of one value
_TAGS = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map"))


def read_text(path: Path) -> str:
    """The text of a file.

    :raises ValueError: it cannot be read; the message is one line.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError("is not a regular file")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ValueError(error.strerror) from error
    if len(content) > LARGEST:
        raise ValueError(f"has more than {LARGEST:,} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("is no text in UTF-8") from error


def parse(text: str) -> Any:
    """The content of a YAML file: lists, mappings with text as keys, text, numbers, true, false and null.

    :raises ValueError: something is wrong with it; the message is one line.
    """
    try:
        return yaml.load(text, _PlainLoader)
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(" ".join(str(error).split())) from error


class _PlainLoader(yaml.SafeLoader):
    """A YAML loader that refuses what data files do not need, before it builds any of it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, "aliases (*name) are not read")
        if getattr(event, "tag", None) is not None:
            self._refuse(event, "tags (!name) are not read")
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > _LONGEST:
            self._refuse(event, f"a value has more than {_LONGEST} characters")
        if self._depth == _DEEPEST:
            self._refuse(event, f"more than {_DEEPEST} lists and mappings inside each other")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        for k, (key, _) in enumerate(node.value):
            if key.tag != "tag:yaml.org,2002:str":
                self._refuse(key, "a key that is not a name")
            if key.value in names[:k]:
                self._refuse(key, f"the key {key.value!r} stands there twice")
        return super().construct_mapping(node, deep)

    def _refuse(self, place: Any, reason: str) -> NoReturn:
        mark = place.start_mark
        raise ValueError(f"line {mark.line + 1}, column {mark.column + 1}: {reason}")


_PlainLoader.yaml_implicit_resolvers = {  # dates stay text, and keys are not merged
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _TAGS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
