"""A Hydra callback that masks passwords in the file to which Hydra writes a sweep's configuration."""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from remix.settings.files import replace_text
from remix.settings.redaction import redact

SWEEP_FILE = "multirun.yaml"
"""In the folder of a sweep; its whole configuration, written by Hydra's sweeper before the first job."""


class MaskedSweep(Callback):
    """Masks the file as soon as the first job starts, or when the process ends without one."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        atexit.register(_mask, Path(config.hydra.sweep.dir).absolute() / SWEEP_FILE)

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        if config.hydra.mode.name == "MULTIRUN":
            _mask(Path(config.hydra.sweep.dir) / SWEEP_FILE)


def _mask(file: Path) -> None:
    if not file.is_file():
        return
    text = file.read_text(encoding="utf-8")
    if (masked := redact(text)) != text:
        replace_text(file, masked)
