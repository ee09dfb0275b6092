"""Whole episodes as files that anybody can read: compressed ``.npz`` archives and a page of JSON on them.

A reader needs NumPy alone. In a file of E episodes with K steps in all, arrays of steps have K rows and
arrays of time points ``K + E``, as an episode ends with what is seen after its last step. Episode ``e`` has
the steps from ``step_start[e]`` up to ``step_start[e] + length[e]``, and the time points from
``point_start[e]`` up to ``point_start[e] + length[e] + 1``, the ends not included.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from remix.envs.spec import EnvSpec
from remix.learning.episodes import Episode
from remix.settings.errors import SettingError

FORMAT, VERSION = "remix-episodes", 1
CONTENTS = "episodes.json"

_AXES_AND_MEANING = {
    "seed": (["episodes"], "seed of the episode; with the same actions it is played again"),
    "length": (["episodes"], "steps of the episode"),
    "step_start": (["episodes"], "row of its first step"),
    "point_start": (["episodes"], "row of its first time point"),
    "terminated": (["episodes"], "came to a true end; if not, it was cut, and has a value beyond"),
    "obs": (["points", "agents", "features"], "what every agent sees"),
    "state": (["points", "features"], "global state"),
    "avail_actions": (["points", "agents", "actions"], "whether an action is available"),
    "actions": (["steps", "agents"], "number of the action that every agent chose"),
    "behaviour": (["steps", "agents"], "probability with which it chose that action"),
    "reward": (["steps"], "reward of the team"),
}


class EpisodeFiles:
    """A folder of recorded episodes, which is there as a whole when the block ends, or not at all.

    :param folder: must not be there yet.
    :param about: where the episodes are from, for the page.
    :raises SettingError: there is something of that name.
    """

    def __init__(self, folder: Path, spec: EnvSpec, about: Mapping[str, Any]) -> None:
        if folder.exists():
            raise SettingError("output", folder, "is there already; choose another folder")
        self.folder, self.spec, self.about = folder, spec, about
        self._place = folder.with_name(f".{folder.name}.tmp")
        self._files: list[dict[str, Any]] = []
        self._fields: dict[str, dict[str, Any]] = {}
        self._returns: list[float] = []

    def __enter__(self) -> Self:
        shutil.rmtree(self._place, ignore_errors=True)  # of a process that was killed
        self._place.mkdir(parents=True)
        return self

    def add(self, seeds: NDArray[np.int64], episodes: Sequence[Episode]) -> None:
        """Write another file.

        :param seeds: ``[E]``, those of the episodes.
        """
        arrays = columns(seeds, episodes, self.spec)
        path = self._place / f"episodes-{len(self._files):05}.npz"
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        steps = len(arrays["reward"])
        self._files.append({"name": path.name, "episodes": len(episodes), "steps": steps, "sha256": digest})
        self._returns += [episode.score for episode in episodes]
        self._fields = self._fields or {name: _described(name, array) for name, array in arrays.items()}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            (self._place / CONTENTS).write_text(json.dumps(self._page(), indent=1) + "\n")
            self._place.rename(self.folder)
        else:
            shutil.rmtree(self._place, ignore_errors=True)

    def _page(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "version": VERSION,
            **self.about,
            "environment": asdict(self.spec),
            "episodes": len(self._returns),
            "steps": sum(file["steps"] for file in self._files),
            "mean_return": float(np.mean(self._returns)),
            "arrays": self._fields,
            "files": self._files,
        }


def columns(seeds: NDArray[np.int64], episodes: Sequence[Episode], spec: EnvSpec) -> dict[str, NDArray[Any]]:
    """The arrays of a file."""
    length = np.array([episode.length for episode in episodes], np.int64)
    arrays: dict[str, NDArray[Any]] = {
        "seed": seeds,
        "length": length,
        "step_start": np.cumsum(length) - length,
        "point_start": np.cumsum(length + 1) - length - 1,
        "terminated": np.array([episode.terminated for episode in episodes], np.bool_),
    }
    for name in ("obs", "state", "avail_actions", "actions", "behaviour", "reward"):
        arrays[name] = np.concatenate([getattr(episode, name) for episode in episodes])
    for name in spec.metrics:
        arrays[f"metric_{name}"] = np.array([episode.metrics[name] for episode in episodes], np.float32)
    return arrays


def _described(name: str, array: NDArray[Any]) -> dict[str, Any]:
    """What the page says of an array."""
    axes, meaning = _AXES_AND_MEANING.get(name, (["episodes"], "statistic of the environment"))
    return {"type": str(array.dtype), "axes": axes, "sizes": [None, *array.shape[1:]], "meaning": meaning}
