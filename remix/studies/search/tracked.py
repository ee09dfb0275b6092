"""A search in MLflow: a parent run in the experiment of the search's name, the trials' runs as children."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from remix.records.claims import turn
from remix.settings.errors import SettingError
from remix.settings.files import replace_text
from remix.settings.redaction import redact
from remix.studies.search.composition import spelled
from remix.studies.search.plan import SETTINGS, Plan
from remix.studies.search.trials import LOCKS, Trials
from remix.studies.tracked_parent import TrackedParent
from remix.tracking import flatten
from remix.tracking.plan_file import SEARCH_FILE
from remix.tracking.store import DESCRIPTION, store_uri
from remix.tracking.studies import SEARCH

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

BEST_FILE = "best.md"
"""In a search's folder: the best trial, and the command that trains with its values."""


class TrackedSearch(TrackedParent):
    """What a search is, and what came of it: its settings, a point for every finished trial, the best one.

    :param folder: of the search.
    :param uri: of the store.
    """

    kind = SEARCH

    def __init__(self, folder: Path, uri: str) -> None:
        self.begun = _begun(folder / SEARCH_FILE)
        name = str(self.begun["name"])
        self.trials = Trials(folder, name, self.begun["trials"], self.begun["sampler_seed"])
        super().__init__(folder, name, uri)

    @classmethod
    def open(cls, plan: Plan) -> TrackedSearch | None:
        """Create or reopen the parent run; None if runs are not tracked in MLflow.

        :raises SettingError: if the store cannot be used. One that is away only costs a warning.
        """
        node = plan.base.logger.get("mlflow")
        if node is None:
            return None
        search = cls(plan.folder, store_uri(node.tracking_uri))
        search.begin()
        return search

    def describe(self, text: str) -> None:
        """What stands above the run's parameters."""
        replace_text(self.folder / BEST_FILE, redact(text))

    def status(self) -> str:
        counts = self.trials.counts()
        if self.trials.somebody_works():
            return "RUNNING"
        if counts["running"] or counts.total() < self.begun["trials"]:
            return "KILLED"
        return "FINISHED" if counts["finished"] else "FAILED"

    def deliver(self, status: str) -> None:
        with turn(self.folder / LOCKS / "delivering"):  # several processes may share the search
            super().deliver(status)

    def content(self) -> bytes:
        finished = [trial.number for trial in self.trials.finished()]
        return f"{self.begun} {finished} {self._best()}".encode()

    def bring(self, client: MlflowClient, run_id: str) -> None:
        from mlflow.entities import Metric, Param

        space = {key.removeprefix("+"): spelled(given) for key, given in self.begun["space"].items()}
        settings = flatten({**self.begun, "space": space}, skip=("name", "trials"))
        client.log_batch(run_id, params=[Param(f"search.{key}", str(text)) for key, text in settings.items()])
        client.log_artifact(run_id, str(self.folder / SEARCH_FILE))
        if best := self._best():
            client.set_tag(run_id, DESCRIPTION, best)
        there = {point.step for point in client.get_metric_history(run_id, "return")}
        highest = float("-inf")
        for trial in self.trials.finished():
            assert trial.value is not None and trial.datetime_complete is not None
            highest, step = max(highest, trial.value), trial.number + 1
            if step not in there:
                time = _milliseconds(trial.datetime_complete)
                values = {"return": trial.value, "best_return": highest}
                points = [Metric(name, value, time, step) for name, value in values.items()]
                client.log_batch(run_id, metrics=points)

    def _best(self) -> str:
        file = self.folder / BEST_FILE
        return file.read_text(encoding="utf-8") if file.is_file() else ""


def _begun(file: Path) -> dict[str, Any]:
    """The settings that a search was begun with.

    :raises SettingError: if the file does not tell them.
    """
    try:
        search = yaml.safe_load(file.read_text(encoding="utf-8"))["search"]
        return {name: search[name] for name in SETTINGS}
    except (yaml.YAMLError, UnicodeDecodeError, OSError, KeyError, TypeError) as error:
        raise SettingError("search", file, "does not tell what a search was begun with") from error


def _milliseconds(time: datetime) -> int:
    return int(1000 * time.timestamp())
