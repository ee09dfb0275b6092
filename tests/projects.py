"""Folders of a user's own, in which commands are given."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.command_line import NO_PICTURES

QUICK = (
    "max_env_steps=200",
    "steps_per_epoch=100",
    "replay.batch_size=4",
    "replay.episodes_per_round=4",
    "algorithm.policy.hidden_size=8",
    "validation_episodes=2",
    "test_episodes=2",
    *NO_PICTURES,
    "threads=1",
)
"""A run of about a second, on an environment with short episodes."""


def write(folder: Path, files: dict[str, str]) -> None:
    """Files by their paths in the folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@contextmanager
def forgotten(folder: Path) -> Iterator[None]:
    """Modules of the folder that are imported within are not found any more afterwards."""
    path, known = list(sys.path), set(sys.modules)
    try:
        yield
    finally:
        # All before any is taken away: where a part of a package lies, the package tells.
        there = [name for name in set(sys.modules) - known if _is_of(sys.modules[name], folder)]
        for name in there:
            del sys.modules[name]
        sys.path[:] = path


def _is_of(module: object, folder: Path) -> bool:
    spec = getattr(module, "__spec__", None)
    places = () if spec is None else (spec.origin, *(spec.submodule_search_locations or ()))
    return any(place is not None and Path(place).is_relative_to(folder) for place in places)
