"""Checkpoints without a training: untrained networks of a composed configuration, and broken variants."""

from __future__ import annotations

from contextlib import closing
from copy import deepcopy
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

import remix
from remix.algorithms.base import MultiAgentModule
from remix.learning import archive
from remix.runs.building import build_environments, build_module
from remix.runs.config import plain


def composed(*settings: str) -> DictConfig:
    """What ``remix train SETTINGS`` trains, resolved."""
    return DictConfig(plain(remix.compose("run_dir=x", *settings)))


def untrained(config: DictConfig) -> MultiAgentModule:
    """The networks of a configuration at the start."""
    with closing(build_environments(config)) as environments:
        return build_module(config, environments.spec)


def checkpoint_of(config: DictConfig) -> dict[str, Any]:
    """As Lightning would save the networks at the start, weights only."""
    return {
        "state_dict": untrained(config).state_dict(),
        "env_steps": 0,
        "hyper_parameters": {"config": plain(config)},
    }


def changed(checkpoint: dict[str, Any], path: Path, **parts: Any) -> Path:
    """The checkpoint's file, with other parts of its stored configuration."""
    copy = deepcopy(checkpoint)
    copy["hyper_parameters"]["config"] |= parts
    archive.write(copy, path)
    return path
