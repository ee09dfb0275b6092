"""Exceptions that a user caused, in one line each."""

from __future__ import annotations

import re

from envs.errors import Diverged, SettingError, one_of


def one_line(error: BaseException) -> str | None:
    """What to tell the user, or None if the error is not of the user's making."""
    if isinstance(error, SettingError | Diverged):
        return str(error)
    return _hydra(error) or _launcher(error)


def _launcher(error: BaseException) -> str | None:
    """Launchers whose plugin or whose cluster is not there."""
    text = str(error)
    missing = re.search(r"Unknown plugin class : 'hydra_plugins\.hydra_(\w+)_launcher", text)
    if isinstance(error, RuntimeError) and missing:
        extra = {"submitit": "slurm"}.get(missing[1], missing[1])
        return f"hydra/launcher: is not installed; pip install 'remix-marl[{extra}]'"
    if isinstance(error, RuntimeError) and "srun" in text:
        return "hydra/launcher=submitit_slurm: there is no srun here; start it on a node of the Slurm cluster"
    return None


def _hydra(error: BaseException) -> str | None:
    from hydra.errors import HydraException, MissingConfigException
    from omegaconf.errors import (
        ConfigAttributeError,
        ConfigKeyError,
        MissingMandatoryValue,
        OmegaConfBaseException,
    )

    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        return f"{group}={choice}: {one_of(_public(error.options or ()), choice)}"
    cause = error.__cause__ if isinstance(error, HydraException) else error
    if isinstance(cause, MissingMandatoryValue):
        return f"{cause.full_key}=???: must be given"
    if isinstance(cause, ConfigKeyError | ConfigAttributeError) and cause.parent_node is not None:
        parent = cause.parent_node
        name = str(cause.full_key or cause.key)
        choices = _public(parent) if hasattr(parent, "keys") else []
        return f"{name}: unknown setting; {one_of(choices, name.rpartition('.')[2])}"
    if isinstance(error, HydraException | OmegaConfBaseException):
        return re.sub(r"\s+", " ", str(error)).strip()
    return None


def _public(options: object) -> list[str]:
    return [str(option) for option in options if not str(option).startswith("_")]  # type: ignore[attr-defined]
