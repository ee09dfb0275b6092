"""SQLite stores that were moved or copied, with the folder of their artifacts beside them."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

_PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Tables and columns of MLflow that hold whole addresses of artifacts."""


def bring_along(database: Path, artifacts: Path) -> None:
    """Correct the addresses of artifacts in a database that lay elsewhere before.

    MLflow would look for them at the former place, and put those of later runs there.

    :param artifacts: the folder beside the database, absolute; nothing is done where it is not there.
    """
    if not artifacts.is_dir():
        return
    here = artifacts.as_uri()
    with closing(sqlite3.connect(database)) as connection, connection:
        known = connection.execute("SELECT DISTINCT artifact_location FROM experiments").fetchall()
        for (former,) in known:
            if former != here and _was_ours(former, database, artifacts):
                for table, column in _PLACES:
                    connection.execute(
                        f"UPDATE {table} SET {column} = ?1 || substr({column}, length(?2) + 1) "
                        f"WHERE {column} = ?2 OR substr({column}, 1, length(?2) + 1) = ?2 || '/'",
                        (here, former),
                    )


def knows(database: Path, run_id: str | None) -> bool:
    """Whether a database, that of MLflow or another one, has a run."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as connection:
        return bool(connection.execute("SELECT 1 FROM runs WHERE run_uuid = ?", (run_id,)).fetchone())
    return False


def _was_ours(address: str | None, database: Path, artifacts: Path) -> bool:
    """Whether the artifacts of a database lay at an address before it was moved, or copied.

    Other programs may keep theirs in a folder of the same name: one that is there, without a database like
    this beside it, stays theirs.
    """
    parts = urlsplit(address or "")
    folder = Path(url2pathname(parts.path))
    if parts.scheme != "file" or folder.name != artifacts.name:
        return False
    with suppress(OSError):
        if folder.samefile(artifacts):  # by another path, as through a link
            return False
        return (folder.parent / database.name).is_file()
    return True
