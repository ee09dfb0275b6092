"""Whole episodes as files that anybody can read: compressed ``.npz`` archives and a page of JSON on them.

A reader needs NumPy alone. In a file of E episodes with K steps in all, arrays of steps have K rows and
arrays of time points ``K + E``, as an episode ends with what is seen after its last step. Episode ``e`` has
the steps from ``step_start[e]`` up to ``step_start[e] + length[e]``, and the time points from
``point_start[e]`` up to ``point_start[e] + length[e] + 1``, the ends not included.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.spec import EnvSpec
from remix.learning.episodes import Episode

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
    "individual_rewards": (["steps", "agents"], "reward of every agent"),
}


class EpisodeFiles:
    """Recorded episodes in a folder.

    :param folder: for the files.
    """

    def __init__(self, folder: Path, spec: EnvSpec) -> None:
        self.folder, self.spec = folder, spec
        self._files: list[dict[str, Any]] = []
        self._fields: dict[str, dict[str, Any]] = {}
        self._returns: list[float] = []

    def add(self, seeds: NDArray[np.int64], episodes: Sequence[Episode]) -> None:
        """Write another file.

        :param seeds: ``[E]``, those of the episodes.
        """
        arrays = columns(seeds, episodes, self.spec)
        path = self.folder / f"episodes-{len(self._files):05}.npz"
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        steps = len(arrays["reward"])
        self._files.append({"name": path.name, "episodes": len(episodes), "steps": steps, "sha256": digest})
        self._returns += [episode.score for episode in episodes]
        self._fields = self._fields or {name: _described(name, array) for name, array in arrays.items()}

    @property
    def steps(self) -> int:
        """Of all episodes so far."""
        return sum(file["steps"] for file in self._files)

    @property
    def mean_return(self) -> float:
        """The mean return of all episodes so far."""
        return float(np.mean(self._returns))

    def describe(self, about: Mapping[str, Any]) -> None:
        """Write the page when all episodes are there.

        :param about: where they are from.
        """
        page = {
            "format": FORMAT,
            "version": VERSION,
            **about,
            "environment": asdict(self.spec),
            "episodes": len(self._returns),
            "steps": self.steps,
            "mean_return": self.mean_return,
            "arrays": self._fields,
            "files": self._files,
        }
        (self.folder / CONTENTS).write_text(json.dumps(page, indent=1) + "\n")


def columns(seeds: NDArray[np.int64], episodes: Sequence[Episode], spec: EnvSpec) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name, of E episodes with ``seeds [E]``."""
    length = np.array([episode.length for episode in episodes], np.int64)
    arrays: dict[str, NDArray[Any]] = {
        "seed": seeds,
        "length": length,
        "step_start": np.cumsum(length) - length,
        "point_start": np.cumsum(length + 1) - length - 1,
        "terminated": np.array([episode.terminated for episode in episodes], np.bool_),
    }
    names = ("obs", "state", "avail_actions", "actions", "behaviour", "reward")
    for name in (*names, "individual_rewards") if spec.individual_rewards else names:
        arrays[name] = np.concatenate([getattr(episode, name) for episode in episodes])
    for name in spec.metrics:
        arrays[f"metric_{name}"] = np.array([episode.metrics[name] for episode in episodes], np.float32)
    return arrays


def _described(name: str, array: NDArray[Any]) -> dict[str, Any]:
    """What the page says of an array."""
    axes, meaning = _AXES_AND_MEANING.get(name, (["episodes"], "statistic of the environment"))
    return {"type": str(array.dtype), "axes": axes, "sizes": [None, *array.shape[1:]], "meaning": meaning}
