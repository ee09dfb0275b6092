"""Settings that earlier releases stored in checkpoints and ``config.yaml``, as this one has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_SCHEDULES: dict[str, tuple[tuple[str, str, str], Callable[[Any, Any, Any], Any]]] = {
    "epsilon": (("epsilon_start", "epsilon_end", "epsilon_anneal_steps"), lambda start, end, steps: steps),
    "temperature": (
        ("temperature_start", "temperature_end", "temperature_steps"),
        lambda start, end, per_unit: max(1, round(per_unit * (start - end))),
    ),
}
"""By the setting of today: its three numbers of release 0.1, and the steps between the first two of them."""


def current(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A stored configuration with the names of today; one of today is as it was."""
    algorithm = stored.get("algorithm")
    if not isinstance(algorithm, Mapping):
        return dict(stored)
    algorithm = dict(algorithm)
    for name, (earlier, steps_of) in _SCHEDULES.items():
        if all(isinstance(algorithm.get(part), int | float) for part in earlier):
            start, end, last = (algorithm.pop(part) for part in earlier)
            algorithm[name] = {
                "_target_": "remix.learning.schedules.Schedule",
                "start": start,
                "end": end,
                "steps": steps_of(start, end, last),
            }
    return {**stored, "algorithm": algorithm}
