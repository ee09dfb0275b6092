"""ReMIX: cooperative multi-agent reinforcement learning with monotonic value factorisation.

What stands here is loaded when it is first used; importing ``remix`` alone costs nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from remix.algorithms.base import MultiAgentModule
    from remix.checking.kinds import check
    from remix.envs.spec import Environment, EnvSpec, Observation, Step
    from remix.exports.api import export
    from remix.networks.mixers.base import Mixer
    from remix.report.load import load_study
    from remix.runs.api import evaluate, load_module, load_policy, record, train, watch
    from remix.runs.composing import compose
    from remix.runs.run import Run, load
    from remix.settings.errors import SettingError
    from remix.weighting.base import Weighting

# PyTorch's threads go on spinning for milliseconds after each operation, on the cores that the compiled
# passes and the environments then need. Has no effect if torch was imported before.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

__all__ = [
    "EnvSpec",
    "Environment",
    "Mixer",
    "MultiAgentModule",
    "Observation",
    "Run",
    "SettingError",
    "Step",
    "Weighting",
    "check",
    "compose",
    "evaluate",
    "export",
    "load",
    "load_module",
    "load_policy",
    "load_study",
    "record",
    "train",
    "watch",
]

_HOMES = {
    "remix.algorithms.base": ("MultiAgentModule",),
    "remix.checking.kinds": ("check",),
    "remix.envs.spec": ("EnvSpec", "Environment", "Observation", "Step"),
    "remix.exports.api": ("export",),
    "remix.networks.mixers.base": ("Mixer",),
    "remix.report.load": ("load_study",),
    "remix.runs.api": ("evaluate", "load_module", "load_policy", "record", "train", "watch"),
    "remix.runs.composing": ("compose",),
    "remix.runs.run": ("Run", "load"),
    "remix.settings.errors": ("SettingError",),
    "remix.weighting.base": ("Weighting",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            _find_own_modules()
            return globals().setdefault(name, getattr(import_module(home), name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _find_own_modules() -> None:
    """As every command does: what is found in the folder of a project is found in its scripts."""
    from remix.settings.import_path import find_own_modules

    with suppress(FileNotFoundError):  # the folder is not there any more
        find_own_modules()


def __dir__() -> list[str]:
    return [*globals(), *__all__]
