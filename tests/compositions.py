"""What Hydra composes, once in a test process: it takes 0.1 s, and tests want it thousands of times."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from pickle import dumps, loads
from typing import Any

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.plugins import Plugins
from hydra.core.utils import JobRuntime
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import DictConfig
from omegaconf.grammar_parser import parse

OURS = {"pkg://remix.conf", "pkg://hydra.conf", "structured://"}
"""Where configurations lie that no test changes."""


@contextmanager
def composed_once() -> Iterator[None]:
    """Within, the same words give a copy of what they gave before.

    Only of our own configurations: where a folder of the user's is on the search path, Hydra composes.
    To be read from bytes takes a quarter of the time of a deep copy.
    """
    Plugins.instance()  # which brings the sources
    source: Any = SourcesRegistry.instance().resolve("pkg")
    compose, read = ConfigLoaderImpl._load_configuration_impl, source._read_config
    compositions: dict[tuple[Any, ...], bytes] = {}
    files: dict[tuple[Any, ...], bytes] = {}

    def composing(self: ConfigLoaderImpl, **given: Any) -> DictConfig:
        places = {place.path for place in self.config_search_path.get_path()}
        words = given["overrides"]
        if places != OURS or any("hydra.searchpath" in word or "hydra.job" in word for word in words):
            return compose(self, **given)
        key = (*(given | {"overrides": tuple(words)}).items(), str(JobRuntime.instance().conf))
        if key not in compositions:
            compositions[key] = dumps(compose(self, **given))
        config: DictConfig = loads(compositions[key])
        config.hydra.runtime.cwd = os.getcwd()
        return config

    def reading(self: ConfigSource, file: Any) -> ConfigResult:
        if not isinstance(file, Path):
            return read(self, file)
        there = file.stat()
        key = (self.path, self.provider, file, there.st_mtime_ns, there.st_size)
        if key not in files:
            files[key] = dumps(read(self, file))
        content: ConfigResult = loads(files[key])
        return content

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConfigLoaderImpl, "_load_configuration_impl", composing)
        patch.setattr(source, "_read_config", reading)
        patch.setattr("omegaconf.base.parse", cache(parse))
        yield
