"""Checkpoints of runs: found, read without executing code, and made a module again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from envs.errors import SettingError, first_line
from remix import tracking
from remix.algorithms.base import MultiAgentModule
from remix.building import build_module, quiet
from remix.config import check_arguments


def load(path: Path, env_overrides: DictConfig | None = None) -> tuple[DictConfig, MultiAgentModule]:
    """The configuration and the trained module of a checkpoint; no code in it is executed.

    :param env_overrides: settings of the environment to change.
    """
    checkpoint = read_checkpoint(path)
    config = OmegaConf.create(checkpoint["hyper_parameters"]["config"])
    if env_overrides:
        config.env = OmegaConf.merge(config.env, env_overrides)
        check_arguments(OmegaConf.create({"env": config.env}))
    quiet()
    module = build_module(config)
    try:
        module.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        raise SettingError(
            "checkpoint", path, f"does not fit the environment: {first_line(error)}"
        ) from error
    module.env_steps = checkpoint["env_steps"]
    return config, module


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """A checkpoint's tensors and plain containers.

    :raises SettingError: if the file is not a checkpoint of ReMIX.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        checkpoint["hyper_parameters"]["config"]["env"]["_target_"]
    except Exception as error:
        raise SettingError("checkpoint", path, "is not a readable checkpoint of a ReMIX run") from error
    loaded: dict[str, Any] = checkpoint
    return loaded


def find_checkpoint(name: str, tracking_uri: str | None) -> Path:
    """The checkpoint that a file, a run directory (its best, else last one) or an MLflow run id means."""
    path = Path(name)
    if path.is_file():
        return path
    if path.is_dir():
        for candidate in (path / "checkpoints/best.ckpt", path / "checkpoints/last.ckpt"):
            if candidate.is_file():
                return candidate
        raise SettingError("checkpoint", name, "is a directory without checkpoints/best.ckpt or last.ckpt")
    if re.fullmatch(r"[0-9a-f]{32}", name):
        return tracking.download_checkpoint(name, tracking_uri)
    raise SettingError("checkpoint", name, "must be a checkpoint file, a run directory or an MLflow run id")


def check_fits(module: MultiAgentModule, checkpoint: str) -> None:
    """Before anything is started: the checkpoint is readable and belongs to these networks."""
    state = read_checkpoint(checkpoint)["state_dict"]
    ours = module.state_dict()
    for name in ours.keys() | state.keys():
        if name not in ours or name not in state or ours[name].shape != state[name].shape:
            raise SettingError(
                "ckpt_path", checkpoint, f"holds other networks than configured ({name} differs)"
            )
