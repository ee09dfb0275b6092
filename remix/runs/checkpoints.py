"""Checkpoints of runs: how they are found, read without executing code, and made a module again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from remix import tracking
from remix.algorithms.base import MultiAgentModule
from remix.envs.spec import Environment
from remix.learning import archive
from remix.learning.workers.base import WorkerPool
from remix.learning.workers.environments import Environments
from remix.records.directory import CHECKPOINTS, RunDirectory, latest_policy
from remix.runs.building import GENERATORS, build_environments, build_module, quiet
from remix.runs.config import check_arguments, plain
from remix.runs.content import NEEDS, Content
from remix.runs.needs import check_needs
from remix.runs.trust import Trust, texts
from remix.settings import checks
from remix.settings.earlier_releases import in_todays_names
from remix.settings.errors import GameError, SettingError, first_line
from remix.settings.files import LAST_CHECKPOINTS, RUNS

LATEST = "latest"
"""Names the policy of the latest run, unless there is a file or folder of that name."""

BUILT = {"env": Environment, "algorithm": MultiAgentModule, "workers": WorkerPool}
"""The parts of a stored configuration from which objects are built to look at a policy, and of which kind."""


def load(
    path: Path, env_overrides: DictConfig | None = None, trust: Sequence[str] = ()
) -> tuple[DictConfig, MultiAgentModule]:
    """The configuration and the trained module of a checkpoint; no code in it is executed.

    :param env_overrides: settings of the environment to change.
    :param trust: packages that its configuration may name besides what every file may.
    """
    config, module, environments = load_with_environments(path, env_overrides, trust)
    environments.close()
    return config, module


def load_with_environments(
    path: Path, env_overrides: DictConfig | None = None, trust: Sequence[str] = ()
) -> tuple[DictConfig, MultiAgentModule, Environments]:
    """As :func:`load`, and the environments that the policy is for, of which one is built."""
    with _offering_others(path):
        checkpoint = read_checkpoint(path)
    config = _configuration(checkpoint, path, env_overrides, trust)
    quiet()
    try:
        with GENERATORS, ExitStack() as refused:
            environments = refused.enter_context(closing(build_environments(config)))
            module = build_module(config, environments.spec)
            module.load_state_dict(checkpoint["state_dict"])
            refused.pop_all()
    except (SettingError, GameError):
        raise
    except RuntimeError as error:
        headed = str(error).strip().splitlines()[:2]  # PyTorch lists what differs below a heading
        reason = headed[-1].strip() if headed else first_line(error)
        raise SettingError("checkpoint", path, f"does not fit the environment: {reason}") from error
    except Exception as error:
        raise SettingError("checkpoint", path, f"cannot be built: {first_line(error)}") from error
    module.env_steps = checkpoint["env_steps"]
    return config, module, environments


def read_checkpoint(path: str | Path, setting: str = "checkpoint") -> dict[str, Any]:
    """A checkpoint's tensors and plain containers.

    :param setting: that named it, for errors.
    :raises SettingError: if the file is damaged or not a checkpoint of ReMIX.
    """
    checkpoint = archive.read(path, setting)
    Content(checkpoint, setting, path).check()
    parameters = checkpoint["hyper_parameters"]
    parameters["config"] = in_todays_names(parameters["config"])
    return checkpoint


def find_checkpoint(name: str, tracking_uri: str | None, setting: str = "checkpoint") -> Path:
    """The checkpoint that a file, a run directory (its best, else last one) or an MLflow run id means.

    ``latest`` means the run below ``runs`` that began last.

    :param setting: that named it, for errors.
    """
    if tracking_uri is not None:
        checks.text("tracking_uri", tracking_uri, "the address of an MLflow store")
    path = Path(name)
    if os.path.isfile(name):
        return path
    if os.path.isdir(name):
        if (found := RunDirectory(path).checkpoint) is not None:
            return found
        raise SettingError(setting, name, "is a directory without checkpoints/best.ckpt or last.ckpt")
    if re.fullmatch(r"[0-9a-f]{32}", name):
        return tracking.download_checkpoint(name, tracking_uri)
    if name == LATEST:
        if (latest := latest_policy()) is not None:
            return latest
        raise SettingError(setting, name, f"there is no run with a checkpoint below {RUNS}")
    raise SettingError(setting, name, "must be a checkpoint file, a run directory or an MLflow run id")


def starting_point(module: MultiAgentModule, ckpt_path: str | None, folder: Path | None) -> str | None:
    """The checkpoint that training goes on from, or None. It is known to be whole and to hold these networks.

    :param ckpt_path: the user's choice for a run that begins, or has no checkpoint of its own yet.
    :param folder: of the checkpoints of a run that is to be continued. If its last one is damaged, that is
        put aside and the one before it is taken.
    :raises SettingError: if there are checkpoints, but none can be used.
    """
    problems: list[SettingError] = []
    for path in (
        folder / name for name in LAST_CHECKPOINTS if folder is not None and (folder / name).exists()
    ):
        try:
            _check_start(module, path)
        except SettingError as error:
            problems.append(error)
            continue
        for problem in problems:
            damaged = Path(problem.value).rename(path.with_name("damaged.ckpt"))
            print(f"{problem.value} {problem.expected}; going on from {path}, the other is {damaged} now")
        return str(path)
    if problems:
        reasons = "; ".join(f"{problem.value} {problem.expected}" for problem in problems)
        advice = "resume=never with another run_dir starts anew"
        raise SettingError("resume", "auto", f"{reasons}; {advice}") from problems[0]
    if ckpt_path is not None:
        with _offering_others(Path(ckpt_path)):
            _check_start(module, Path(ckpt_path))
    return ckpt_path


def take_networks(module: MultiAgentModule, run: str) -> Path:
    """Give a module the networks of another run, and nothing else of it: training begins at step 0.

    :param run: as ``init_from`` names it, see :func:`find_checkpoint`.
    :returns: the checkpoint that they are from.
    :raises SettingError: there is none, or it holds other networks.
    """
    if run == LATEST and not Path(run).exists():
        expected = "must name a run: which one is the latest changes, and with it what this run is"
        raise SettingError("init_from", run, expected)
    path = find_checkpoint(run, None, "init_from")
    with _offering_others(path):
        state = read_checkpoint(path, "init_from")["state_dict"]
    _check_networks(module, state, "init_from", path)
    module.load_state_dict(state)
    return path


def differences(path: Path, ours: dict[str, Any]) -> list[str]:
    """What differs between the configuration of a checkpoint and ours: the seed and groups of settings."""
    stored = read_checkpoint(path, "ckpt_path")["hyper_parameters"]["config"]
    seed = [f"seed={stored.get('seed')}"] if stored.get("seed") != ours["seed"] else []
    groups = ("env", "algorithm", "replay", "max_env_steps")
    return seed + [f"another {group}" for group in groups if stored.get(group) != ours[group]]


@contextmanager
def restoring(trainer: pl.Trainer, checkpoint: str | None) -> Iterator[None]:
    """Within, Lightning restores a checkpoint. An error there becomes one line that names the file."""
    try:
        yield
    except (SettingError, GameError):
        raise
    except Exception as error:
        # Lightning holds the file's content as long as it restores it. Later errors are not about the file.
        if not trainer._checkpoint_connector._loaded_checkpoint:
            raise
        reason = f"lacks {error}" if isinstance(error, KeyError) else first_line(error)
        raise SettingError("ckpt_path", checkpoint, f"cannot be continued: {reason}") from error


@contextmanager
def _offering_others(path: Path) -> Iterator[None]:
    """Within, a checkpoint is read. An error also names the other checkpoints that lie beside it."""
    try:
        yield
    except SettingError as error:
        places = (path.with_name(name) for name in CHECKPOINTS)
        others = ", ".join(str(place) for place in places if place != path and place.is_file())
        advice = f"; there is also {others}" if others else ""
        raise SettingError(error.setting, error.value, error.expected + advice) from error


def _check_start(module: MultiAgentModule, path: Path) -> None:
    """Refuse a checkpoint that is damaged, holds other networks, or lacks something to go on from."""
    checkpoint = read_checkpoint(path, "ckpt_path")
    _check_networks(module, checkpoint["state_dict"], "ckpt_path", path)
    Content(checkpoint, "ckpt_path", path).check_continuable()


def _check_networks(
    module: MultiAgentModule, state: dict[str, Tensor], setting: str, value: str | Path
) -> None:
    """Refuse the weights of other networks than the module's.

    :param setting: that named them with ``value``, for errors.
    """
    ours = module.state_dict()
    for name in ours.keys() | state.keys():
        if (
            name not in ours
            or name not in state
            or (ours[name].shape, ours[name].dtype) != (state[name].shape, state[name].dtype)
        ):
            raise SettingError(setting, value, f"holds other networks than configured ({name} differs)")


def _configuration(
    checkpoint: dict[str, Any], path: Path, env_overrides: DictConfig | None, trust: Sequence[str]
) -> DictConfig:
    """The stored configuration with the user's changes. What is built from it names nothing untrusted."""
    stored = checkpoint["hyper_parameters"]["config"]
    for key in BUILT:
        if not isinstance(stored.get(key), dict) or "_target_" not in stored[key]:
            raise SettingError("checkpoint", path, f"hyper_parameters.config.{key} must name a _target_")
    replay = stored.get("replay")
    if not isinstance(replay, dict):
        raise SettingError("checkpoint", path, "hyper_parameters.config.replay must hold settings")
    for key in ("max_env_steps", "steps_per_epoch", "validation_episodes"):
        checks.whole(key, stored.get(key), minimum=1)
    for key, value in replay.items():
        if (key, value) != ("latest_size", None):
            checks.whole(f"replay.{key}", value, minimum=1)
    for setting in ("address", "runtime_env"):  # a policy is tried here, not on the cluster of its training
        stored["workers"].pop(setting, None)
    config = OmegaConf.create(stored)
    typed: frozenset[str] = frozenset()
    if env_overrides:
        config.env = OmegaConf.merge(config.env, env_overrides)
        typed = frozenset(texts(OmegaConf.to_container(env_overrides, resolve=True)))
    resolved = plain(config)
    needs = checkpoint["hyper_parameters"].get(NEEDS, {})
    check_needs("checkpoint", path, needs, [resolved[key] for key in BUILT])
    names = Trust((path,), tuple(trust), typed)
    for key, kind in BUILT.items():
        names.check(key, resolved[key], (kind,))
    check_arguments({key: resolved[key] for key in BUILT})
    return config
