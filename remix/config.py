"""Configuration: cross-field checks, argument types, identity of a run, resolvers. Free of torch."""

from __future__ import annotations

import hashlib
import inspect
import json
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from omegaconf import DictConfig, OmegaConf

from envs import checks
from envs.errors import SettingError, one_of
from remix.names import check_names, folder_name
from remix.records import RUNS, latest_run
from remix.redaction import redacted

RESUME = ("never", "auto")

LARGEST = 2**63 - 1
"""What tensors and stores can count to."""

PRECISIONS = ("32-true", "bf16-mixed")
"""Targets, weights and sums are in single precision in either."""

# Keys that change where, how fast or how visibly a run goes, but not what it computes.
_OUTSIDE_IDENTITY = (
    "seed",
    "resume",
    "ckpt_path",
    "threads",
    "run_dir",
    "run_name",
    "experiment_name",
    "study",
    "variant_name",
    "warmup_steps",  # counts where it is used, in the weighting
    "callbacks",
    "logger",
    "workers",
    "hydra",
)
_OUTSIDE_TRAINER = (
    "accelerator",
    "devices",
    "default_root_dir",
    "enable_progress_bar",
    "enable_model_summary",
)


def check(config: DictConfig) -> None:
    """Relations between settings that no single part can see.

    :raises SettingError: naming the first setting that cannot work.
    """
    if config.resume not in RESUME:
        raise SettingError("resume", config.resume, one_of(RESUME, str(config.resume)))
    check_names(config)
    checks.seed("seed", config.seed)
    low = checks.number("weight_range.min", config.weight_range.min, 0.0)
    high = checks.number("weight_range.max", config.weight_range.max, 0.0)
    if low > high:
        raise SettingError("weight_range.min", low, f"must be at most weight_range.max={high:g}")
    if config.threads is not None:
        whole("threads", config.threads, least=1)
    if config.trainer.precision not in PRECISIONS:
        value = config.trainer.precision
        raise SettingError("trainer.precision", value, one_of(PRECISIONS, str(value)))
    if (clip := config.trainer.get("gradient_clip_val")) is not None:
        checks.number("trainer.gradient_clip_val", clip, 0.0)
    whole("warmup_steps", config.warmup_steps, least=0)
    for key in ("max_env_steps", "steps_per_epoch", "validation_episodes", "test_episodes"):
        whole(key, config[key], least=1)
    for key, value in config.replay.items():
        if value is not None or key != "latest_size":  # for which null means those of the round
            whole(f"replay.{key}", value, least=1)
    if config.steps_per_epoch > config.max_env_steps:
        raise SettingError(
            "steps_per_epoch", config.steps_per_epoch, f"must be at most max_env_steps={config.max_env_steps}"
        )
    if config.ckpt_path is not None and not Path(config.ckpt_path).is_file():
        raise SettingError("ckpt_path", config.ckpt_path, "is not a file")


def whole(setting: str, value: object, least: int) -> None:
    """:raises SettingError: unless ``value`` is a whole number of 64 bits and at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise SettingError(setting, value, f"must be a whole number, at least {least}")
    if value > LARGEST:
        raise SettingError(setting, value, f"must be at most {LARGEST}")


def check_arguments(config: DictConfig) -> None:
    """Compare every node that names a ``_target_`` with the signature of that class.

    The signature is the schema: an argument that it does not have, or of another type, is an error.

    :raises SettingError: naming the argument by its full key.
    """
    from hydra.utils import get_object

    for path, node in _targets(config):
        target = get_object(node["_target_"])
        parameters = inspect.signature(target).parameters
        open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
        hints = get_type_hints(target.__init__ if inspect.isclass(target) else target)
        for name, value in node.items():
            if name.startswith("_"):
                continue
            key = f"{path}.{name}" if path else name
            if name not in parameters and not open_ended:
                valid = [p for p in parameters if p not in ("spec", "environment", "input_size")]
                raise SettingError(key, value, f"unknown setting; {path} " + one_of(valid, name))
            if name in hints and not (isinstance(value, Mapping) or _fits(value, hints[name])):
                raise SettingError(key, value, f"must be {_readable(hints[name])}")


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
    """For a while, ``${hydra:...}`` is answered from this configuration, which holds Hydra's own part."""
    from hydra.core.hydra_config import HydraConfig

    previous = HydraConfig.instance().cfg
    HydraConfig.instance().set_config(config)
    try:
        yield
    finally:
        HydraConfig.instance().cfg = previous


def identity(config: DictConfig) -> str:
    """Ten characters that stand for what a run computes: equal for runs that differ in seed or place only."""
    parts = {key: config[key] for key in config if key not in (*_OUTSIDE_IDENTITY, "trainer")}
    parts |= {f"trainer.{key}": config.trainer[key] for key in config.trainer if key not in _OUTSIDE_TRAINER}
    if config.workers.get("overlap"):
        # Of the workers only this matters: rounds are then played by an older policy.
        parts["workers.overlap"] = True
    resolved = {
        key: OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
        for key, value in parts.items()
    }
    text = json.dumps(resolved, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def run_directory(config: DictConfig) -> str:
    """A new directory for a single run; with ``resume=auto``, that of the latest unfinished equal run."""
    if config.resume == "auto" and (found := latest_run(identity(config), config.seed)) is not None:
        return str(found)
    return _new_directory(str(config.env_name), str(config.algorithm_name), config.seed)


@cache
def _new_directory(env: str, algorithm: str, seed: int) -> str:
    """Once per process, however often Hydra resolves it; claimed by being made."""
    base = RUNS.joinpath(*(folder_name(part) for part in f"{env}/{algorithm}".split("/") if part))
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-seed{seed}"
    for path in (base / (stem + suffix) for suffix in ("", *(f"-{i}" for i in range(2, 1000)))):
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        return str(path)
    raise RuntimeError(f"no free name like {base / stem}")


def register_resolvers() -> None:
    """Make ``${run_directory:}`` and ``${folder_name:TEXT}`` available to YAML."""
    OmegaConf.register_new_resolver("run_directory", lambda *, _root_: run_directory(_root_), replace=True)
    OmegaConf.register_new_resolver("folder_name", folder_name, replace=True)


def _targets(config: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All nodes below ``config`` that name a ``_target_``, resolved, with their full keys."""
    container = config if not OmegaConf.is_config(config) else plain(config)
    if not isinstance(container, Mapping):
        return
    if "_target_" in container:
        yield path, container
    for key, value in container.items():
        yield from _targets(value, f"{path}.{key}" if path else str(key))


def _fits(value: Any, hint: Any) -> bool:
    """Whether a plain value can be what the annotation says; annotations of objects accept anything."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, argument) for argument in arguments)
    if origin is Literal:
        return value in arguments
    if hint is type(None):
        return value is None
    if hint is bool:
        return isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is str:
        return isinstance(value, str)
    if inspect.isclass(hint) and isinstance(value, (str, int, float)):
        return hint in (object, Path)
    if origin in (list, tuple, Sequence):
        return isinstance(value, (list, tuple)) and not isinstance(value, str)
    return True


def _readable(hint: Any) -> str:
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "null"}
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(_readable(argument) for argument in get_args(hint))
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if get_origin(hint) in (list, tuple, Sequence):
        return "a list"
    return names.get(hint, str(getattr(hint, "__name__", hint)))
