"""What a command line asks for, as far as possible checked before the first trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from remix.runs.budget import check_budget
from remix.runs.building import build
from remix.runs.config import check, check_arguments, plain
from remix.settings import checks
from remix.settings.errors import SettingError, one_of
from remix.settings.files import RUNS
from remix.settings.names import check_name, folder_name
from remix.studies.search.composition import chosen_groups, composed, given, has, settled, words_of
from remix.studies.search.space import Choice, Dimension, Range, read_space

SETTINGS = ("name", "trials", "seeds", "sampler_seed", "space")
_OURS = ("seed", "seeds", "resume", "run_dir", "run_name", "experiment_name")
"""What the search sets for every run."""


@dataclass(frozen=True)
class Plan:
    """A search.

    :ivar trials: how many are to finish or fail.
    :ivar seeds: that every trial trains.
    :ivar groups: searched choices of files of configuration groups.
    :ivar values: searched settings, which may depend on the chosen groups.
    :ivar words: the settings of the command line, as they were given.
    :ivar base: the resolved configuration that trials change.
    """

    name: str
    trials: int
    seeds: tuple[int, ...]
    sampler_seed: int
    groups: tuple[Choice, ...]
    values: tuple[Dimension, ...]
    words: tuple[str, ...]
    base: DictConfig

    @property
    def folder(self) -> Path:
        """The folder of the search; below it every run has a folder of its own."""
        return RUNS / "searches" / folder_name(self.name)


def make_plan(about: DictConfig, words: Sequence[str]) -> Plan:
    """Check what a command line asks for, and refuse what would make every trial fail.

    :param about: the node ``search``.
    :param words: the settings of the command line.
    :raises SettingError: naming the setting.
    """
    name, asked = check_name("search.name", about.name), plain(about)
    _check_numbers(asked)
    space = read_space(asked["space"])
    config = composed("search", words)
    base = settled(config, {"run_dir": "."})
    if base.study is not None:
        raise SettingError("study", base.study.name, "is for remix train -m; a search has trials of its own")
    check(base)
    check_arguments(plain(base))
    check_budget(base)
    _check_fixed(space, given(words))
    groups, values = _divided(space, config)
    _check_values(groups, values, config, words)
    _, data = build(base)
    data.environment.close()
    return Plan(
        name=name,
        trials=asked["trials"],
        seeds=tuple(asked["seeds"]),
        sampler_seed=asked["sampler_seed"],
        groups=groups,
        values=values,
        words=tuple(words),
        base=base,
    )


def _check_numbers(asked: dict[str, Any]) -> None:
    checks.known("search", asked, SETTINGS)
    checks.count(asked, "trials", minimum=1, group="search.")
    checks.seed("search.sampler_seed", asked["sampler_seed"])
    seeds = asked["seeds"]
    for seed in seeds if isinstance(seeds, list) else ():
        checks.seed("search.seeds", seed)
    if not isinstance(seeds, list) or not seeds or len(set(seeds)) < len(seeds):
        raise SettingError("search.seeds", seeds, "must be a list of different seeds")


def _check_fixed(space: Sequence[Dimension], fixed: Mapping[str, str]) -> None:
    """Refuse settings that are set twice: by the command line, by the space or by the search itself."""
    for key in _OURS[1:]:
        if key in fixed:
            raise SettingError(key, fixed[key], "is set by the search for every run")
    for dimension in space:
        if (key := dimension.key) in _OURS:
            raise SettingError("search.space", key, "is set by the search for every run")
        if key in fixed:
            advice = f"is searched; leave it out, or the search of it with '+search.space={{{key}: null}}'"
            raise SettingError(key, fixed[key], advice)


def _divided(
    space: Sequence[Dimension], config: DictConfig
) -> tuple[tuple[Choice, ...], tuple[Dimension, ...]]:
    """The dimensions that choose files of configuration groups, and those that set values."""
    names = chosen_groups(config)
    groups: list[Choice] = []
    for dimension in space:
        if dimension.key in names:
            if isinstance(dimension, Range):
                place = f"search.space.{dimension.key}.type"
                raise SettingError(place, dimension.type, "must be choice for a configuration group")
            groups.append(dimension)
    return tuple(groups), tuple(dimension for dimension in space if dimension.key not in names)


def _check_values(
    groups: Sequence[Choice], values: Sequence[Dimension], config: DictConfig, words: Sequence[str]
) -> None:
    """Check that every key names a setting and that its values fit it, each by itself."""
    choices = [words_of({group.key: choice}) for group in groups for choice in group.choices]
    variants = [([], config), *((choice, composed("search", [*words, *choice])) for choice in choices)]
    unknown = list(values)
    for variant, composition in variants:
        present = {
            dimension.key: dimension.example for dimension in values if has(composition, dimension.key)
        }
        unknown = [dimension for dimension in unknown if dimension.key not in present]
        example = composed("search", [*words, *variant, *words_of(present)])
        check_arguments(plain(settled(example, {"run_dir": "."})))
    if unknown:
        key = unknown[0].key
        raise SettingError("search.space", key, f"unknown setting; {_siblings(config, key)}")


def _siblings(config: DictConfig, key: str) -> str:
    """The names of the settings beside the one that a key means, for a message."""
    path = key.split(".")
    for length in range(len(path), 0, -1):
        parent = ".".join(path[:length])
        node = OmegaConf.select(config, parent)
        if isinstance(node, DictConfig):
            wrong = path[length] if length < len(path) else ""
            return f"{parent} " + one_of((str(name) for name in node if not str(name).startswith("_")), wrong)
    return one_of((str(name) for name in config if name not in ("search", "hydra")), path[0])
