"""Delivery of a run's folder to an MLflow store. It may be repeated; nothing is delivered twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix.records.directory import BEST, CONFIGURATION, FILM, HEAT_MAP, LEARNING_CURVE, WEIGHTS
from remix.records.record import RunRecord
from remix.settings.errors import SettingError
from remix.settings.redaction import redacted
from remix.tracking.journal import JOURNAL, Journal
from remix.tracking.note import Note
from remix.tracking.points import POINTS_AT_ONCE, batches, stored_key
from remix.tracking.runs import (
    LONGEST_TAG,
    PARAMETERS_AT_ONCE,
    configuration,
    log_file,
    run_parameters,
)
from remix.tracking.store import connect, experiment_id
from remix.tracking.studies import child_tags, has_run, kind_of, parent_run

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

ARTIFACTS = (
    CONFIGURATION,
    BEST,
    FILM,
    LEARNING_CURVE,
    HEAT_MAP,
    WEIGHTS,
    JOURNAL,
)
"""Files of a run directory that MLflow gets when the run is over, as far as they exist."""

KEY = "remix.run"
"""The tag that tells a run from all others, so that none is made twice."""

STATUSES = {"running": "RUNNING", "finished": "FINISHED", "failed": "FAILED"}
"""MLflow's words; a run that ended in another way is ``KILLED``, and its tag ``status`` has our word."""

WHOLE = ("finished", "stopped")
"""Ends after which all metrics are delivered; of others only those that no resume takes back."""

STATES = ("identity", "status", "error", "copied_from", "seconds")
"""What of a run's record is among its tags."""


def _states(record: RunRecord) -> dict[str, str]:
    """The tags that say what became of the run."""
    states = {name: getattr(record, name) for name in STATES}
    return _texts(states | ({"seconds": None} if record.status == "running" else {}))


def _texts(tags: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value)[:LONGEST_TAG] for name, value in tags.items() if value is not None}


def _milliseconds(record: RunRecord) -> int | None:
    """When the run began."""
    started = record.started
    return None if started is None else int(1000 * datetime.fromisoformat(started).timestamp())


@dataclass(frozen=True)
class Target:
    """The store that a run is delivered to, and the run there.

    :ivar uri: of the store.
    :ivar run_id: of a run that is there and is to go on; None to find or make one.
    """

    uri: str
    experiment_name: str
    run_name: str | None
    tags: Mapping[str, Any]
    study: Mapping[str, Any] | None = None
    run_id: str | None = None


class Delivery:
    """Brings what is in the folder of a run to a store.

    :param directory: of the run.
    :ivar cancelled: nobody waits any more; whatever the store still takes is not noted.
    :ivar taken: how many times the store has taken something.
    """

    def __init__(self, directory: Path, target: Target) -> None:
        self.directory, self.target, self.journal = directory, target, Journal(directory)
        self.cancelled, self.taken = False, 0
        self._client: MlflowClient | None = None
        self._experiment, self._parent = "", ""
        self._goes_on_at: int | None = None
        store = redacted(target.uri)
        note = Note.read(directory) or Note(store)
        if note.store != store or target.run_id not in (None, note.run_id):
            note = Note(store, note.key, target.run_id)
        self.note = note

    @property
    def run_id(self) -> str | None:
        """Of the run, if the store is known to have it."""
        return self.note.run_id

    def go_on(self, journal: Journal) -> None:
        """Take note that the run begins or goes on with this journal, in which nothing is new yet."""
        self.journal, self._goes_on_at = journal, journal.kept
        self.note.repeats |= self.note.metrics > journal.kept
        self.note.metrics = min(self.note.metrics, journal.kept)

    def contact(self) -> None:
        """Reach the store, and see that the run is still there if it was.

        :raises AwayError: if the store is out of reach.
        :raises SettingError: if the store cannot be used, or the wanted run is not there.
        """
        if self._client is not None:
            return
        client = connect(uri := self.target.uri)
        self._experiment = experiment_id(client, uri, self.target.experiment_name)
        if self.note.run_id is not None and not has_run(client, self.note.run_id):
            if self.target.run_id is not None:
                raise SettingError(
                    "run_id", self.target.run_id, f"is not a run in {uri}; null makes a new one"
                )
            print(f"the run {self.note.run_id} was deleted from {uri}; a new one is made of {self.directory}")
            self.note = Note(self.note.store)
        self._client = client

    def bring(self, record: RunRecord) -> None:
        """Bring what is missing there, and nothing else. What the store took is noted at once.

        :param record: of the run; decides how much of it stands for good.
        """
        try:
            self._bring(record)
        except Exception:
            self._client = None  # a new contact checks that the run is still there
            raise

    def _bring(self, record: RunRecord) -> None:
        assert self._client is not None
        client, status = self._client, str(record.status)
        self._go_back(client)
        run_id = self.note.run_id or self._find_or_create(client, record)
        self._bring_parameters(client, run_id)
        self._bring_tags(client, run_id, record)
        word = STATUSES.get(status, "KILLED")
        if status == "running" and self.note.status != word:
            client.update_run(run_id, word)
            self._took(status=word)
        self._bring_metrics(client, run_id, self._end(status))
        if status != "running":
            self._bring_files(client, run_id)
            if self.note.status != word:
                client.set_terminated(run_id, word, self.journal.last_change())
                self._took(status=word)

    def is_complete(self, record: RunRecord) -> bool:
        """Whether the store has everything, as far as the folder knows."""
        status, note = str(record.status), self.note
        return (
            note.run_id is not None
            and note.parameters == self._digest()
            and note.metrics >= self._end(status)
            and note.status == STATUSES.get(status, "KILLED")
            and _states(record).items() <= note.tags.items()
            and not self._outdated(record)
            and self._files() == note.files
        )

    def _end(self, status: str) -> int:
        """Bytes of the journal that no resume will take back."""
        return self.journal.length if status in WHOLE else self.journal.kept

    def _go_back(self, client: MlflowClient) -> None:
        """Follow a run that went on from an earlier checkpoint.

        MLflow cannot take points back. If it has points that the run took back, the run is made anew there.
        """
        if self._goes_on_at is None:
            return
        if self._goes_on_at < self.note.kept and self.note.run_id and self.target.run_id is None:
            client.delete_run(self.note.run_id)
            self.note = Note(self.note.store)
        self._goes_on_at = None

    def _find_or_create(self, client: MlflowClient, record: RunRecord) -> str:
        self._took()  # writes the key down before the store gets it
        found = client.search_runs([self._experiment], f"tags.`{KEY}` = '{self.note.key}'", max_results=1)
        if found:
            run = found[0]
        else:
            tags = self._tags(record) | {KEY: self.note.key}
            start = _milliseconds(record)
            run = client.create_run(self._experiment, start, tags, self.target.run_name)
        self._took(run_id=run.info.run_id)
        return str(run.info.run_id)

    def _tags(self, record: RunRecord) -> dict[str, str]:
        known = {**(record.origin or {}), **(record.machine or {}), "best_return": record.best_return}
        own = {stored_key(str(name)): value for name, value in redacted(self.target.tags).items()}
        return _texts(known | own) | _states(record)

    def _bring_tags(self, client: MlflowClient, run_id: str, record: RunRecord) -> None:
        """Deliver tags. Those of the first process that trained the run stay; only the state changes."""
        from mlflow.entities import RunTag

        changing = _states(record)
        if self.target.study is not None:
            if not self._parent:
                name, kind = str(self.target.study["name"]), kind_of(self.target.study)
                self._parent = parent_run(client, self.target.uri, self._experiment, name, kind)
            changing |= child_tags(self.target.study, self._parent)
        missing = dict((self._tags(record) | self.note.tags | changing).items() - self.note.tags.items())
        if missing:
            client.log_batch(run_id, tags=[RunTag(name, value) for name, value in missing.items()])
            self._took(tags=self.note.tags | missing)
        for name in self._outdated(record):
            client.delete_tag(run_id, name)
            self._took(tags={other: value for other, value in self.note.tags.items() if other != name})

    def _outdated(self, record: RunRecord) -> set[str]:
        """Tags of what is no longer so, such as the error of a run that went on and finished."""
        return (self.note.tags.keys() & set(STATES)) - _states(record).keys()

    def _digest(self) -> str:
        return sha256((self.directory / CONFIGURATION).read_bytes()).hexdigest()

    def _bring_parameters(self, client: MlflowClient, run_id: str) -> None:
        """Deliver the parameters. One that the store has stays; a new value of it goes into a tag."""
        from mlflow.entities import Param

        if self.note.parameters == (digest := self._digest()):
            return
        parameters = run_parameters(configuration(self.directory))
        wanted = {stored_key(key): str(value) for key, value in parameters.items()}
        present = client.get_run(run_id).data.params
        new = [Param(key, value) for key, value in wanted.items() if key not in present]
        for start in range(0, len(new), PARAMETERS_AT_ONCE):
            client.log_batch(run_id, params=new[start : start + PARAMETERS_AT_ONCE])
        changed = {key: value for key, value in wanted.items() if present.get(key, value) != value}
        if changed:
            client.set_tag(run_id, "changed_on_resume", str(changed)[:LONGEST_TAG])
        self._took(parameters=digest)

    def _bring_metrics(self, client: MlflowClient, run_id: str, end: int) -> None:
        """Deliver the metrics in batches.

        A batch whose answer was lost is sent again: MLflow recognises equal points by their time. A run that
        stopped was delivered to its end; where it goes on there, the points of that step are not new.
        """
        there: dict[str, set[int]] = {}
        for batch, place in batches(self.journal, self.note.metrics, end):
            for name in {point.key for point in batch if self.note.repeats} - there.keys():
                there[name] = {point.step for point in client.get_metric_history(run_id, name)}
            points = [point for point in batch if point.step not in there.get(point.key, ())]
            for start in range(0, len(points), POINTS_AT_ONCE):
                client.log_batch(run_id, metrics=points[start : start + POINTS_AT_ONCE])
            repeats = self.note.repeats and (not batch or len(points) < len(batch))
            self._took(metrics=place, kept=min(place, self.journal.kept), repeats=repeats)

    def _bring_files(self, client: MlflowClient, run_id: str) -> None:
        for name, version in self._files().items():
            if self.note.files.get(name) != version:
                log_file(client, run_id, self.directory, name)
                self._took(files=self.note.files | {name: version})

    def _files(self) -> dict[str, list[int]]:
        found = {name: self.directory / name for name in ARTIFACTS}
        return {
            name: [path.stat().st_size, path.stat().st_mtime_ns]
            for name, path in found.items()
            if path.is_file()
        }

    def _took(self, **changes: Any) -> None:
        if self.cancelled:
            raise TimeoutError("nobody waits any more")
        for name, value in changes.items():
            setattr(self.note, name, value)
        self.note.write(self.directory)
        self.taken += 1
