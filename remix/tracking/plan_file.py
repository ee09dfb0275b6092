"""The file that says what a study consists of, read from a store or a folder: nothing in it is believed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remix.settings import checks
from remix.settings.errors import SettingError
from remix.settings.names import check_name

PLAN_FILE = "plan.json"
"""On the run of a study and in its folder: all its jobs."""

SEARCH_FILE = "search.yaml"
"""On the run of a search and in its folder: its settings, and the configuration that trials change."""

LARGEST_FILE = 64 * 2**20  # bytes
MOST_JOBS = 20_000

_NAMES = ("panel", "variant", "algorithm", "identity")
_TEXTS = ("study", "title", "metric", "score")


def read_plan(path: Path) -> dict[str, Any]:
    """The plan of a study: ``study``, ``title``, ``metric``, ``score`` and ``jobs``, a list.

    Every job has a ``panel``, ``variant``, ``algorithm`` and ``identity``, all text, and a ``seed``.
    ``onset`` is the score above which a run has begun to learn, ``reference`` the variant that the others are
    compared with; both may be missing.

    :raises SettingError: if the file is no such plan, naming what is wrong with it.
    """
    try:
        if (size := path.stat().st_size) > LARGEST_FILE:
            raise SettingError("study", path, f"has {size:,} bytes; at most {LARGEST_FILE:,} are read")
        plan = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError("study", path, f"cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # ValueError: no JSON, no UTF-8, too many digits
        reason = getattr(error, "msg", "") or type(error).__name__
        place = f" on line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise SettingError("study", path, f"is not the plan of a study ({reason}{place})") from error
    try:
        _check(plan)
    except SettingError as error:
        raise SettingError("study", path, f"is not the plan of a study: {error}") from error
    checked: dict[str, Any] = plan
    return checked


def _check(plan: object) -> None:
    if not isinstance(plan, Mapping) or not isinstance(jobs := plan.get("jobs"), list):
        raise SettingError("jobs", "", "must be given, as a list")
    if len(jobs) > MOST_JOBS:
        raise SettingError("jobs", f"[{len(jobs):,}]", f"must be at most {MOST_JOBS:,}")
    for key in _TEXTS:
        _check_text(key, plan.get(key))
    if plan.get("reference") is not None:
        _check_text("reference", plan["reference"])
    if plan.get("onset") is not None:
        checks.number("onset", plan["onset"])
    seen: dict[tuple[str, str, int], int] = {}
    for number, job in enumerate(jobs):
        place = f"jobs[{number}]"
        if not isinstance(job, Mapping):
            raise SettingError(place, str(job)[:40], "must be an object")
        for key in _NAMES:
            _check_text(f"{place}.{key}", job.get(key))
        seed = job.get("seed")
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise SettingError(f"{place}.seed", str(seed)[:40], "must be a whole number of at least 0")
        first = seen.setdefault((job["panel"], job["variant"], seed), number)
        if first != number:
            raise SettingError(place, job["variant"], f"must not be the job jobs[{first}] again")


def _check_text(place: str, value: object) -> None:
    if not isinstance(value, str):
        raise SettingError(place, str(value)[:40], "must be text")
    check_name(place, value)
