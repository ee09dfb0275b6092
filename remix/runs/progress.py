"""A run that trains in this process: its record and its loggers, from its beginning to any end."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import Logger

from remix import tracking
from remix.algorithms.base import MultiAgentModule
from remix.callbacks.journal import JournalKeeper
from remix.callbacks.side_matters import side_matter
from remix.records.directory import CONFIGURATION, ERROR
from remix.records.machine import machine
from remix.records.record import RunRecord
from remix.runs.building import make_all
from remix.runs.identity import SCHEME
from remix.runs.run_settings import RunSettings
from remix.runs.sources import own_modules
from remix.settings.errors import first_line
from remix.settings.own_code import failed, own_traceback, summary
from remix.settings.redaction import redact
from remix.tracking.journal import Journal
from remix.tracking.loggers import FolderLogger, JournalLogger, MLflowLogger, log_by

ENDS = {"finished": "success", "failed": "failed", "interrupted": "KILLED", "stopped": "KILLED"}
"""What other people's loggers are told of a run's status, in MLflow's own word where Lightning has none."""


class RunInProgress:
    """What becomes of a run, told to its folder and its loggers.

    :param settings: of the run, whose directory this process holds.
    :param record: of the run so far; without a status until training begins.
    """

    def __init__(self, settings: RunSettings, record: RunRecord) -> None:
        self.settings, self.record = settings, record
        self.config, self.directory = settings.config, settings.directory
        self.journal = Journal(self.directory.path)
        self.loggers: list[Logger] = []
        self._started, self._seconds_before = time.monotonic(), record.seconds or 0.0

    @classmethod
    def after(cls, previous: RunRecord, settings: RunSettings) -> RunInProgress:
        """A run that begins, or goes on where an earlier process left it."""
        record = RunRecord(
            scheme=SCHEME,
            identity=settings.identity,
            seed=settings.config.seed,
            started=previous.started or f"{datetime.now():%Y-%m-%dT%H:%M:%S.%f}",
            origin=tracking.origin(),
            needs=own_modules(settings.kept),
            machine=machine(),
            seconds=previous.seconds,
            mlflow_run_id=previous.mlflow_run_id,
            others=previous.others,
        )
        return cls(settings, record)

    @property
    def has_begun(self) -> bool:
        return self.record.status is not None

    @property
    def run_id(self) -> str | None:
        """Id of the run in MLflow; None until that is known."""
        return next((logger.run_id for logger in self.loggers if isinstance(logger, MLflowLogger)), None)

    def connect(self, trainer: pl.Trainer, checkpoint: str | None, best_return: float | None = None) -> None:
        """Give the trainer the loggers, and let the run begin when everything else is set up.

        :param checkpoint: from which training goes on.
        :param best_return: of the environment, if known.
        """
        if checkpoint is None or Path(checkpoint).parent != self.directory.last.parent:
            self.journal.cut(0)  # an earlier process left entries, but no checkpoint to go on from
        device = trainer.strategy.root_device
        uses = {"threads": str(torch.get_num_threads()), "device": _device(device)}
        machine = {**(self.record.machine or {}), **uses}
        self.record = replace(self.record, machine=machine, best_return=best_return)
        self.loggers.append(JournalLogger(self.journal))
        self.loggers += configured_loggers(self.config)
        for logger in self.loggers:
            log_by(partial(_env_steps, trainer), logger)
        trainer.loggers = self.loggers
        keeper = JournalKeeper(self.journal, self._begin, self._look)
        trainer.callbacks.insert(0, keeper)  # type: ignore[attr-defined]

    def note(self, **changes: Any) -> None:
        """Change the record, in the folder too. While the run is running its seconds count."""
        if self.record.status == "running":
            seconds = self._seconds_before + time.monotonic() - self._started
            self.record = replace(self.record, seconds=round(seconds, 1))
        self.record = replace(self.record, **changes)
        self.directory.write(self.record)

    def _begin(self) -> None:
        self.note(status="running")
        settings = self.settings.kept
        OmegaConf.save(OmegaConf.create(settings), self.directory.path / CONFIGURATION)
        for logger in self.loggers:
            if isinstance(logger, FolderLogger):
                logger.begin(self.record, self.journal)
            else:
                logger.log_hyperparams(tracking.run_parameters(settings))

    def _look(self) -> None:
        self.note(mlflow_run_id=self.run_id)


def configured_loggers(
    config: DictConfig, wanted: Callable[[type], bool] = lambda kind: True
) -> list[Logger]:
    """The loggers of a configuration, of those kinds that are wanted."""
    nodes = {name: node for name, node in config.logger.items() if node is None or wanted(_kind(node))}
    return list(make_all(nodes, "logger", Logger))


@contextmanager
def ending(run: RunInProgress, goes_on: bool) -> Iterator[None]:
    """Within, a run trains. Its record says how it ended, if it had begun. Then its loggers are told.

    :param goes_on: whether an earlier process trained this run. The record then stays as it was if the run
        does not come to its beginning.
    """
    with delivering(run):
        try:
            yield
        except (KeyboardInterrupt, SystemExit) as end:
            if run.has_begun:
                run.note(status="interrupted")
            last = run.directory.last
            begins = f"goes on from {last}" if last.is_file() else "begins anew: there is no checkpoint yet"
            by = f" by {summary(end)}" if failed(end) else ""
            print(f"\ninterrupted{by}; the same command with resume=auto {begins}")
            raise
        except Exception as error:
            if run.has_begun or not goes_on:
                traces = run.directory.path / ERROR
                with suppress(OSError):  # the disk may be full; the user has to see the first error
                    run.note(status="failed", error=redact(first_line(error)))
                    text = redact(traceback.format_exc())
                    traces.write_text(text, encoding="utf-8", errors="backslashreplace")
                error.add_note(f"the traceback is in {traces}")
                if run.record.needs and not own_traceback(error):  # which would say more
                    error.add_note("remix check tries your own parts")
            raise


@contextmanager
def delivering(run: RunInProgress) -> Iterator[None]:
    """At its end, tell the loggers how the run ended. An error there costs a line and hides no other."""
    try:
        yield
    finally:
        for logger in run.loggers:
            with side_matter(f"{type(logger).__name__} did not end in good order"):
                if isinstance(logger, FolderLogger):
                    logger.end(run.record)
                else:
                    logger.finalize(ENDS.get(run.record.status or "failed", "failed"))
        if run.run_id not in (None, run.record.mlflow_run_id) and run.directory.record:
            with side_matter("the run's id in MLflow is not in its record"):
                run.note(mlflow_run_id=run.run_id)


def _env_steps(trainer: pl.Trainer) -> int:
    """Environment steps so far of what a trainer trains."""
    assert isinstance(trainer.lightning_module, MultiAgentModule)
    return trainer.lightning_module.env_steps


def _device(device: torch.device) -> str:
    """``cpu``, or the name of an accelerator."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _kind(node: DictConfig) -> type:
    target = get_object(node._target_)
    return target if isinstance(target, type) else object
