"""``remix COMMAND --help``: what can be chosen and set, with the comments of the configurations."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from textwrap import fill, wrap
from typing import Any

from omegaconf import DictConfig, OmegaConf

_HEADINGS = "Groups (GROUP=CHOICE):", "Settings (SETTING=VALUE) and their values:"
_COLUMN = 34  # of meanings
_NARROWEST = 60
_MARKUP = re.compile(r"(?::\w+:)?`{1,2}~?([^`]+)`{1,2}")
"""Of docstrings: ``names`` and :class:`links`."""


def help_of(command: str, words: Sequence[str]) -> str:
    """The help of a command, for the parts that its words choose.

    :param words: settings and options of the command line.
    :raises SettingError: naming the first of them that cannot be used.
    """
    from remix.runs.composing import composed, config_loader
    from remix.settings.words import added_folders, group_choices, settings_and_options

    settings, _ = settings_and_options(words)
    full = composed(command, settings, config_loader(added_folders(words)), sweep=True)
    choices = full.hydra.runtime.choices.items()
    chosen = {key: choice for key, choice in sorted(choices) if key.partition("/")[0] != "hydra"}
    width = max(_NARROWEST, shutil.get_terminal_size().columns - 1)
    groups = {key: names for key in chosen if (names := sorted(group_choices(key)))}
    choices_of_groups = [_indented(f"{group}: {', '.join(names)}", width) for group, names in groups.items()]
    lines = [
        full.hydra.help.header,
        "",
        *([_HEADINGS[0], "", *choices_of_groups, ""] if groups else []),
        _HEADINGS[1],
        "",
        *_settings(full, _meanings(command, chosen), width),
        "",
        full.hydra.help.footer,
    ]
    return "\n".join(lines) + "\n"


def _settings(full: DictConfig, meanings: Mapping[str, str], width: int) -> Iterator[str]:
    """A line or more for each setting: its name, its value, what it means."""
    tree = OmegaConf.to_container(full, resolve=False)
    assert isinstance(tree, dict)
    tree.pop("hydra")
    for name, value in _leaves(tree):
        if str(value).startswith("${hydra:"):
            continue
        setting, meaning = f"  {name}={_written(value)}", meanings.get(name, "")
        if not meaning:
            yield setting
        elif len(setting) + 2 <= _COLUMN:
            first, *rest = wrap(meaning, width - _COLUMN)
            yield f"{setting:<{_COLUMN}}{first}"
            yield from (" " * _COLUMN + line for line in rest)
        else:
            yield setting
            yield from (" " * _COLUMN + line for line in wrap(meaning, width - _COLUMN))


def _leaves(tree: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        elif not str(key).startswith("_"):
            yield f"{prefix}{key}", value


def _written(value: Any) -> str:
    """A value as on the command line."""
    import yaml

    if isinstance(value, str) and value:
        return value
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n").strip()


def _meanings(command: str, chosen: Mapping[str, str | list[str] | None]) -> dict[str, str]:
    """What the settings mean, as the files say that the configuration is composed of."""
    from remix.settings.configurations import meanings

    found: dict[str, str] = {}
    for path in ("train", command, *(f"{group}/{choice}" for group, choice in chosen.items())):
        # Nothing is chosen, it is in a folder of --config-dir, or names a class that is not there.
        with suppress(FileNotFoundError, KeyError):
            found |= meanings(path)
    return {name: _MARKUP.sub(r"\1", meaning) for name, meaning in found.items()}


def _indented(text: str, width: int) -> str:
    return fill(text, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
