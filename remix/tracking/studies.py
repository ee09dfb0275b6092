"""Studies and searches in MLflow: a parent run for each, in the experiment of its name, above its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from remix.tracking.runs import run_tags
from remix.tracking.store import exclusive

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

PARENT = "mlflow.parentRunId"
KIND = "kind"
STUDY, SEARCH = "study", "search"


def find_parent(client: MlflowClient, experiment: str, kind: str = STUDY) -> Run | None:
    """The run that stands for the study or search of an experiment: the first one."""
    order = ["start_time ASC", "run_id ASC"]
    found = client.search_runs([experiment], f"tags.{KIND} = '{kind}'", max_results=1, order_by=order)
    return found[0] if found else None


def parent_run(client: MlflowClient, uri: str, experiment: str, name: str, kind: str = STUDY) -> str:
    """The id of the run that stands for the study or search, which is created if there is none.

    :param uri: of the store.
    :param experiment: id of its experiment.
    :param name: of the study or search.
    """
    with exclusive(uri):
        parent = find_parent(client, experiment, kind)
        if parent is None:
            tags = run_tags({KIND: kind, kind: name})
            made = client.create_run(experiment, run_name=name, tags=tags)
            # A server may have been asked by several at once; all of them keep the same one.
            parent = find_parent(client, experiment, kind) or made
            if parent.info.run_id != made.info.run_id:
                client.delete_run(made.info.run_id)
    return str(parent.info.run_id)


def child_tags(study: Mapping[str, Any], parent: str) -> dict[str, str]:
    """The tags that tie a run to its study or search."""
    return {PARENT: parent, kind_of(study): str(study["name"])} | {
        name: str(study[name]) for name in ("panel", "variant") if name in study
    }


def kind_of(study: Mapping[str, Any]) -> str:
    """``study``, unless the settings say that it is a search."""
    return str(study.get("kind", STUDY))


def has_run(client: MlflowClient, run_id: str) -> bool:
    """Whether the store knows the run, and it was not deleted."""
    from mlflow.exceptions import MlflowException

    try:
        return bool(client.get_run(run_id).info.lifecycle_stage == "active")
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return False
        raise
