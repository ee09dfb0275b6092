"""The files of a run in a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from remix.settings.errors import SettingError

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient


class Artifacts:
    """The files of a run, listed once. MLflow's client would ask for the run again with every file.

    :param client: of the store.
    :param run: that the store has.
    :ivar sizes: bytes by name, without what lies in folders.
    """

    def __init__(self, client: MlflowClient, run: Run) -> None:
        from mlflow.artifacts import list_artifacts

        self._run_id, self._address = str(run.info.run_id), str(run.info.artifact_uri).rstrip("/")
        self._store = str(client.tracking_uri)
        listed = list_artifacts(artifact_uri=self._address, tracking_uri=self._store)
        self.sizes = {Path(file.path).name: file.file_size or 0 for file in listed if not file.is_dir}

    def download(self, name: str, folder: Path, largest: int) -> Path | None:
        """Copy a file into a folder; None if the run has none of that name.

        :param largest: bytes; a file that is larger is refused before it comes.
        :raises SettingError: if it is too large, or the store would put it elsewhere.
        """
        from mlflow.artifacts import download_artifacts

        if name not in self.sizes:
            return None
        if self.sizes[name] > largest:
            raise SettingError(name, self._run_id, f"has {self.sizes[name]:,} bytes; at most {largest:,}")
        address = f"{self._address}/{name}"
        copied = download_artifacts(artifact_uri=address, dst_path=str(folder), tracking_uri=self._store)
        path = Path(copied)
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            raise SettingError(name, self._run_id, f"does not come as a file called {name}")
        return path
