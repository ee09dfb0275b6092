"""The command as it can be typed where we are."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path


def program() -> str:
    """``remix``, with its path where a shell would not find it or would find another one."""
    own = Path(sys.executable).with_name("remix")
    found = shutil.which("remix")
    if not own.is_file() or (found is not None and own.samefile(found)):
        return "remix"
    return shlex.quote(str(own.relative_to(Path.cwd()) if own.is_relative_to(Path.cwd()) else own))
