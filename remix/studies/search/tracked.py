"""A search in MLflow: a parent run in the experiment of the search's name, the trials' runs as children."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from remix.runs.config import plain
from remix.settings.redaction import redact
from remix.studies.search.composition import spelled
from remix.studies.search.folder import SEARCH_FILE
from remix.studies.search.plan import Plan
from remix.tracking import flatten, run_tags
from remix.tracking.store import connect, experiment_id, store_uri
from remix.tracking.studies import DESCRIPTION, KIND, PARENT, find_parent

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

SEARCH = "search"


class TrackedSearch:
    """The parent run of a search. Without an MLflow logger in the configuration all methods do nothing."""

    def __init__(self, plan: Plan, begun: Mapping[str, Any]) -> None:
        """Find the run or make it. Of several processes one at a time may do so.

        :param begun: the settings that the search was begun with.
        :raises SettingError: if the store cannot be reached.
        """
        self._client: MlflowClient | None = None
        self._run_id = ""
        node = plan.base.logger.get("mlflow")
        if node is None:
            return
        self._client = client = connect(uri := store_uri(node.tracking_uri))
        experiment = experiment_id(client, uri, plan.name)
        if (found := find_parent(client, experiment, SEARCH)) is not None:
            self._run_id = found.info.run_id
            client.update_run(self._run_id, status="RUNNING")
            return
        run = client.create_run(experiment, run_name=plan.name, tags=run_tags({KIND: SEARCH}))
        self._run_id = run.info.run_id
        space = {key.removeprefix("+"): spelled(given) for key, given in begun["space"].items()}
        for key, value in flatten({**begun, "space": space}, skip=("name", "trials")).items():
            client.log_param(self._run_id, f"search.{key}", value)
        client.log_artifact(self._run_id, str(plan.folder / SEARCH_FILE))

    @property
    def active(self) -> bool:
        """Whether there is a run in MLflow."""
        return self._client is not None

    def adopt(self, config: DictConfig, number: int, values: Mapping[str, object]) -> None:
        """Make the run that ``config`` is about to start a child of this one.

        Its tags name the trial and its values; among its parameters are classes instead of groups.
        """
        if self._client is None:
            return
        tags = {key.removeprefix("+"): value for key, value in values.items()}
        tags |= {"trial": number, PARENT: self._run_id}
        config.logger.mlflow.tags = plain(config.logger.mlflow.tags) | tags

    def log(self, number: int, metrics: Mapping[str, float]) -> None:
        """Metrics after the trial of a number."""
        if self._client is not None:
            with _forgiven():
                for name, value in metrics.items():
                    self._client.log_metric(self._run_id, name, value, step=number)

    def describe(self, text: str) -> None:
        """What stands above the run's parameters."""
        if self._client is not None:
            with _forgiven():
                self._client.set_tag(self._run_id, DESCRIPTION, redact(text))

    def end(self, status: str) -> None:
        """Close the parent run with a status: ``FINISHED``, ``FAILED`` or ``KILLED``."""
        if self._client is not None:
            with _forgiven():
                self._client.set_terminated(self._run_id, status)


@contextmanager
def _forgiven() -> Iterator[None]:
    """Within, errors of the store become warnings: the journal holds everything, and the search goes on."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        print(f"warning: MLflow did not take a result of the search: {error}", file=sys.stderr)
