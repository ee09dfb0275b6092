"""A study out of any MLflow store, through MLflow's client alone, else out of its folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from remix.records.directory import WEIGHTS
from remix.report.csv_tables import LARGEST_FILE
from remix.report.episodes import EpisodeScores, read_episodes
from remix.report.folder import add_weights, from_folder, is_return, plan_here, questions
from remix.report.machines import facts_of
from remix.report.results import MISSING, STOPPED, Floats, HeatMap, Run, StudyResults, rank
from remix.report.text import printable
from remix.settings.errors import SettingError, first_line, one_of
from remix.tracking.journal import JOURNAL
from remix.tracking.plan_file import LARGEST_FILE as LARGEST_PLAN
from remix.tracking.plan_file import PLAN_FILE, read_plan
from remix.tracking.runs import download_file
from remix.tracking.store import connect, database_file, is_away, store_uri
from remix.tracking.studies import KIND, PARENT, STUDY, find_parent

if TYPE_CHECKING:
    from mlflow.entities import Run as StoredRun
    from mlflow.tracking import MlflowClient


def load_study(name: str, tracking_uri: str | None = None) -> StudyResults:
    """All jobs of a study, with their learning curves and heat maps.

    If the store is away or does not know the study, its folder may tell the same; that is said in one line.

    :param tracking_uri: the store; None for ``MLFLOW_TRACKING_URI``, else ``runs/mlflow.db``.
    :raises SettingError: if nobody has such a study, or it has no finished run.
    """
    try:
        return _checked(_from_store(name, store_uri(tracking_uri)))
    except Exception as error:
        if not isinstance(error, SettingError) and not is_away(error):
            raise
        if (plan := plan_here(name)) is None:
            raise
        results = _checked(from_folder(plan))
        print(f"{first_line(error)}; reading the folders of its runs", file=sys.stderr, flush=True)
        return results


def _checked(results: tuple[StudyResults, str]) -> StudyResults:
    study, metric = results
    if not any(run.counts for run in study.runs):
        expected = f"has no finished run with {metric} yet: {study.status_phrase}"
        raise SettingError("study", study.name, expected)
    return study


def _from_store(name: str, uri: str) -> tuple[StudyResults, str]:
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
    runs, heat_maps = _read_runs(client, plan, chosen)
    about, run_id = (name, plan["title"], plan["score"]), parent.info.run_id
    results = StudyResults(*about, runs, heat_maps, run_id, **questions(plan))
    return results, plan["metric"]


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
            path = download_file(client, run_id, PLAN_FILE, Path(folder), LARGEST_PLAN)
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

    return min(filter(fits, children), key=lambda child: rank(_status(child)), default=None)


def _without_curve(job: dict[str, Any], child: StoredRun | None) -> Run:
    status, run_id = (MISSING, None) if child is None else (_status(child), child.info.run_id)
    about = job["panel"], job["variant"], job["algorithm"], int(job["seed"]), status
    nothing = np.zeros(0)
    return Run(*about, env_steps=nothing, scores=nothing, run_id=run_id, identity=job["identity"])


def _status(child: StoredRun) -> str:
    """The status of a run. MLflow has no word for one that was stopped in good order; a tag says so."""
    stopped = child.data.tags.get("status") == STOPPED.lower()
    return STOPPED if stopped and child.info.status == "KILLED" else str(child.info.status)


def _read_runs(
    client: MlflowClient, plan: dict[str, Any], chosen: Sequence[StoredRun | None]
) -> tuple[tuple[Run, ...], tuple[HeatMap, ...]]:
    from tqdm import tqdm

    runs: list[Run] = []
    heat_maps: dict[tuple[str, str], HeatMap] = {}
    jobs = list(zip(plan["jobs"], chosen, strict=True))
    # The bar shows in a terminal only, and goes when it is full.
    for job, child in tqdm(jobs, desc="reading runs", unit="run", leave=False, disable=None):
        run = _without_curve(job, child)
        if run.run_id is not None:
            env_steps, scores = _history(client, run.run_id, plan["metric"])
            run = replace(run, env_steps=env_steps, scores=scores, **_about(child, is_return(plan["metric"])))
            if run.counts:
                run = replace(run, episodes=_download_episodes(client, run, plan["metric"]))
                _download_weights(client, run, heat_maps)
        runs.append(run)
    return tuple(runs), tuple(heat_maps.values())


def _history(client: MlflowClient, run_id: str, metric: str) -> tuple[Floats, Floats]:
    """Environment steps ``[E]`` and values ``[E]`` of a metric.

    A run that was resumed may have logged a step twice; the later value counts.
    """
    points = sorted(
        client.get_metric_history(run_id, metric), key=lambda point: (point.step, point.timestamp)
    )
    curve = np.array(list({point.step: point.value for point in points}.items()), dtype=np.float64)
    env_steps, scores = curve.reshape(-1, 2).T
    return env_steps, scores


def _about(child: StoredRun | None, returns: bool) -> dict[str, Any]:
    """What the store knows of machine, code and settings.

    :param returns: whether scores are returns.
    """
    assert child is not None
    tags = child.data.tags
    with suppress(ValueError):
        return {
            "seconds": float(tags.get("seconds", "nan")),
            "best_possible": float(tags.get("best_return", "nan")) if returns else nan,
            "facts": facts_of(tags),
            "settings": dict(child.data.params),
        }
    return {}


def _download_episodes(client: MlflowClient, run: Run, metric: str) -> EpisodeScores:
    assert run.run_id is not None
    with TemporaryDirectory() as folder:
        try:
            download_file(client, run.run_id, JOURNAL, Path(folder), LARGEST_FILE)
        except SettingError as error:
            print(f"warning: {JOURNAL} of run {run.run_id} is left out: {error.expected}", file=sys.stderr)
        return read_episodes(Path(folder), metric)


def _download_weights(client: MlflowClient, run: Run, heat_maps: dict[tuple[str, str], HeatMap]) -> None:
    assert run.run_id is not None
    with TemporaryDirectory() as folder:
        try:
            path = download_file(client, run.run_id, WEIGHTS, Path(folder), LARGEST_FILE)
        except SettingError as error:
            print(f"warning: {WEIGHTS} of run {run.run_id} is left out: {error.expected}", file=sys.stderr)
            return
        if path is not None:
            add_weights(path, run, heat_maps)
