"""A study out of any MLflow store, through MLflow's client alone, else out of its folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from remix.report.folder import compared_by, from_folder, known_metrics, plan_here, questions
from remix.report.results import StudyResults, rank
from remix.report.stored_runs import read_runs, status_of
from remix.report.text import printable
from remix.settings.errors import SettingError, first_line, one_of
from remix.settings.redaction import redact_forms
from remix.tracking.artifacts import Artifacts
from remix.tracking.pages import run_page
from remix.tracking.plan_file import LARGEST_FILE as LARGEST_PLAN
from remix.tracking.plan_file import PLAN_FILE, read_plan
from remix.tracking.points import stored_key
from remix.tracking.store import SERVERS, connect, database_file, is_away, store_uri, without_login
from remix.tracking.studies import KIND, PARENT, STUDY, find_parent

if TYPE_CHECKING:
    from mlflow.entities import Run as StoredRun
    from mlflow.tracking import MlflowClient


def load_study(name: str, tracking_uri: str | None = None, metric: str | None = None) -> StudyResults:
    """All jobs of a study, with their learning curves and heat maps.

    If the store is away or does not know the study, its folder may tell the same; that is said in one line.

    :param tracking_uri: the store; None for ``MLFLOW_TRACKING_URI``, else ``runs/mlflow.db``.
    :param metric: what is compared; None for what the study compares.
    :raises SettingError: if nobody has such a study, or it has no finished run, or none with the metric.
    """
    try:
        return _checked(_from_store(name, store_uri(tracking_uri), metric))
    except Exception as error:
        if not isinstance(error, SettingError) and not is_away(error):
            raise
        if (plan := plan_here(name)) is None:
            raise
        if metric is not None and metric not in (known := known_metrics(plan, metric)):
            raise SettingError("metric", metric, one_of(known, metric)) from error
        results = _checked(from_folder(compared_by(plan, metric)))
        print(f"{first_line(error)}; reading the folders of its runs", file=sys.stderr, flush=True)
        return results


def _checked(results: tuple[StudyResults, str]) -> StudyResults:
    study, metric = results
    if not any(run.counts for run in study.runs):
        expected = f"has no finished run with {metric} yet: {study.status_phrase}"
        raise SettingError("study", study.name, expected)
    return study


def _from_store(name: str, uri: str, metric: str | None) -> tuple[StudyResults, str]:
    """The study as the store knows it, and the metric that is compared.

    A job may have several runs: the one with the best status counts, and among equals the newest. A run whose
    configuration is not the planned one does not belong to the job.

    :raises SettingError: if the store cannot be used or has no such study.
    """
    client = _client(uri)
    experiment = client.get_experiment_by_name(name)
    parent = None if experiment is None else find_parent(client, experiment.experiment_id)
    if experiment is None or parent is None:
        choices = list(map(printable, _studies(client)))
        expected = f"{one_of(choices, name)}; these are the studies" if choices else "there are no studies"
        raise SettingError("study", name, f"{expected} in {uri}")
    plan = _plan(client, parent)
    children = _all_runs(client, [experiment.experiment_id], f"tags.`{PARENT}` = '{parent.info.run_id}'")
    chosen = [_best(job, children) for job in plan["jobs"]]
    _check_metric(metric, chosen)
    plan = compared_by(plan, metric)
    runs, heat_maps = read_runs(client, plan, chosen)
    about, run_id = (name, plan["title"], plan["score"]), parent.info.run_id
    results = StudyResults(*about, runs, heat_maps, run_id, store=redact_forms(uri), **questions(plan))
    if uri.startswith(SERVERS):
        page = run_page(experiment.experiment_id, run_id)
        results = replace(results, address=f"{without_login(uri)}{page}")
    return results, plan["metric"]


def _check_metric(metric: str | None, runs: Sequence[StoredRun | None]) -> None:
    known = {name for run in runs if run is not None for name in run.data.metrics}
    if metric is not None and stored_key(metric) not in known:
        raise SettingError("metric", metric, one_of(known, metric))


def studies(tracking_uri: str | None = None) -> list[str]:
    """Names of all studies in a store.

    :raises SettingError: if the store cannot be used.
    """
    return _studies(_client(store_uri(tracking_uri)))


def _client(uri: str) -> MlflowClient:
    database = database_file(uri)
    if database is not None and not database.is_file():
        raise SettingError("tracking_uri", uri, "there are no runs yet; 'remix train' makes the first")
    return connect(uri)


def _studies(client: MlflowClient) -> list[str]:
    experiments: dict[str, str] = {}
    token = None
    while token != "":
        page = client.search_experiments(page_token=token)
        experiments |= {experiment.experiment_id: experiment.name for experiment in page}
        token = page.token or ""
    parents = _all_runs(client, list(experiments), f"tags.{KIND} = '{STUDY}'") if experiments else []
    return sorted({experiments[parent.info.experiment_id] for parent in parents})


def _all_runs(client: MlflowClient, experiments: Sequence[str], condition: str) -> list[StoredRun]:
    """All pages of a search, the newest run first."""
    found: list[StoredRun] = []
    token = None
    while token != "":
        page = client.search_runs(
            list(experiments), condition, order_by=["start_time DESC"], page_token=token
        )
        found += page
        token = page.token or ""
    return found


def _plan(client: MlflowClient, parent: StoredRun) -> dict[str, Any]:
    from mlflow.exceptions import MlflowException

    study, run_id = parent.data.tags.get(STUDY), parent.info.run_id
    with TemporaryDirectory() as folder:
        try:
            path = Artifacts(client, parent).download(PLAN_FILE, Path(folder), LARGEST_PLAN)
            if path is not None:
                return read_plan(path)
        except SettingError as error:
            expected = f"{PLAN_FILE} of its run {run_id} {error.expected}"
            raise SettingError("study", study, expected) from error
        except (MlflowException, OSError) as error:
            raise SettingError("study", study, f"{PLAN_FILE} of its run {run_id} cannot be read") from error
    raise SettingError("study", study, f"its run {run_id} has no {PLAN_FILE}")


def _best(job: dict[str, Any], children: Sequence[StoredRun]) -> StoredRun | None:
    """:param children: the newest first."""

    def fits(child: StoredRun) -> bool:
        tags = child.data.tags
        same_job = all(tags.get(name) == str(job[name]) for name in ("panel", "variant", "seed"))
        # A run that does not say what its configuration was is believed to be the planned one.
        return same_job and tags.get("identity", job["identity"]) == job["identity"]

    return min(filter(fits, children), key=lambda child: rank(status_of(child)), default=None)
