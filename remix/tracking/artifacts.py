"""The files of a run in a store."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

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
        self._store, self._folder = str(client.tracking_uri), _local(self._address)
        if self._folder is not None:
            files = self._folder.iterdir() if self._folder.is_dir() else ()
            self.sizes = {file.name: file.stat().st_size for file in files if file.is_file()}
            return
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
        if self._folder is not None:
            return Path(shutil.copyfile(self._folder / name, folder / name))
        address = f"{self._address}/{name}"
        copied = download_artifacts(artifact_uri=address, dst_path=str(folder), tracking_uri=self._store)
        path = Path(copied)
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            raise SettingError(name, self._run_id, f"does not come as a file called {name}")
        return path


def _local(address: str) -> Path | None:
    """The folder that an address means; None if it is elsewhere.

    MLflow's client starts threads to copy a single file from one folder to another.
    """
    parts = urlsplit(address)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(url2pathname(parts.path))
    return None if parts.scheme or parts.netloc else Path(address)
