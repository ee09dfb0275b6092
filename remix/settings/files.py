"""Files that more than one room reads and writes: where runs lie, and how a file is replaced."""

from __future__ import annotations

import os
from pathlib import Path

RUNS = Path("runs")
"""Where runs go, below the working directory."""

LAST_CHECKPOINTS = ("last.ckpt", "previous.ckpt")
"""In a run's folder ``checkpoints``: what it goes on from, and what it goes on from if that is damaged."""


def replace_text(path: Path, text: str) -> None:
    """Write a file that others may read, in UTF-8: whatever happens, the old or the new one is there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
