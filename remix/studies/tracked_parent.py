"""A run in MLflow that stands for others, made of what is in their common folder."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from remix.settings.errors import SettingError, first_line
from remix.settings.redaction import redacted
from remix.tracking.courier import within
from remix.tracking.note import Note
from remix.tracking.store import AwayError, connect, experiment_id
from remix.tracking.studies import parent_run

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


class TrackedParent(ABC):
    """The parent run of a study or a search, in the experiment of its name.

    :param folder: of the study or search.
    :param name: of it.
    :param uri: of the store.
    """

    kind: ClassVar[str]
    """What it stands for, the value of its tag ``kind``."""

    def __init__(self, folder: Path, name: str, uri: str) -> None:
        self.folder, self.name, self.uri = folder, name, uri
        self.note, self._away = self._noted(), False

    @abstractmethod
    def status(self) -> str:
        """What has come of it so far, in MLflow's word."""

    @abstractmethod
    def content(self) -> bytes:
        """What the store is to have; it gets that again whenever this has changed."""

    @abstractmethod
    def bring(self, client: MlflowClient, run_id: str) -> None:
        """Bring the content to the run."""

    def begin(self) -> None:
        """Create or reopen the run. A store that is away costs a warning.

        :raises SettingError: if the store cannot be used.
        """
        self.note.status = None  # a run that ended is running again
        self.note.write(self.folder)
        self.update()

    def update(self) -> None:
        """Bring what is new, unless the store was away before: then it gets everything in the end."""
        if self._away:
            return
        try:
            self.deliver("RUNNING")
        except AwayError as error:
            self._tell(error)

    def close(self, status: str) -> None:
        """End it for now: deliver what the store lacks, or say that it could not be delivered.

        :param status: FINISHED, FAILED or KILLED.
        """
        try:
            self.deliver(status)
        except SettingError as error:
            self._tell(error)

    def deliver(self, status: str) -> None:
        """Bring the content and the status to the store, waiting for some seconds at most.

        :raises SettingError: if the store is away, or cannot be used.
        """
        self.note = self._noted()
        if not self.is_complete(status):
            within(self.uri, lambda: self._deliver(status))

    def is_complete(self, status: str) -> bool:
        """Whether the store has all of it, as far as the note in its folder says."""
        return (self.note.status, self.note.parameters) == (status, self._digest())

    def _noted(self) -> Note:
        note, store = Note.read(self.folder), redacted(self.uri)
        return note if note is not None and note.store == store else Note(store)

    def _deliver(self, status: str) -> None:
        client = connect(self.uri)
        experiment = experiment_id(client, self.uri, self.name)
        run_id = parent_run(client, self.uri, experiment, self.name, self.kind)
        if self.note.parameters != (digest := self._digest()) or self.note.run_id != run_id:
            self.bring(client, run_id)
        if status == "RUNNING":
            client.update_run(run_id, status)
        else:
            client.set_terminated(run_id, status)
        self.note.run_id, self.note.parameters, self.note.status = run_id, digest, status
        self.note.write(self.folder)

    def _digest(self) -> str:
        return sha256(self.content()).hexdigest()

    def _tell(self, error: SettingError) -> None:
        self._away = True
        kept = f"the {self.kind} is in {self.folder}, and 'remix sync' delivers it"
        print(f"warning: {first_line(error)}; {kept}", file=sys.stderr, flush=True)
