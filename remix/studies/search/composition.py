"""Configurations of trials, composed by Hydra as those of a command line, and the command line of a trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict

from remix.runs import composing
from remix.runs.composing import without_hydra
from remix.runs.config import plain

_OF_THE_SEARCH = ("search", "hydra")


def composed(name: str, words: Sequence[str]) -> DictConfig:
    """``conf/<name>.yaml`` with the settings of a command line; has Hydra's own part, nothing is resolved."""
    hydra = GlobalHydra.instance()
    return composing.composed(name, words, hydra.config_loader() if hydra.is_initialized() else None)


def words_of(values: Mapping[str, Any]) -> list[str]:
    """Settings as on the command line: ``KEY=VALUE``."""
    return [f"{key}={spelled(value)}" for key, value in values.items()]


def settled(config: DictConfig, changes: Mapping[str, Any]) -> DictConfig:
    """What a run gets: resolved, without the parts of Hydra and of the search.

    :param config: from ``composed``.
    :param changes: values for some of the top-level settings.
    """
    own = without_hydra(config)
    with open_dict(own):
        own.pop("search", None)
        own.update(changes)
    return OmegaConf.create(plain(own))


def chosen_groups(config: DictConfig) -> dict[str, str | None]:
    """The chosen file of every configuration group, Hydra's own left out."""
    choices: dict[str, str | None] = dict(config.hydra.runtime.choices)
    return {group: choice for group, choice in choices.items() if group.split("/")[0] not in _OF_THE_SEARCH}


def has(config: DictConfig, key: str) -> bool:
    """Whether ``KEY=VALUE`` can set a value, not a whole group of them; ``+KEY=VALUE`` can add any."""
    nothing = object()
    value = OmegaConf.select(config, key, default=nothing)
    return key.startswith("+") or not (value is nothing or isinstance(value, DictConfig))


def given(words: Sequence[str]) -> dict[str, str]:
    """The settings and groups of a command line with their values, as they were written."""
    return {override.key_or_group: str(override.input_line).partition("=")[2] for override in _parsed(words)}


def train_words(words: Sequence[str]) -> list[str]:
    """The settings with which ``remix train`` composes what ``remix search`` composes with ``words``."""
    ours = composed("search", words)
    kept = [override for override in _parsed(words) if not _about_the_search(override)]
    choices = chosen_groups(ours)
    groups = [str(override.input_line) for override in kept if override.key_or_group in choices]
    settings = [str(override.input_line) for override in kept if override.key_or_group not in choices]
    # Some of the settings may be there only with the groups that the search chooses.
    while missing := _missing_groups(ours, composed("train", groups), groups):
        groups.insert(0, missing[0])
    train = composed("train", result := [*groups, *settings])
    wanted, present = (_flat(config) for config in (ours, train))
    result += [f"~{key}" for key in present if key not in wanted]
    for key, value in wanted.items():
        if key not in present or present[key] != value:
            result.append(f"{'' if key in present else '+'}{key}={spelled(value)}")
    return result


def spelled(value: object) -> str:
    """A value as Hydra reads it back from the command line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{spelled(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(spelled, value)) + "]"
    text = str(value)
    return text if _reads_back(text) else "'" + text.replace("'", "\\'") + "'"


def _reads_back(text: str) -> bool:
    """Whether Hydra takes the bare text for this text, and not for a number, a list or several values."""
    try:
        read = OverridesParser.create().parse_override(f"key=[{text}]").value()
    except HydraException:
        return False
    return isinstance(read, list) and len(read) == 1 and type(read[0]) is str and read[0] == text


def _parsed(words: Sequence[str]) -> list[Override]:
    return OverridesParser.create().parse_overrides(list(words))


def _about_the_search(override: Override) -> bool:
    return override.key_or_group.split(".")[0].split("/")[0] in _OF_THE_SEARCH


def _missing_groups(ours: DictConfig, train: DictConfig, words: Sequence[str]) -> list[str]:
    """Choices that are other than in ``ours``; the first may bring about the others."""
    present = chosen_groups(train)
    differing = {
        group: choice
        for group, choice in chosen_groups(ours).items()
        if group in present and present[group] != choice
    }
    missing = [f"~{group}" if choice is None else f"{group}={choice}" for group, choice in differing.items()]
    return [word for word in missing if word not in words]


def _flat(config: DictConfig) -> dict[str, Any]:
    """Unresolved values by full key; lists and empty mappings are values."""
    container = OmegaConf.to_container(config, resolve=False)
    assert isinstance(container, dict)
    return dict(_leaves({key: node for key, node in container.items() if key not in _OF_THE_SEARCH}))


def _leaves(node: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        full = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, full)
        else:
            yield full, value
