"""A configuration and seed that was trained to the end is not trained again: its run is copied."""

from __future__ import annotations

import shutil
from pathlib import Path

from omegaconf import DictConfig

from remix.claims import claim
from remix.config import plain
from remix.identity import identity
from remix.records import find_runs, read_run, write_run
from remix.tracking.runs import log_file
from remix.tracking.store import connect, experiment_id, store_uri
from remix.tracking.studies import child_tags, copy_run, has_run, parent_run

_FILES = ("config.yaml", "episode.gif", "weight_heatmap.csv", "weight_heatmap.png", "checkpoints/best.ckpt")


def take_over(config: DictConfig, directory: Path) -> Path | None:
    """Make ``directory`` a copy of a finished run with the same identity and seed, if there is one.

    With an MLflow logger, its MLflow run is copied into the study as well, so it has to be in the same store.

    :returns: the directory of the source, None if there is none.
    """
    for record, source in reversed(find_runs(identity(config), config.seed)):
        if record.get("status") != "finished" or source.absolute() == directory.absolute():
            continue
        with claim(directory):
            if read_run(directory):
                return None
            files = [name for name in _FILES if (source / name).is_file()]
            copied_run = None
            if (node := config.logger.get("mlflow")) is not None:
                copied_run = _copy_tracked(config, node, record.get("mlflow_run_id"), source, files)
                if copied_run is None:
                    continue
            # Known as a run from here on, which trains itself if the copies are not completed.
            write_run(directory, record | {"status": "running", "mlflow_run_id": None})
            for name in files:
                (directory / name).parent.mkdir(exist_ok=True)
                shutil.copy2(source / name, directory / name)
            write_run(directory, record | {"mlflow_run_id": copied_run, "copied_from": str(source)})
        return source
    return None


def _copy_tracked(
    config: DictConfig, node: DictConfig, run_id: str | None, source: Path, files: list[str]
) -> str | None:
    """The MLflow run of the source as a child of the study; None if the store does not have it."""
    client = connect(uri := store_uri(node.tracking_uri))
    if run_id is None or not has_run(client, run_id):
        return None
    experiment = experiment_id(client, uri, str(config.experiment_name))
    parent = parent_run(client, uri, experiment, str(config.study.name))
    tags = plain(node)["tags"] | child_tags(config.study, parent) | {"identity": identity(config)}
    copy = copy_run(client, run_id, experiment, str(config.run_name), tags)
    for name in files:
        log_file(client, copy, source, name)
    return copy
