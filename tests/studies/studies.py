"""Studies that take seconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from remix.tracking.studies import PARENT, find_parent
from tests.command_line import NO_PICTURES

TINY = (
    "env=matrix_game",
    "algorithm=qmix",
    "experiment_name=${study.name}",
    "replay.batch_size=4",
    "replay.episodes_per_round=2",
    "max_env_steps=16",
    "steps_per_epoch=8",
    "validation_episodes=2",
    "test_episodes=2",
    *NO_PICTURES,
)
"""A run of a fraction of a second."""

STUDY = ("train", "study=custom", "study.name=games", *TINY)


def records(home: Path) -> dict[str, dict[str, Any]]:
    """The record of every job below ``runs/studies``, by its folder there."""
    root = home / "runs/studies"
    return {str(f.parent.relative_to(root)): json.loads(f.read_text()) for f in root.glob("**/run.json")}


def parent_and_children(uri: str, study: str, kind: str = "study") -> tuple[Run, list[Run]]:
    """The runs of a study or search in MLflow."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(study)
    assert experiment is not None
    parent = find_parent(client, experiment.experiment_id, kind)
    assert parent is not None
    runs = client.search_runs([experiment.experiment_id], f"tags.`{PARENT}` = '{parent.info.run_id}'")
    return parent, list(runs)
