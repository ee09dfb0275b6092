"""How many threads a run may use beside others, of a Hydra launcher's jobs or of this process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any


def threads_of_a_job(launcher: Mapping[str, Any]) -> int | None:
    """Cores that the launcher has for each job; None if jobs come one after the other.

    :param launcher: ``hydra.launcher``, of joblib (``n_jobs``), Submitit (``cpus_per_task``) or Ray.
    """
    if (jobs := launcher.get("n_jobs")) is not None:
        return max(1, cores() // jobs) if jobs > 0 else 1
    if "cpus_per_task" in launcher:
        return launcher["cpus_per_task"] or 1
    if "num_cpus" in launcher:
        return max(1, int(launcher["num_cpus"]))
    return None


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
