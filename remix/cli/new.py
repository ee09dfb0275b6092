"""``remix new``: a small project of one's own, which trains as it is and is there to be changed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from remix.settings.errors import SettingError
from remix.settings.import_path import OURS

TEMPLATE = OURS / "template"

_NAME = "my_project"
"""What the project is called in the template's files."""


def new(arguments: list[str]) -> None:
    """Write the template into a folder, under the folder's name.

    :raises SettingError: there is no name, it is none that a project can have, or something is there.
    """
    if arguments in (["-h"], ["--help"]):
        print("remix new NAME: a small project of your own in a new folder NAME, which trains as it is")
        return
    given = " ".join(arguments)
    if len(arguments) != 1 or not given or given.startswith("-"):
        raise SettingError("name", given, "must be one name, as in: remix new my_project")
    folder = Path(given)
    name = folder.resolve().name
    ours = name.lower().replace("_", "-") in ("remix", "remix-marl")
    if not re.fullmatch(r"[A-Za-z]([\w-]*[A-Za-z0-9])?", name, re.ASCII) or ours:
        expected = (
            "must be ASCII letters, digits, _ and -, with a letter at first, and not remix or remix-marl"
        )
        raise SettingError("name", given, expected)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise SettingError("name", given, "is there already; choose another name, or an empty folder")
    _write(folder, name)
    print(f"{folder} has an environment, a weighting, their configurations, a study and tests. What next:")
    for command in (f"cd {shlex.quote(given)}", "remix train experiment=lamp", "remix train study=lamp"):
        print(f"  {command}")


def _write(folder: Path, name: str) -> None:
    for file in sorted(TEMPLATE.rglob("*")):
        place = file.relative_to(TEMPLATE)
        if file.is_file() and "__pycache__" not in place.parts:
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            text = file.read_text(encoding="utf-8").replace(_NAME, name)
            (folder / place).write_text(text, encoding="utf-8")
