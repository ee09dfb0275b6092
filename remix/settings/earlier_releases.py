"""Configurations of earlier releases, in the names of today.

Checkpoints, the ``config.yaml`` of runs, configurations for the Lightning CLI and one's own YAML files name
modules that have moved and settings that have another name. Whoever reads one of them calls
:func:`in_todays_names`, or :func:`bring_up_to_date` for one that Hydra composed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from remix.settings.import_path import OURS
from remix.settings.named_objects import location

MOVED: dict[str, str] = {
    "callbacks.checkpointing": "remix.callbacks.checkpointing",
    "callbacks.episode_video": "remix.callbacks.episode_video",
    "callbacks.masked_sweep": "remix.studies.masked_sweep",
    "callbacks.progress": "remix.callbacks.progress",
    "callbacks.study": "remix.studies.study_runs",
    "callbacks.summary": "remix.callbacks.summary",
    "callbacks.throughput": "remix.callbacks.throughput",
    "callbacks.weight_heatmap": "remix.callbacks.weight_heatmap",
    "envs.battles": "remix.envs.battles",
    "envs.games": "remix.envs.games",
    "envs.pettingzoo": "remix.envs.pettingzoo",
    "envs.predator_prey": "remix.envs.predator_prey",
    "envs.skirmish.environment": "remix.envs.skirmish.environment",
    "envs.starcraft": "remix.envs.starcraft",
    "remix.callbacks.masked_sweep": "remix.studies.masked_sweep",
    "remix.callbacks.study": "remix.studies.study_runs",
    "remix.policy": "remix.learning.policy",
    "remix.schedules": "remix.learning.schedules",
    "remix.workers.inline": "remix.learning.workers.inline",
    "remix.workers.process": "remix.learning.workers.process",
}
"""The former name of every module that a configuration may name, and the name it has now."""

SCHEDULES = {
    "epsilon": {"start": "epsilon_start", "end": "epsilon_end", "steps": "epsilon_anneal_steps"},
    "temperature": {"start": "temperature_start", "end": "temperature_end", "steps": "temperature_steps"},
}
"""By the setting of the algorithm that holds a schedule: what release 0.1 called each of its arguments."""

RENAMED = {
    f"algorithm.{earlier}": f"algorithm.{name}.{argument}"
    for name, arguments in SCHEDULES.items()
    for argument, earlier in arguments.items()
} | {"algorithm.temperature_steps": "algorithm.temperature.steps, counted from start to end,"}
"""Settings of earlier releases, and what they are called now."""

_SCHEDULE = "remix.learning.schedules.Schedule"
_TARGETS = ("_target_", "class_path")  # keys of Hydra and of the Lightning CLI that name a class


def in_todays_names(stored: Any) -> Any:
    """A stored configuration, as plain containers, with the names of today; the one that is given stays."""
    renamed = _with_current_classes(stored)
    if isinstance(renamed, dict):
        _gather_schedules(renamed.get("algorithm"), lambda numbers: {"_target_": _SCHEDULE, **numbers})
        if isinstance(model := renamed.get("model"), dict):  # of the Lightning CLI
            of_cli = {"class_path": _SCHEDULE}
            _gather_schedules(model.get("init_args"), lambda numbers: of_cli | {"init_args": numbers})
    return renamed


def bring_up_to_date(config: DictConfig) -> None:
    """The same for a composed configuration, in place; nothing is resolved."""
    composed = OmegaConf.to_container(config, resolve=False)
    assert isinstance(composed, dict)
    for key, value in in_todays_names(composed).items():
        if value != composed[key]:
            config[key] = value


def current_name(name: str) -> str:
    """A dotted name as it is now; one that leads to a module of the user's own stays as it is."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        if module in MOVED and not _is_own(module):
            return ".".join([MOVED[module], *parts[length:]])
    return name


def _with_current_classes(node: Any) -> Any:
    """A copy in which every class is named as it is now."""
    if isinstance(node, list):
        return [_with_current_classes(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    return {
        key: current_name(value)
        if key in _TARGETS and isinstance(value, str)
        else _with_current_classes(value)
        for key, value in node.items()
    }


def _gather_schedules(algorithm: Any, node: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Make single numbers schedules, in place; numbers that do not suffice for one are left.

    :param node: makes the node of a schedule out of its arguments.
    """
    if not isinstance(algorithm, dict):
        return
    for name, arguments in SCHEDULES.items():
        given = {new: algorithm[old] for new, old in arguments.items() if _is_number(algorithm.get(old))}
        today = algorithm.get(name)
        numbers = {new: today[new] for new in arguments if isinstance(today, dict) and new in today} | given
        if not given or not all(_is_number(numbers.get(new)) for new in arguments):
            continue
        if name == "temperature" and "steps" in given:  # which it took to fall by 1
            numbers["steps"] = max(1, round(numbers["steps"] * (numbers["start"] - numbers["end"])))
        for new in given:
            del algorithm[arguments[new]]
        algorithm[name] = node(numbers)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_own(module: str) -> bool:
    """Whether a module of this name is there, and is none of ours; it is not imported."""
    place = location(module.partition(".")[0])
    if place is None or place.parent == OURS.parent.resolve():
        return False
    file = place.parent.joinpath(*module.split("."))
    return file.with_suffix(".py").is_file() or (file / "__init__.py").is_file()
