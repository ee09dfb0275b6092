"""The arguments of Lightning's Trainer: each works, or is refused with what to set in its place.

Free of Lightning. An argument that is in neither table, of a later Lightning perhaps, is unknown here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from remix.settings import checks
from remix.settings.errors import SettingError, one_of
from remix.settings.signatures import as_whole

PRECISIONS = ("32-true", "bf16-mixed")
"""Targets, weights and sums are in single precision in either."""

ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")

Check = Callable[[str, Any], object]


def _shown(value: Any) -> str:
    """A value as YAML writes it."""
    return value if isinstance(value, str) else json.dumps(value)


def choice(*valid: Any) -> Check:
    """A check that a value is one of ``valid``, and of the same type."""

    def check(setting: str, value: Any) -> None:
        if not any(type(value) is type(other) and value == other for other in valid):
            raise SettingError(setting, value, one_of([_shown(other) for other in valid], str(value)))

    return check


def count(least: int, *besides: Any) -> Check:
    """A check that a value is a whole number of at least ``least``, or one of ``besides``."""
    others = "".join(f", or {_shown(value)}" for value in besides)

    def check(setting: str, value: Any) -> None:
        whole = isinstance(as_whole(value), int) and not isinstance(value, bool)
        if not (whole and value >= least) and not (value in besides and not isinstance(value, bool)):
            raise SettingError(setting, value, f"must be a whole number of at least {least}{others}")

    return check


def clip(setting: str, value: Any) -> None:
    """:raises SettingError: unless the value is null or a norm."""
    if value is not None:
        checks.number(setting, value, 0.0)


def duration(setting: str, value: Any) -> None:
    """:raises SettingError: unless the value is null, days:hours:minutes:seconds or a mapping of such."""
    if value is None or isinstance(value, Mapping):
        return
    parts = str(value).split(":")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        raise SettingError(
            setting, value, 'must be "DAYS:HOURS:MINUTES:SECONDS", as in "00:02:00:00", or null'
        )


SWITCH = choice(True, False)

WORKING: dict[str, Check] = {
    "accelerator": choice(*ACCELERATORS),
    "precision": choice(*PRECISIONS),
    "max_epochs": count(1, -1),
    "max_steps": count(1, -1),
    "max_time": duration,
    "gradient_clip_val": clip,
    "gradient_clip_algorithm": choice(None, "norm"),  # rounds without an update have no gradients to clip
    "log_every_n_steps": count(0),
    "enable_progress_bar": SWITCH,
    "enable_checkpointing": SWITCH,
    "enable_autolog_hparams": SWITCH,
    "deterministic": choice(True, False, "warn", None),
    "benchmark": choice(True, False, None),
    "inference_mode": SWITCH,
    "detect_anomaly": SWITCH,
}
"""What the value of an argument must be."""

_EVALUATIONS = "steps_per_epoch says when to evaluate"
_BUDGET = "max_env_steps is the budget"
_ONE_PROCESS = "a run is one process; more devices: more seeds side by side (hydra/launcher)"

FIXED: dict[str, tuple[Any, str]] = {
    "devices": (1, f"{_ONE_PROCESS}; CUDA_VISIBLE_DEVICES says which"),
    "num_nodes": (1, _ONE_PROCESS),
    "strategy": ("auto", _ONE_PROCESS),
    "sync_batchnorm": (False, _ONE_PROCESS),
    "use_distributed_sampler": (True, _ONE_PROCESS),
    "logger": (None, "loggers have a group of their own: logger=csv, or +logger.NAME._target_=..."),
    "callbacks": (None, "callbacks have a group of their own: +callbacks.NAME._target_=..."),
    "plugins": (None, "checkpoints and processes are ours"),
    "fast_dev_run": (False, f"{_BUDGET}: experiment=quickstart is a short run"),
    "min_epochs": (None, _BUDGET),
    "min_steps": (None, _BUDGET),
    "limit_train_batches": (None, _BUDGET),
    "overfit_batches": (0, "batches are drawn from the replay; replay.capacity is its size"),
    "limit_val_batches": (None, "validation_episodes is the number of episodes"),
    "limit_test_batches": (None, "test_episodes is the number of episodes"),
    "limit_predict_batches": (None, "nothing is predicted; see remix evaluate"),
    "val_check_interval": (None, _EVALUATIONS),
    "check_val_every_n_epoch": (1, _EVALUATIONS),
    "num_sanity_val_steps": (0, "the first evaluation is before training anyway"),
    "reload_dataloaders_every_n_epochs": (0, "episodes are collected anew in every round"),
    "accumulate_grad_batches": (1, "replay.batch_size is the number of episodes in an update"),
    "enable_model_summary": (False, "the parameters are counted when a run begins"),
    "profiler": (None, "python -m cProfile -o FILE $(which remix) train ... profiles all of a run"),
    "barebones": (False, "logger=none callbacks=none is a run without anything around it"),
    "default_root_dir": (None, "run_dir is the place of a run"),
    "model_registry": (None, "checkpoints are local files; logger=mlflow keeps the best one"),
}
"""The only value of an argument, and what to set in its place."""


def check_trainer(trainer: Mapping[str, Any], run_dir: Any) -> None:
    """:raises SettingError: naming the first argument that the Trainer should not get."""
    for name, value in trainer.items():
        setting = f"trainer.{name}"
        if name.startswith("_") or (name == "default_root_dir" and value == run_dir):
            continue
        if name in WORKING:
            WORKING[name](setting, value)
        elif name not in FIXED:
            known = one_of([*WORKING, *FIXED], name)
            raise SettingError(setting, value, f"unknown setting; trainer {known}")
        else:
            only, advice = FIXED[name]
            if isinstance(value, bool) != isinstance(only, bool) or value != only:
                raise SettingError(setting, value, f"must be {_shown(only)}: {advice}")
