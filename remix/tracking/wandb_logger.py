"""Weights & Biases, for those who compare their runs there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

from remix.records.record import RunRecord
from remix.settings import checks
from remix.settings.errors import SettingError, first_line
from remix.tracking.journal import Journal
from remix.tracking.loggers import FolderLogger
from remix.tracking.runs import configuration, run_parameters

FOLDER = "wandb"
"""In a run's directory: what its own process has to send, and the id of the run there."""

_SUCCESSFUL = ("finished", "stopped")


class WandbLogger(FolderLogger):
    """A run in Weights & Biases, sent by a process of that package, so that training does not wait.

    A run that is resumed goes on there. It repeats what it did after its last checkpoint; Weights & Biases
    has those points already and leaves them out.

    :param directory: of the run.
    :param project: groups runs that are compared with each other.
    :param name: of the run, for people.
    :param offline: keep everything in the directory, to be sent with ``wandb sync`` later.
    :raises SettingError: if the package is not installed, or nobody is logged in.
    """

    def __init__(
        self,
        directory: str | Path,
        project: str | int | float,
        name: str | int | float | None = None,
        offline: bool = False,
    ) -> None:
        super().__init__(directory)
        self._project, self._name = str(project), None if name is None else str(name)
        self._offline = checks.flag("offline", offline)
        self._wandb = _wandb(offline)
        self._run: Any = None

    def begin(self, record: RunRecord, journal: Journal) -> None:
        try:
            self._run = self._wandb.init(
                project=self._project,
                name=self._name,
                id=self._id(),
                dir=self.directory,
                config=run_parameters(configuration(self.directory)),
                mode="offline" if self._offline else None,
                resume="allow",
                reinit="create_new",  # several runs may train in one process
            )
        except self._wandb.errors.Error as error:
            expected = f"{first_line(error)}; offline=true keeps the run here"
            raise SettingError("logger.wandb.project", self._project, expected) from error

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Hand over what the journal gets, too.

        :param step: environment steps.
        """
        if self._run is not None:
            self._run.log(dict(metrics), step=step)

    def end(self, record: RunRecord) -> None:
        if self._run is not None:
            self._run.finish(exit_code=0 if record.status in _SUCCESSFUL else 1)

    def _id(self) -> str:
        """The same one whenever the run goes on."""
        path = self.directory / FOLDER / "id"
        if not path.is_file():
            path.parent.mkdir(exist_ok=True)
            path.write_text(token_hex(4))
        return path.read_text()


def _wandb(offline: bool) -> Any:
    try:
        import wandb
        from wandb.apis import InternalApi
    except ImportError as error:
        expected = "needs the package: pip install 'remix-marl[wandb]'"
        raise SettingError("offline", offline, expected) from error
    mode = wandb.setup().settings.mode
    if not offline and mode == "online" and not InternalApi().api_key:
        raise SettingError("offline", False, "needs a login: run 'wandb login', or use true")
    return wandb
