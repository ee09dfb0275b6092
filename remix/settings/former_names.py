"""Modules that were moved: files of earlier versions name them as they were called then."""

from __future__ import annotations

from collections.abc import Mapping
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

_KEYS = ("_target_", "class_path")  # of Hydra, of the Lightning CLI


def current_name(name: str) -> str:
    """A dotted name as it is now; one that leads to a module of the user's own stays as it is."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        if module in MOVED and not _is_own(module):
            return ".".join([MOVED[module], *parts[length:]])
    return name


def with_current_names(node: Any) -> Any:
    """Plain containers in which every class is named as it is now."""
    if isinstance(node, list):
        return [with_current_names(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    return {
        key: current_name(value) if key in _KEYS and isinstance(value, str) else with_current_names(value)
        for key, value in node.items()
    }


def use_current_names(config: DictConfig) -> None:
    """The same for a composed configuration, in place; nothing is resolved."""
    composed = OmegaConf.to_container(config, resolve=False)
    assert isinstance(composed, dict)
    for key, value in composed.items():
        if (renamed := with_current_names(value)) != value:
            config[key] = renamed


def _is_own(module: str) -> bool:
    """Whether a module of this name is there, and is none of ours; it is not imported."""
    place = location(module.partition(".")[0])
    if place is None or place.parent == OURS.parent.resolve():
        return False
    file = place.parent.joinpath(*module.split("."))
    return file.with_suffix(".py").is_file() or (file / "__init__.py").is_file()
