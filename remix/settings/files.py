"""Files that more than one room reads and writes: where runs lie, and how a file is replaced."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from remix.settings.errors import SettingError

RUNS = Path("runs")
"""Where runs go, below the working directory."""

LAST_CHECKPOINTS = ("last.ckpt", "previous.ckpt")
"""In a run's folder ``checkpoints``: what it goes on from, and what it goes on from if that is damaged."""


def replace_text(path: Path, text: str) -> None:
    """Write a file that other processes may read: whatever happens, the old or the new one is there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Within, the content of a folder is written, in another place: it is there as a whole or not at all.

    :raises SettingError: there is something of that name.
    """
    if path.exists():
        raise SettingError("output", path, "is there already; choose another folder")
    temporary = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)  # of a process that was killed
    temporary.mkdir(parents=True)
    try:
        yield temporary
        temporary.rename(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
