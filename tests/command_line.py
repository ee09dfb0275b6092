"""The ``remix`` command inside the test process."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import partialmethod
from pathlib import Path
from typing import NamedTuple

import pytest
from hydra._internal.hydra import Hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from remix.cli import command as cli
from remix.runs import config

NO_PICTURES = tuple(
    f"++callbacks.{name}=null" for name in ("episode_video", "learning_curve", "weight_heatmap")
)
"""Drawing would take half of a short run; with or without ``callbacks=none``."""

SMALL = (
    "env.n_agents=2",
    "env.n_stags=2",
    "env.world_shape=[4,4]",
    "env.episode_limit=12",
    "replay.batch_size=8",
    "replay.episodes_per_round=4",
    "algorithm.epsilon.steps=200",
    "max_env_steps=400",
    "steps_per_epoch=100",
    "validation_episodes=4",
    "test_episodes=4",
    "algorithm.policy.hidden_size=16",
    *NO_PICTURES,
)
"""A run of about a second."""

TINY = (
    "env=matrix_game",
    "algorithm=vdn",
    "threads=1",
    "max_env_steps=64",
    "steps_per_epoch=16",
    "validation_episodes=2",
    "test_episodes=2",
    "replay.batch_size=8",
    "logger=none",
    *NO_PICTURES,
)
"""A run of less than a second."""

SMALL_REMIX = (*SMALL, "algorithm.central.embed_dim=16", "algorithm.weighting.warmup_steps=100")


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


def _mode(
    hydra: Hydra, config_name: str, overrides: list[str], mode: Callable[..., RunMode | None]
) -> RunMode | None:
    """Hydra composes everything once more to read ``hydra.mode``, which only a study or an option sets."""
    may_be_set = any(word.startswith(("study=", "+study=", "hydra.")) for word in overrides)
    return mode(hydra, config_name, overrides) if may_be_set else None


class CommandLine:
    """Calls ``remix`` in a directory of its own."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
    ) -> None:
        self.monkeypatch, self.capsys, self.home = monkeypatch, capsys, home
        monkeypatch.chdir(home)
        monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)  # put back afterwards
        monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
        monkeypatch.setattr(Hydra, "get_mode", partialmethod(_mode, mode=Hydra.get_mode))

    def __call__(self, *arguments: str) -> Outcome:
        """Exit status and output of ``remix ARGUMENTS``."""
        GlobalHydra.instance().clear()
        config._new_directory.cache_clear()
        self.monkeypatch.setattr(sys, "argv", ["remix", *arguments])
        self.capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 1
        finally:
            self.monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
        out, err = self.capsys.readouterr()
        return Outcome(code, out, err)
