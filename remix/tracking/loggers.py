"""The loggers of ``conf/logger``: metrics go into the journal of the run's folder, all else comes from it."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger, TensorBoardLogger

from remix.records.record import RunRecord
from remix.settings.errors import SettingError
from remix.tracking.courier import Courier
from remix.tracking.delivery import Delivery, Target
from remix.tracking.journal import Journal
from remix.tracking.store import store_uri
from remix.tracking.system_metrics import SystemMetrics
from remix.tracking.table import write_table

_TIME_SHARE = 0.02  # share of the time of training that writing the table may take


class FolderLogger(Logger):
    """A logger that is told no metrics but takes them from the run's folder, now or when the run is over.

    :param directory: of the run.
    """

    def __init__(self, directory: str | Path) -> None:
        super().__init__()
        self.directory = Path(directory)

    @property
    def name(self) -> str:
        return ""

    @property
    def version(self) -> str:
        return ""

    @property
    def save_dir(self) -> str:
        return str(self.directory)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Do nothing: metrics are in the journal."""

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Do nothing: hyper-parameters are in config.yaml."""

    def begin(self, record: RunRecord, journal: Journal) -> None:
        """The run has begun, or goes on.

        :param record: of the run.
        :param journal: that it writes.
        """

    def end(self, record: RunRecord) -> None:
        """The run is over, in whatever way; all of its files are there.

        :param record: of the run; one without a status has never begun.
        """


class JournalLogger(FolderLogger):
    """Metrics in ``metrics.jsonl``, which every run has whatever ``logger=`` says."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal.path.parent)
        self.journal = journal

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self.journal.append(metrics, step or 0)


class MLflowLogger(FolderLogger):
    """A run in an MLflow store, in its own experiment. Training never waits for the store.

    :param directory: of the run, from which a thread brings everything there.
    :param experiment_name: groups runs that are compared with each other; created if it does not exist.
    :param run_name: for people. Either name may look like a number.
    :param tags: to search for, joined by the origin of the code.
    :param tracking_uri: the store; None for ``MLFLOW_TRACKING_URI``, else ``runs/mlflow.db``.
    :param run_id: go on with this run.
    :param study: makes the run a child of the study's: its ``name``, ``panel`` and ``variant``; or of a
        search's: its ``name``, and ``kind: search``.
    :param system_metrics: seconds between samples of what the machine does, which are taken where metrics are
        logged; None for no samples.
    :raises SettingError: if the store cannot be used as asked for. One that is away only costs a warning.
    """

    def __init__(
        self,
        directory: str | Path,
        experiment_name: str | int | float,
        run_name: str | int | float | None = None,
        tags: dict[str, Any] | None = None,
        tracking_uri: str | None = None,
        run_id: str | None = None,
        study: dict[str, Any] | None = None,
        system_metrics: float | None = None,
    ) -> None:
        super().__init__(directory)
        self._machine = None if system_metrics is None else SystemMetrics(system_metrics)
        self._journal: Journal | None = None
        names = str(experiment_name), None if run_name is None else str(run_name)
        target = Target(store_uri(tracking_uri), *names, tags or {}, study, run_id)
        self._delivery = Delivery(self.directory, target)
        self._courier = Courier(self._delivery)

    @property
    def run_id(self) -> str | None:
        """Of the run, as soon as the store has it."""
        return self._delivery.run_id

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Other metrics are in the journal; those of the machine join them, as they are asked for here."""
        if self._machine is not None and self._journal is not None and (sample := self._machine.sample()):
            self._journal.append(sample, step or 0)

    def begin(self, record: RunRecord, journal: Journal) -> None:
        self._journal = journal
        self._courier.begin(record, journal)

    def end(self, record: RunRecord) -> None:
        self._courier.end(record)


class CSVLogger(FolderLogger):
    """Metrics in ``<directory>/metrics.csv``: whatever happens, a whole table is there."""

    def __init__(self, directory: str | Path) -> None:
        super().__init__(directory)
        self._written, self._seconds = 0.0, 0.0

    def save(self) -> None:
        """Write the table, unless that took more than its share of the time."""
        start = time.monotonic()
        if self._seconds <= _TIME_SHARE * (start - self._written):
            self._write()
            self._written = time.monotonic()
            self._seconds = self._written - start

    def end(self, record: RunRecord) -> None:
        self._write()

    def _write(self) -> None:
        write_table(self.directory, self.directory)


def log_by(env_steps: Callable[[], int], logger: Logger) -> None:
    """Let a logger take the environment steps of now for the step of all that it is told.

    What Lightning's ``log`` and its own callbacks tell comes with a count of batches.
    """
    tell = logger.log_metrics

    def log_metrics(metrics: dict[str, float], step: int | None = None) -> None:
        tell(metrics, step=env_steps())

    logger.log_metrics = log_metrics  # type: ignore[method-assign]


def tensorboard(directory: str | Path) -> TensorBoardLogger:
    """Event files in ``<directory>/tensorboard``.

    :raises SettingError: if TensorBoard is not installed.
    """
    try:
        return TensorBoardLogger(save_dir=directory, name="tensorboard", version="", default_hp_metric=False)
    except ModuleNotFoundError as error:
        raise SettingError(
            "logger", "tensorboard", "needs the package: pip install 'remix-marl[tensorboard]'"
        ) from error
