"""The loggers of ``conf/logger``: Lightning's, made safe for parallel runs and for resumed ones."""

from __future__ import annotations

import csv
import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import CSVLogger as LightningCSVLogger
from pytorch_lightning.loggers import MLFlowLogger as LightningMLFlowLogger
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.loggers.csv_logs import ExperimentWriter

from envs.errors import SettingError
from remix.tracking.runs import PARAMETERS_AT_ONCE, flatten, run_tags
from remix.tracking.store import connect, experiment_id, store_uri
from remix.tracking.studies import child_tags, parent_run


class MLflowLogger(LightningMLFlowLogger):
    """A run in an MLflow store, in its own experiment.

    The run is RUNNING while anything is logged to it, whatever phase of training was finished before.

    :param experiment_name: groups runs that are compared with each other; created if it does not exist.
    :param run_name: for people. Either name may look like a number.
    :param tags: to search for, joined by the origin of the code.
    :param tracking_uri: the store; None for ``MLFLOW_TRACKING_URI``, else ``runs/mlflow.db``.
    :param run_id: go on with this run.
    :param study: makes a new run a child of the study's: its ``name``, ``panel`` and ``variant``.
    :raises SettingError: if the store cannot be reached or has no such run.
    """

    def __init__(
        self,
        experiment_name: str | int | float,
        run_name: str | int | float | None = None,
        tags: dict[str, Any] | None = None,
        tracking_uri: str | None = None,
        run_id: str | None = None,
        study: dict[str, Any] | None = None,
    ) -> None:
        uri = store_uri(tracking_uri)
        client = connect(uri)
        if run_id is None:
            experiment = experiment_id(client, uri, str(experiment_name))
            if study is not None:
                parent = parent_run(client, uri, experiment, str(study["name"]))
                tags = {**(tags or {}), **child_tags(study, parent)}
        else:
            _check_run(client, uri, run_id)
        super().__init__(
            experiment_name=str(experiment_name),
            run_name=None if run_name is None else str(run_name),
            tracking_uri=uri,
            tags=run_tags(tags or {}),
            log_model=False,
            run_id=run_id,
            synchronous=False,  # a metric then costs microseconds instead of a database transaction
        )
        # A run that goes on keeps the status of its interruption until told otherwise.
        self._ended = run_id is not None
        self._reopen()

    def log_hyperparams(self, params: dict[str, Any] | Namespace) -> None:
        """Add parameters. Those that the run has already stay as they are; other values go into a tag."""
        from mlflow.entities import Param

        given = vars(params) if isinstance(params, Namespace) else params
        wanted = {key: str(value) for key, value in flatten(given).items()}
        present = self.experiment.get_run(self.run_id).data.params
        new = [Param(key, value) for key, value in wanted.items() if key not in present]
        for start in range(0, len(new), PARAMETERS_AT_ONCE):
            self.experiment.log_batch(self.run_id, params=new[start : start + PARAMETERS_AT_ONCE])
        changed = {key: value for key, value in wanted.items() if present.get(key, value) != value}
        if changed:
            self.experiment.set_tag(self.run_id, "changed_on_resume", str(changed))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self._reopen()
        super().log_metrics(metrics, step)

    def save(self) -> None:
        """Whatever was logged is in the store when this returns."""
        # The client itself has no way to wait for its queue.
        self.experiment._tracking_client.store.flush_async_logging()

    def finalize(self, status: str = "success") -> None:
        super().finalize(status)
        self._ended = True

    def _reopen(self) -> None:
        if self._ended:
            self.experiment.update_run(self.run_id, status="RUNNING")
            self._ended = False


class CSVLogger(LightningCSVLogger):
    """Metrics in ``<directory>/metrics.csv``, parameters in ``<directory>/hparams.yaml``, written at once.

    :param resume: ``auto`` goes on in the file that is there, ``never`` replaces it.
    """

    def __init__(self, directory: str | Path, resume: str = "never") -> None:
        super().__init__(save_dir=directory, name="", version="", flush_logs_every_n_steps=1)
        self._resume = resume == "auto"

    @property
    def experiment(self) -> Any:
        if self._experiment is None:
            self._experiment = _Writer(self.log_dir, self._resume)
        return self._experiment


class _Writer(ExperimentWriter):
    def __init__(self, log_dir: str, resume: bool) -> None:
        self._resume = resume
        super().__init__(log_dir)

    def _check_log_dir_exists(self) -> None:
        """The run directory may hold other files; only an old table is in the way."""
        if not os.path.isfile(self.metrics_file_path):
            return
        if self._resume:
            with open(self.metrics_file_path, newline="") as file:
                self.metrics_keys = next(csv.reader(file), [])
        else:
            os.remove(self.metrics_file_path)


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


def _check_run(client: Any, uri: str, run_id: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.get_run(run_id)
    except MlflowException as error:
        raise SettingError(
            "run_id", run_id, f"is not a run in {uri}; start anew with resume=never, or train with logger=csv"
        ) from error
