"""The identity of a run, ten characters: equal for runs that differ in seed, place or looks only."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from remix.envs.skirmish.plain_yaml import parse, read_text
from remix.records.directory import RunDirectory
from remix.runs import sources
from remix.settings.errors import SettingError

SCHEME = 3
"""Of identities; those of different schemes tell nothing about each other."""

# Keys that change where, how fast or how visibly a run goes, but not what it computes.
_OUTSIDE = (
    "seed",
    "seeds",
    "resume",
    "threads",
    "run_dir",
    "run_name",
    "experiment_name",
    "algorithm_name",
    "env_name",
    "study",
    "variant_name",
    "warmup_steps",  # the algorithm uses this and the next two, and counts
    "weight_range",
    "agent_inputs",
    "logger",
    "hydra",
)
_OUTSIDE_TRAINER = (
    "accelerator",
    "default_root_dir",
    "devices",
    "enable_checkpointing",
    "enable_model_summary",
    "enable_progress_bar",
    "log_every_n_steps",
    "max_time",
    "profiler",
)
_COUNTS_OR_SHARES = (
    "limit_",
    "overfit_batches",
    "val_check_interval",
)  # arguments of the Trainer for which 1 is not 1.0
_HARMLESS = (
    "DeviceStatsMonitor",
    "LearningRateMonitor",
    "ModelCheckpoint",
    "ModelSummary",
    "RichModelSummary",
    "RichProgressBar",
    "TQDMProgressBar",
    "Timer",
)
"""Lightning's callbacks that change nothing; others say so by ``changes_training = False``."""


def identity(config: DictConfig) -> str:
    """Ten characters for all that changes a result.

    That is the settings, the content of files that they name, the source of the user's own modules, and the
    releases of ReMIX and of the packages that games come from.
    """
    own = config.copy()
    with open_dict(own):
        own.update({"run_dir": ".", "seed": 0})  # other settings may refer to them
    settings = {str(key): _resolved(own[key]) for key in own if key not in _OUTSIDE}
    if (start := settings.pop("init_from", None)) is not None:  # without it, as in releases that had none
        settings["init_from"] = str(RunDirectory(Path(str(start))).checkpoint or start)
    if isinstance(settings.get("env"), Mapping):
        settings["env"] = _environment(settings["env"])
    counted = {
        **settings,
        "trainer": _trainer(settings.get("trainer") or {}),
        "workers": bool(
            (settings.get("workers") or {}).get("overlap")
        ),  # rounds are then played with an older policy
        "callbacks": sorted(_callbacks(settings.get("callbacks") or {}), key=_text),
    }
    about = {
        "scheme": SCHEME,
        "release": sources.release(),
        "settings": {key: value if key == "trainer" else _canonical(value) for key, value in counted.items()},
        "sources": sources.of_modules(sorted(set(sources.names_in(counted)))),
    }
    return hashlib.sha256(_text(about).encode()).hexdigest()[:10]


def _resolved(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _environment(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of an environment of ours without pictures, which change no episode. Those of others are not known.

    A battle of no scenario of the user's own has none here, as before its configuration named one.
    """
    if not str(settings.get("_target_")).startswith("remix."):
        return dict(settings)
    counted = {key: value for key, value in settings.items() if not str(key).startswith("render_")}
    if counted.get("scenario") is None:
        counted.pop("scenario", None)
    return counted


def _trainer(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value if key.startswith(_COUNTS_OR_SHARES) else _canonical(value)
        for key, value in settings.items()
        if key not in _OUTSIDE_TRAINER
    }


def _callbacks(settings: Mapping[str, Any]) -> list[Any]:
    return [node for node in settings.values() if node is not None and _counts(node)]


def _counts(node: Any) -> bool:
    """Whether a callback may change what is computed."""
    from remix.runs.targets import locate

    name = node.get("_target_") if isinstance(node, Mapping) else None
    try:
        target = locate("callbacks", name)
    except SettingError:
        return True
    if str(getattr(target, "__module__", "")).startswith("pytorch_lightning."):
        return target.__name__ not in _HARMLESS
    return (
        vars(target).get("changes_training", True) is not False
    )  # a subclass may do what this class does not


def _canonical(value: Any) -> Any:
    """Make settings that mean the same equal: whole numbers lose their point, files become their content."""
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and ("/" in value or Path(value).suffix) and os.path.isfile(value):
        return _content(Path(value))
    return value


def _content(file: Path) -> str:
    """What stands for the content of a file; of a scenario, for that of its terrain's file beside it too."""
    files = [file]
    if file.suffix in (".yaml", ".yml"):
        with suppress(ValueError):  # who reads it says what is wrong
            scenario = parse(read_text(file))
            terrain = scenario.get("terrain") if isinstance(scenario, Mapping) else None
            if isinstance(terrain, str) and (beside := file.parent / terrain).is_file():
                files.append(beside)
    return f"file {' '.join(map(sources.file_digest, files))}"
