"""Runs in threads of this process, each as it would be alone.

What they compute releases the GIL. Each has its own networks, optimizer, replay, random streams, folder and
loggers. Of what the whole process has, they share the cores and the memory; networks draw their weights from
its generators, and therefore all are built, one after the other, before the first run trains.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from signal import SIGINT
from threading import get_ident
from typing import TypeVar

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from pytorch_lightning.callbacks import Callback

from remix.algorithms.base import MultiAgentModule
from remix.learning.datamodule import ReplayDataModule
from remix.runs.building import GENERATORS, build, quiet
from remix.runs.compilation import compilation_told
from remix.runs.run_settings import RunSettings
from remix.settings.errors import SettingError, named
from remix.settings.labelled_output import labelled_output
from remix.settings.signals import Stopped
from remix.settings.user_errors import one_line

Parts = tuple[MultiAgentModule, ReplayDataModule]
Outcome = TypeVar("Outcome")


class StopsTogether(Callback):
    """Ends a run before its next update or evaluation once its process got a signal.

    :ivar signal: number of the signal.
    """

    changes_training = False

    def __init__(self) -> None:
        self.signal: int | None = None

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: object, batch_idx: int
    ) -> None:
        self._look()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._look()

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._look()

    def _look(self) -> None:
        if self.signal is not None:
            raise Stopped(self.signal)


@dataclass(frozen=True)
class Company:
    """What a run knows of those that train beside it in this process.

    :ivar size: how many train there, itself included.
    :ivar stop: its callback that ends it with the process.
    :ivar built: its parts, where they are built already.
    """

    size: int = 1
    stop: Callback = field(default_factory=StopsTogether)
    built: Future[Parts] | None = None

    def parts(self, config: DictConfig) -> Parts:
        """The module and the data module of the run.

        :raises SettingError: naming the setting by its full key.
        """
        return build(config) if self.built is None else self.built.result()


def side_by_side(
    runs: Sequence[RunSettings], train: Callable[[RunSettings, Company], Outcome]
) -> list[Outcome | Exception]:
    """Train runs that differ in the seed alone, each in a thread; one that fails does not end the others.

    :param train: a run, in a thread of its own.
    :returns: what came of each, or the exception that ended it.
    :raises Stopped: a signal came, and every run has ended at it.
    """
    quiet()
    stop = StopsTogether()
    companies = [Company(len(runs), stop, _built(run)) for run in runs]

    def work(run: RunSettings, company: Company) -> Outcome:
        labels[get_ident()] = f"seed {run.config.seed}"
        with _own_stream(run.config):
            try:
                return train(run, company)
            except Exception as error:
                if not isinstance(error, SettingError):  # which is a mistake of all of them
                    print(f"failed: {one_line(error) or named(error)}", file=sys.stderr, flush=True)
                raise

    with labelled_output() as labels, compilation_told(), ThreadPoolExecutor(len(runs), "run") as threads:
        futures = [threads.submit(work, *each) for each in zip(runs, companies, strict=True)]
        try:
            wait(futures)
        except BaseException as end:
            stop.signal = end.signal if isinstance(end, Stopped) else SIGINT
            raise
    outcomes: list[Outcome | Exception] = []
    for future in futures:
        try:
            outcomes.append(future.result())
        except Exception as error:
            outcomes.append(error)
    return outcomes


def _built(run: RunSettings) -> Future[Parts] | None:
    """The parts of a run, or the error of building them, which is to come up where the run tells of it.

    None if it is finished, and will not be built.
    """
    if run.directory.state == "finished":
        return None
    parts: Future[Parts] = Future()
    with GENERATORS:
        pl.seed_everything(run.config.seed, verbose=False)
    try:
        parts.set_result(build(run.config))
    except Exception as error:
        parts.set_exception(error)
    return parts


def _own_stream(config: DictConfig) -> AbstractContextManager[object]:
    """On a GPU, a queue of the run's own for its kernels. Nobody has tested or measured this on one yet."""
    if config.trainer.accelerator == "cpu" or not torch.cuda.is_available():
        return nullcontext()
    return torch.cuda.stream(torch.cuda.Stream())
