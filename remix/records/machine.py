"""The machine that a run is trained on, as far as the system tells. Free of torch."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path


def machine() -> dict[str, str]:
    """``processor``, ``cores`` (those that this process may use) and ``system``."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    """Its name; its architecture where only that is known."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        found = None
    return " ".join(found[1].split()) if found else platform.processor() or platform.machine()
