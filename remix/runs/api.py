"""Training and looking at policies in Python, with the words of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf

from remix.algorithms.base import MultiAgentModule
from remix.learning.team import Team
from remix.records.directory import short
from remix.runs import evaluation, recording, sources
from remix.runs.composing import compose
from remix.runs.config import plain
from remix.runs.experiment import train_alone
from remix.runs.run import Run, load
from remix.settings.errors import SettingError, brief
from remix.settings.named_objects import location
from remix.settings.signals import Stopped, stoppable
from remix.settings.words import quoted

if TYPE_CHECKING:
    from torch import device

Known = str | Path | Run
"""A run by its folder, one of its checkpoints or its MLflow run id, or as it was trained or loaded."""


def train(config: DictConfig | str = "", *words: str) -> Run:
    """Train as ``remix train`` does, with the same folder, lines and record.

    :param config: from :func:`remix.compose`, which is not changed; or the first of the words.
    :param words: settings as on the command line.
    :raises SettingError: a setting cannot work.
    :raises KeyboardInterrupt: somebody pressed Ctrl-C; with ``resume=auto`` the run goes on another time.
    """
    if isinstance(config, str):
        config = compose(*filter(None, (config, *words)))
    elif words:
        raise SettingError(
            "words", " ".join(words), "must go to remix.compose, which makes the configuration"
        )
    if not isinstance(config, DictConfig):
        expected = "must be a configuration of remix.compose, or words such as 'seed=2'"
        raise SettingError("config", brief(config), expected)
    config = deepcopy(config)
    if config.study is not None:
        name = OmegaConf.select(config, "study.name")
        raise SettingError("study", name, "is a sweep; start it with: remix train -m study=...")
    try:
        with stoppable():
            train_alone(config)
    except Stopped as stop:
        if stop.signal is SIGINT:
            raise KeyboardInterrupt from stop
        raise
    return Run(Path(config.run_dir), trust=_packages(config))


def load_policy(run: Known, exploration: float | None = None, trust: Sequence[str] = ()) -> Team:
    """The trained agents of a run, for a loop of one's own.

    :param exploration: None for the best actions; a number samples as in training with this epsilon.
    :param trust: packages of others that the run's configuration may name.
    :raises SettingError: there is no such run, or its checkpoint cannot be used.
    """
    return load(run, trust).team(exploration)


def load_module(
    checkpoint: str | Path, map_location: str | device | None = None, trust: Sequence[str] = ()
) -> MultiAgentModule:
    """The trained Lightning module of a checkpoint, as it was configured."""
    return load(checkpoint, trust).module.to(map_location)


def evaluate(run: Known, *words: str) -> dict[str, float]:
    """Statistics of episodes of a trained policy, as ``remix evaluate RUN WORDS`` prints them.

    :raises SettingError: there is no such run, or a setting cannot work.
    """
    return evaluation.evaluate(looking("evaluate", run, words))


def watch(run: Known, *words: str) -> Path:
    """One greedy episode of a trained policy as a film, as ``remix watch RUN WORDS`` makes it.

    :raises SettingError: there is no such run, or a setting cannot work.
    """
    return evaluation.watch(looking("watch", run, words))


def record(run: Known, *words: str) -> Path:
    """Whole episodes of a trained policy in files, as ``remix record RUN WORDS`` writes them.

    :returns: their folder.
    :raises SettingError: there is no such run, or a setting cannot work.
    """
    return recording.record(looking("record", run, words))


def _packages(config: DictConfig) -> list[str]:
    """The packages that the user's configuration names and that not every file may name."""
    packages = {name.partition(".")[0] for name in sources.names_in(plain(config))} - {
        "pytorch_lightning",
        "remix",
        "torch",
    }
    return sorted(package for package in packages if location(package) is not None)


def looking(command: str, run: Known, words: Sequence[str]) -> DictConfig:
    """The configuration of a command that looks at a run."""
    trust = run.trust if isinstance(run, Run) else ()
    place = str(short(run.checkpoint) if isinstance(run, Run) else run)
    trusted = [f"trust=[{','.join(map(quoted, trust))}]"] if trust else []
    return compose(f"checkpoint={quoted(place)}", *trusted, *words, command=command)
