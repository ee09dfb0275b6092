"""The project that a command is given in: the working directory, with its configurations in ``conf``."""

from __future__ import annotations

from pathlib import Path

from remix.settings.errors import SettingError
from remix.settings.import_path import OURS

CONFIGURATIONS = "conf"
"""The folder of a project's configurations, laid out as that of ReMIX."""

_OURS = OURS / CONFIGURATIONS


def own_configurations() -> Path | None:
    """The folder of the project's configurations; None if it has none."""
    folder = Path.cwd() / CONFIGURATIONS
    return folder if folder.is_dir() and not folder.samefile(_OURS) else None


def configuration_folders() -> list[Path]:
    """Where configurations are, those that come with ReMIX first."""
    own = own_configurations()
    return [_OURS] if own is None else [_OURS, own]


def check_added(folder: Path) -> None:
    """A folder adds configurations to those of ReMIX and replaces none of them.

    :raises SettingError: naming the first file of a name that is taken.
    """
    for file in sorted(_OURS.rglob("*.yaml")):
        name = file.relative_to(_OURS)
        if (folder / name).is_file():
            group, value = name.parent.as_posix(), name.stem
            setting = "--config-name" if group == "." else group
            where = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
            expected = f"comes with ReMIX, {where / name} cannot replace it; give that file another name"
            raise SettingError(setting, value, expected)
