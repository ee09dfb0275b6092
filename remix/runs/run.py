"""A run in Python: what became of it, its curves, its policy. Torch is loaded for the policy only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf

from remix.records.directory import CONFIGURATION, RunDirectory, State, all_runs
from remix.settings import checks
from remix.settings.errors import SettingError, first_line
from remix.tracking.curves import run_scores
from remix.tracking.journal import JOURNAL, Journal

if TYPE_CHECKING:
    from pandas import DataFrame

    from remix.algorithms.base import MultiAgentModule
    from remix.learning.team import Team


class Run:
    """A run that was trained, as it stands in its folder.

    :param directory: of the run.
    :param checkpoint: of the policy; None for the best one, else the last.
    :param trust: packages of others that the run's configuration may name.
    """

    def __init__(self, directory: Path, checkpoint: Path | None = None, trust: Sequence[str] = ()) -> None:
        self.directory = directory.absolute()
        self._checkpoint, self.trust = checkpoint, tuple(checks.packages("trust", trust))

    @property
    def status(self) -> State:
        """``finished``, ``stopped``, ``interrupted``, ``failed`` or ``running``; ``new`` if nobody knows."""
        return RunDirectory(self.directory).state

    @property
    def config(self) -> DictConfig:
        """The configuration that it was trained with, ``***`` in place of passwords.

        :raises SettingError: it is not in the folder, or cannot be read.
        """
        file = self._file(CONFIGURATION)
        try:
            return DictConfig(OmegaConf.load(file))
        except Exception as error:  # a damaged file can make YAML and OmegaConf raise anything
            reason = f"has a {CONFIGURATION} that cannot be read: {first_line(error)}"
            raise SettingError("run", self.directory, reason) from error

    @property
    def checkpoint(self) -> Path:
        """The checkpoint of the policy.

        :raises SettingError: there is none.
        """
        found = self._checkpoint or RunDirectory(self.directory).checkpoint
        if found is None:
            raise SettingError("run", self.directory, "has no checkpoint")
        return found

    @property
    def curves(self) -> DataFrame:
        """All metrics, a column each, by environment steps; NaN where one was not logged.

        :raises SettingError: they are not in the folder.
        """
        from pandas import DataFrame, Index

        rows: dict[int, dict[str, float]] = {}
        for entry in Journal(self._file(JOURNAL).parent).entries():
            rows.setdefault(entry.step, {}).update(entry.values)
        index = Index(sorted(rows), name="env_steps")
        return DataFrame([rows[step] for step in index], index=index)

    @property
    def scores(self) -> dict[str, float]:
        """The run in a few numbers, as far as it has come.

        That is ``final_return``, ``best_return``, ``area_under_curve`` and ``steps_to_90_percent`` of the
        evaluations (:func:`curve_summary`), and of the test episodes of the last policy, as
        :func:`remix.evaluate` has them, ``return``, ``length`` and the statistics of the environment. With
        ``absolute_best_`` and ``absolute_last_`` before them they are those of the absolute metric
        (:class:`remix.callbacks.absolute_metric.AbsoluteMetric`).
        """
        return run_scores(Journal(self._file(JOURNAL).parent))

    @cached_property
    def module(self) -> MultiAgentModule:
        """The trained Lightning module, loaded once.

        :raises SettingError: there is no checkpoint, or it cannot be used.
        """
        from remix.runs.checkpoints import load

        return load(self.checkpoint, trust=self.trust)[1]

    @property
    def policy(self) -> Team:
        """The agents at the start of an episode, with their best actions (:func:`remix.load_policy`)."""
        return self.team()

    def team(self, exploration: float | None = None) -> Team:
        """The agents at the start of an episode.

        :param exploration: None for the best actions; a number samples as in training with this epsilon.
        :raises SettingError: it is no such number, or the policy cannot be used.
        """
        from remix.envs.spec import Environment
        from remix.learning.team import Team, slots_of
        from remix.runs.building import make

        if exploration is not None:
            checks.number("exploration", exploration, 0.0, 1.0)
        module = self.module
        env = module.hparams["config"]["env"]
        return Team(module.policy, module.spec, lambda: slots_of(make(env, "env", Environment)), exploration)

    def __repr__(self) -> str:
        final = RunDirectory(self.directory).record.final_return
        return f"Run({self.directory}, {self.status}{'' if final is None else f', final return {final:.2f}'})"

    def _file(self, name: str) -> Path:
        if not (path := self.directory / name).is_file():
            raise SettingError("run", self.directory, f"has no {name}")
        return path


def load(run: str | Path | Run, trust: Sequence[str] = ()) -> Run:
    """A run that was trained before.

    :param run: its folder, one of its checkpoints, or its MLflow run id. What is known of a run by its id
        alone, and is not below ``runs``, is its checkpoint and its configuration.
    :param trust: packages of others that its configuration may name.
    :raises SettingError: there is no such run.
    """
    if isinstance(run, Run):
        return (
            Run(run.directory, run._checkpoint, [*run.trust, *checks.packages("trust", trust)])
            if trust
            else run
        )
    if RunDirectory(path := Path(run)).record:
        return Run(path, trust=trust)
    for directory, record in all_runs() if re.fullmatch(r"[0-9a-f]{32}", str(run)) else ():
        if record.mlflow_run_id == str(run):
            return Run(directory.path, trust=trust)
    from remix.runs.checkpoints import find_checkpoint

    checkpoint = find_checkpoint(str(run), None).absolute()
    folder = checkpoint.parent
    return Run(folder.parent if folder.name == "checkpoints" else folder, checkpoint, trust)
