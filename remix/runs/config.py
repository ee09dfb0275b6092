"""Configuration: cross-field checks, argument types, folders of runs, resolvers. Free of torch."""

from __future__ import annotations

import atexit
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from remix.records.claims import TakenError
from remix.records.directory import RunDirectory
from remix.runs.trainer_arguments import check_trainer
from remix.settings import checks
from remix.settings.errors import GameError, SettingError
from remix.settings.files import RUNS
from remix.settings.names import check_names, folder_name
from remix.settings.redaction import redacted
from remix.settings.signals import Stopped
from remix.settings.words import check_top_level

RESUME = ("never", "auto")

_WEIGHT_RANGE = ("min", "max")
_AGENT_INPUTS = ("last_action", "agent_id")


def check(config: DictConfig) -> None:
    """Relations between settings that no single part can see.

    Whole numbers with an exponent are written out, and an epoch is no longer than the run.

    :raises SettingError: naming the first setting that cannot work.
    """
    check_top_level(_unresolved(config))
    checks.choice("resume", config.resume, RESUME)
    if config.study is not None:
        check_study(config.study)
    check_names(config)
    checks.seed("seed", config.seed)
    if config.seeds is not None:
        expected = "is for 'remix train' alone; in a study: seed=1,2,3 study.together=true"
        raise SettingError("seeds", config.seeds, expected)
    checks.known("weight_range", config.weight_range, _WEIGHT_RANGE)
    low, high = (config.weight_range[end] for end in _WEIGHT_RANGE)
    checks.ordered("weight_range.min", low, "weight_range.max", high)
    checks.known("agent_inputs", config.agent_inputs, _AGENT_INPUTS)
    for key in _AGENT_INPUTS:
        checks.flag(f"agent_inputs.{key}", config.agent_inputs[key])
    if config.threads is not None:
        checks.count(config, "threads", minimum=1)
    check_trainer(config.trainer, config.run_dir)
    checks.count(config, "warmup_steps", minimum=0)
    checks.count(config, "on_policy_episodes", minimum=1)
    for key in ("max_env_steps", "steps_per_epoch", "validation_episodes", "test_episodes"):
        checks.count(config, key, minimum=1)
    # latest_size comes last: by default it is a copy of another of them, whose name an error should give.
    for key, value in sorted(config.replay.items(), key=lambda item: item[0] == "latest_size"):
        if value is not None or key != "latest_size":  # null means the episodes of the round
            checks.count(config.replay, key, minimum=1, group="replay.")
    if config.steps_per_epoch > config.max_env_steps:
        warnings.warn(
            f"steps_per_epoch={config.steps_per_epoch} is more than all of the run: it is set to "
            f"max_env_steps={config.max_env_steps}",
            stacklevel=1,
        )
        config.steps_per_epoch = config.max_env_steps
    if config.ckpt_path is not None and not os.path.isfile(str(config.ckpt_path)):
        last = RunDirectory(Path(str(config.ckpt_path))).goes_on_from
        expected = "is not a file" if last is None else f"is a folder; the checkpoint to go on from is {last}"
        raise SettingError("ckpt_path", config.ckpt_path, expected)
    if config.init_from is not None and config.ckpt_path is not None:
        raise SettingError(
            "init_from", config.init_from, "cannot go with ckpt_path, which brings networks too"
        )


def check_study(study: Any) -> None:
    """:raises SettingError: what a file of the group ``study`` puts there is no mapping."""
    if not OmegaConf.is_dict(study):
        raise SettingError("study", study, "must be settings, such as study.name and study.title")


def check_early(config: DictConfig) -> None:
    """What can be refused of a run before PyTorch is loaded; a run that belongs to no study leaves no trace.

    :raises SettingError: naming the first setting that cannot work.
    """
    from remix.envs.spec import Environment
    from remix.runs.targets import check_value

    with leaving_no_trace(config):
        check(config)
        check_value("env", OmegaConf.to_container(config.env, resolve=True), Environment)


def check_arguments(settings: dict[str, Any]) -> None:
    """Compare every node that names a ``_target_`` with the signature of that class.

    The signature is the schema: an argument that it does not have, or of another type, is an error.

    :param settings: resolved, as plain containers.
    :raises SettingError: naming the argument by its full key.
    """
    from remix.runs.targets import check_value, kinds_of_groups

    kinds = kinds_of_groups()
    for group, value in settings.items():
        check_value(group, value, kinds.get(group, Any))


def _unresolved(config: DictConfig) -> dict[str, Any]:
    container = OmegaConf.to_container(config, resolve=False)
    assert isinstance(container, dict)
    return {str(key): value for key, value in container.items()}


def plain(config: DictConfig) -> dict[str, Any]:
    """The resolved configuration as plain containers, without Hydra's own part."""
    container = OmegaConf.to_container(config, resolve=True)
    assert isinstance(container, dict)
    return {str(key): value for key, value in container.items() if key != "hydra"}


def kept(config: DictConfig) -> dict[str, Any]:
    """What is stored of a configuration: :func:`plain`, with ``***`` for passwords and tokens."""
    stored: dict[str, Any] = redacted(plain(config))
    return stored


@contextmanager
def as_hydras(config: DictConfig) -> Iterator[None]:
    """Within, ``${hydra:...}`` refers to this configuration, which holds Hydra's own part."""
    from hydra.core.hydra_config import HydraConfig

    previous = HydraConfig.instance().cfg
    HydraConfig.instance().set_config(config)
    try:
        yield
    finally:
        HydraConfig.instance().cfg = previous


def run_directory(config: DictConfig) -> str:
    """The new directory of this process's run, however often it is asked for."""
    return _new_directory(*_named_after(config))


def new_directory(config: DictConfig) -> str:
    """A new directory for a run, another one at every call."""
    return _new_directory.__wrapped__(*_named_after(config))


@contextmanager
def leaving_no_trace(config: DictConfig) -> Iterator[None]:
    """Within, a run that belongs to no study trains; if it is refused its new directory goes."""
    known = bool(RunDirectory(Path(settle_directory(config))).record)
    try:
        yield
    except TakenError:  # whoever trains there may have only just begun
        raise
    except (SettingError, GameError, Stopped):
        if not known:
            RunDirectory(Path(config.run_dir)).discard()
        raise


def settle_directory(config: DictConfig) -> str:
    """The directory of a run; one that has none gets a new one.

    :raises SettingError: ``run_dir`` is no text.
    """
    if config.run_dir is None:
        config.run_dir = new_directory(config)
    if not isinstance(config.run_dir, str):
        raise SettingError("run_dir", config.run_dir, "must be text")
    return config.run_dir


def _named_after(config: DictConfig) -> tuple[str, str, str]:
    """The environment, the algorithm and the seeds that a directory is named after."""
    seeds = f"seed{config.seed}" if config.get("seeds") is None else "seeds"
    return str(config.env_name), str(config.algorithm_name), seeds


@cache
def _new_directory(env: str, algorithm: str, seeds: str) -> str:
    """The directory is made once in a process, as Hydra may resolve it several times."""
    base = RUNS.joinpath(*(folder_name(part) for part in f"{env}/{algorithm}".split("/") if part))
    return _claimed(base / f"{datetime.now():%Y%m%d-%H%M%S}-{seeds}")


def _sweep_directory() -> str:
    """A new directory for a sweep without a name. OmegaConf caches it, so that all jobs get the same."""
    return _claimed(RUNS / f"sweeps/{datetime.now():%Y%m%d-%H%M%S}")


def _claimed(stem: Path) -> str:
    """Make the first folder of that name, or of that name with a number, that does not exist yet."""
    for path in (stem.with_name(stem.name + suffix) for suffix in ("", *(f"-{i}" for i in range(2, 1000)))):
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            if not path.exists():  # a link or a file stands where a folder has to be
                raise
            continue
        if not _made:
            atexit.register(remove_unused)
        _made.append(path.absolute())
        return str(path)
    raise RuntimeError(f"no free name like {stem}")


_made: list[Path] = []


def remove_unused() -> None:
    """Remove the folders that were made in this process and hold nothing; done when it ends by itself."""
    while _made:
        if not (run := RunDirectory(_made.pop())).record:
            run.discard()


def register_resolvers() -> None:
    """Tell Hydra what it needs to know before it composes.

    That is where the user's own configurations are, and what ``${run_directory:}``,
    ``${sweep_directory:}`` and ``${folder_name:TEXT}`` mean.
    """
    from remix.runs.own_configurations import find_own_configurations

    find_own_configurations()
    OmegaConf.register_new_resolver("run_directory", lambda *, _root_: run_directory(_root_), replace=True)
    OmegaConf.register_new_resolver("sweep_directory", _sweep_directory, use_cache=True, replace=True)
    OmegaConf.register_new_resolver("folder_name", folder_name, replace=True)
