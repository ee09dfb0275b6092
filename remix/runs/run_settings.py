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
    """All that one run is told, in the forms in which it is asked for. Nothing of it changes any more.

    :ivar composed: the configuration, in which references between settings are alive.
    """

    composed: DictConfig

    @cached_property
    def plain(self) -> dict[str, Any]:
        """Resolved, as plain containers, without Hydra's own part."""
        return plain(self.composed)

    @cached_property
    def config(self) -> DictConfig:
        """Resolved and read-only, without Hydra's own part."""
        config = OmegaConf.create(self.plain)
        OmegaConf.set_readonly(config, True)
        return config

    @cached_property
    def kept(self) -> dict[str, Any]:
        """What is stored of them: with ``***`` for passwords and tokens."""
        stored: dict[str, Any] = redacted(self.plain)
        return stored

    @cached_property
    def identity(self) -> str:
        """Equal for runs that differ in seed, place or looks only."""
        return identity.identity(self.composed)

    @cached_property
    def directory(self) -> RunDirectory:
        return RunDirectory(short(Path(self.config.run_dir)))
