"""A configuration and seed that was trained to the end is not trained again: its run is copied."""

from __future__ import annotations

import shutil
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from remix.runs.claims import claim
from remix.runs.config import kept
from remix.runs.identity import identity
from remix.runs.records import find_runs, read_run, write_run
from remix.tracking.journal import JOURNAL

_FILES = (JOURNAL, "episode.gif", "weight_heatmap.csv", "weight_heatmap.png", "checkpoints/best.ckpt")


def take_over(config: DictConfig, directory: Path) -> Path | None:
    """Make ``directory`` a copy of a finished run with the same identity and seed, if there is one.

    Its loggers make of the copy what they make of any finished run.

    :returns: the directory of the source, None if there is none.
    """
    for record, source in reversed(find_runs(identity(config), config.seed)):
        if record.get("status") != "finished" or source.absolute() == directory.absolute():
            continue
        with claim(directory):
            if read_run(directory):
                return None
            # Known as a run from here on, which trains itself if the copies are not completed.
            copy = record | {"mlflow_run_id": None, "copied_from": str(source)}
            write_run(directory, copy | {"status": "running"})
            for name in _FILES:
                if (source / name).is_file():
                    (directory / name).parent.mkdir(exist_ok=True)
                    shutil.copy2(source / name, directory / name)
            OmegaConf.save(OmegaConf.create(kept(config)), directory / "config.yaml")
            write_run(directory, copy)
        return source
    return None
