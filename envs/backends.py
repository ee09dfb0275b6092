"""Environments that are played on a backend of one's choice."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.spec import Environment, Observation, Step
from remix.settings import checks
from remix.settings.errors import SettingError


class Backed(Environment):
    """An environment that hands everything on to its backend."""

    def __init__(
        self, backend: str, where: Mapping[str, str], only: Mapping[str, Mapping[str, Any]], **settings: Any
    ) -> None:
        """Import and make the backend.

        :param where: module and class of each, ``module:Class``. Only the chosen one is imported, since the
            packages of the others may not be there.
        :param only: the settings that only one of them has, by its name; None for the default. Those of the
            others must be None.
        :param settings: those that all backends have.
        :raises SettingError: a setting that makes no sense, or one that only another backend has.
        """
        checks.choice("backend", backend, where)
        foreign = (item for other in where if other != backend for item in only[other].items())
        for name, value in foreign:
            if value is not None:
                shown = "{...}" if isinstance(value, Mapping) else value
                raise SettingError(
                    name, shown, f"must be null with backend={backend}, which has no such setting"
                )
        module, _, backend_class = where[backend].partition(":")
        chosen = {name: value for name, value in only[backend].items() if value is not None}
        self._battles: Environment = getattr(import_module(module), backend_class)(**settings, **chosen)
        self.spec, self.bears_threads = self._battles.spec, self._battles.bears_threads

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        """Start ``len(seeds)`` battles."""
        return self._battles.reset(seeds)

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Play ``actions [E, N]``; ``spec.action_names`` says what they mean."""
        return self._battles.step(actions)

    def render(self, index: int = 0) -> NDArray[np.uint8]:
        """RGB picture of battle ``index``."""
        return self._battles.render(index)

    def close(self) -> None:
        """Release what the backend holds."""
        self._battles.close()
