"""A folder that is there as a whole or not at all. Free of torch."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from remix.records.claims import TakenError, claim
from remix.settings.errors import SettingError


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Within, the content of a folder is written, in another place that this process alone holds.

    :raises SettingError: there is something of that name, or another process is writing it.
    """
    _check_free(path)
    place = path.with_name(f".{path.name}.tmp")
    content = place / "content"
    with ExitStack() as held:
        try:
            held.enter_context(claim(place))
        except TakenError as error:
            expected = "another process is writing it; choose another folder"
            raise SettingError("output", path, expected) from error
        try:
            _check_free(path)  # whoever held the place before may have finished it
            shutil.rmtree(content, ignore_errors=True)  # of a process that was killed
            content.mkdir()
            yield content
            content.rename(path)
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _check_free(path: Path) -> None:
    if path.exists():
        raise SettingError("output", path, "is there already; choose another folder")
