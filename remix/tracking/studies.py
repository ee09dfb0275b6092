"""Studies in MLflow: one parent run per study, in the experiment of its name, with its jobs as children."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from remix.curves import curve_summary
from remix.tracking.runs import PARAMETERS_AT_ONCE, run_tags
from remix.tracking.store import exclusive

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

PARENT = "mlflow.parentRunId"
DESCRIPTION = "mlflow.note.content"
KIND = "kind"
STUDY = "study"
_POINTS_AT_ONCE = 1000  # MLflow's limit of metrics in one request
_OF_THE_STORE = ("mlflow.runName", "mlflow.user", "mlflow.source.name", "mlflow.source.type", PARENT)


def find_parent(client: MlflowClient, experiment: str, kind: str = STUDY) -> Run | None:
    """The run that stands for the study, or for what else the kind says, of an experiment."""
    found = client.search_runs([experiment], f"tags.{KIND} = '{kind}'", max_results=1)
    return found[0] if found else None


def parent_run(client: MlflowClient, uri: str, experiment: str, name: str) -> str:
    """The id of the run that stands for the study, which is created if there is none.

    :param uri: of the store.
    :param experiment: id of the study's experiment.
    :param name: of the study.
    """
    with exclusive(uri):
        parent = find_parent(client, experiment)
        if parent is None:
            tags = run_tags({KIND: STUDY, STUDY: name})
            parent = client.create_run(experiment, run_name=name, tags=tags)
    return str(parent.info.run_id)


def child_tags(study: Mapping[str, Any], parent: str) -> dict[str, Any]:
    """The tags that tie a run to its study."""
    return {
        PARENT: parent,
        STUDY: study["name"],
        "panel": study["panel"],
        "variant": study["variant"],
    }


def copy_run(client: MlflowClient, source: str, experiment: str, name: str, tags: Mapping[str, Any]) -> str:
    """A finished run once more in another experiment: parameters, tags and all metrics, not its files.

    A learning curve without its summary gets one.

    :param tags: added to those of the source.
    :returns: the id of the copy.
    """
    from mlflow.entities import Metric, Param

    run = client.get_run(source)
    kept = {key: value for key, value in run.data.tags.items() if key not in _OF_THE_STORE}
    given = {key: str(value) for key, value in tags.items() if value is not None}
    copy = client.create_run(
        experiment, run.info.start_time, kept | given | {"copied_from": source}, run_name=name
    ).info.run_id
    params = [Param(key, value) for key, value in run.data.params.items()]
    for start in range(0, len(params), PARAMETERS_AT_ONCE):
        client.log_batch(copy, params=params[start : start + PARAMETERS_AT_ONCE])
    points = [point for key in run.data.metrics for point in client.get_metric_history(source, key)]
    curve = sorted((p.step, p.value) for p in points if p.key == "test/return")
    if curve and not any(point.key.startswith("summary/") for point in points):
        step, when = curve[-1][0], run.info.end_time
        summary = curve_summary([s for s, _ in curve], [value for _, value in curve])
        points += [Metric(f"summary/{key}", value, when, step) for key, value in summary.items()]
    for start in range(0, len(points), _POINTS_AT_ONCE):
        client.log_batch(copy, metrics=points[start : start + _POINTS_AT_ONCE])
    client.set_terminated(copy, run.info.status, run.info.end_time)
    return str(copy)


def has_run(client: MlflowClient, run_id: str | None) -> bool:
    """Whether the store knows the run, and it was not deleted."""
    from mlflow.exceptions import MlflowException

    try:
        return run_id is not None and client.get_run(run_id).info.lifecycle_stage == "active"
    except MlflowException:
        return False
