"""The settings of one run, resolved once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from remix.records.directory import RunDirectory, short
from remix.runs import identity
from remix.runs.config import plain
from remix.settings.redaction import redacted


@dataclass(frozen=True)
class RunSettings:
    """The settings of one run in all forms in which they are needed. None of them changes any more.

    :ivar composed: the configuration, in which references between settings are alive.
    """

    composed: DictConfig

    @cached_property
    def plain(self) -> dict[str, Any]:
        """The settings resolved, as plain containers, without Hydra's own part."""
        return plain(self.composed)

    @cached_property
    def config(self) -> DictConfig:
        """The settings resolved and read-only, without Hydra's own part."""
        config = OmegaConf.create(self.plain)
        OmegaConf.set_readonly(config, True)
        return config

    @cached_property
    def kept(self) -> dict[str, Any]:
        """The settings as they are stored, with ``***`` in place of passwords and tokens."""
        stored: dict[str, Any] = redacted(self.plain)
        return stored

    @cached_property
    def identity(self) -> str:
        """Ten characters, equal for runs that differ in seed, place or looks only."""
        return identity.identity(self.composed)

    @cached_property
    def directory(self) -> RunDirectory:
        return RunDirectory(short(Path(self.config.run_dir)))
