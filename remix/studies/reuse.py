"""A configuration and seed that was trained to the end is not trained again. Its run is copied."""

from __future__ import annotations

import shutil
from dataclasses import replace

from omegaconf import OmegaConf

from remix.records.directory import (
    BEST,
    CONFIGURATION,
    FILM,
    HEAT_MAP,
    LEARNING_CURVE,
    WEIGHTS,
    RunDirectory,
    find_runs,
)
from remix.runs.run_settings import RunSettings
from remix.tracking.journal import JOURNAL

_FILES = (JOURNAL, FILM, LEARNING_CURVE, WEIGHTS, HEAT_MAP, BEST)


def take_over(run: RunSettings) -> RunDirectory | None:
    """Make the directory of a run a copy of a finished run with the same identity and seed, if there is one.

    The copy is then treated as any finished run: its loggers get what they do not have.

    :returns: the source, None if there is none.
    """
    directory = run.directory
    for source, record in reversed(find_runs(run.identity, run.config.seed)):
        if record.status != "finished" or source.path.absolute() == directory.path.absolute():
            continue
        with directory.claim():
            if directory.record:
                return None
            # If copying is interrupted, this is a run that has begun, and it is trained next time.
            copy = replace(record, mlflow_run_id=None, copied_from=str(source))
            directory.write(replace(copy, status="running"))
            for name in _FILES:
                if (file := source.file(name)) is not None:
                    (directory.path / name).parent.mkdir(exist_ok=True)
                    shutil.copy2(file, directory.path / name)
            OmegaConf.save(OmegaConf.create(run.kept), directory.path / CONFIGURATION)
            directory.write(copy)
        return source
    return None
