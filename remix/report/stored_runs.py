"""The runs of a study out of an MLflow store, several at a time."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from remix.records.directory import WEIGHTS
from remix.report.csv_tables import LARGEST_FILE
from remix.report.episodes import read_episodes
from remix.report.folder import add_weights, curve, is_return, weights_of
from remix.report.machines import facts_of
from remix.report.results import DIVERGED, MISSING, STOPPED, Floats, HeatMap, Run
from remix.settings.errors import Diverged, SettingError
from remix.tracking.artifacts import Artifacts
from remix.tracking.journal import JOURNAL
from remix.tracking.points import stored_key

if TYPE_CHECKING:
    from mlflow.entities import Run as StoredRun
    from mlflow.tracking import MlflowClient

AT_ONCE = 16
"""Runs that are read side by side: most of the time goes by on the way to the store and back."""


def read_runs(
    client: MlflowClient, plan: dict[str, Any], chosen: Sequence[StoredRun | None]
) -> tuple[tuple[Run, ...], tuple[HeatMap, ...]]:
    """The jobs of a plan, and the heat maps of their variants.

    :param chosen: the run that stands for each job; None if there is none.
    """
    from tqdm import tqdm

    runs: list[Run] = []
    heat_maps: dict[tuple[str, str], HeatMap] = {}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="reading") as threads:
        read = threads.map(partial(_read, client, plan["metric"]), plan["jobs"], chosen)
        # The bar shows in a terminal only, and goes when it is full.
        bar = tqdm(read, desc="reading runs", unit="run", leave=False, disable=None, total=len(chosen))
        for run, weights in bar:
            runs.append(run)
            add_weights(weights, heat_maps)
    return tuple(runs), tuple(heat_maps.values())


def status_of(child: StoredRun) -> str:
    """The status of a run. MLflow has no words for one that diverged, or stopped in good order; tags do."""
    status, tags = str(child.info.status), child.data.tags
    if status == "FAILED" and Diverged.said(tags.get("error", "")):
        return DIVERGED
    return STOPPED if status == "KILLED" and tags.get("status") == STOPPED.lower() else status


def _read(
    client: MlflowClient, metric: str, job: dict[str, Any], child: StoredRun | None
) -> tuple[Run, HeatMap | None]:
    """A job, and its heat map if it counts and has one."""
    status, run_id = (MISSING, None) if child is None else (status_of(child), child.info.run_id)
    about = job["panel"], job["variant"], job["algorithm"], int(job["seed"]), status
    run = Run(*about, env_steps=np.zeros(0), scores=np.zeros(0), run_id=run_id, identity=job["identity"])
    if child is None:
        return run, None
    known = _about(child, is_return(metric))
    if status not in ("FINISHED", STOPPED):
        env_steps, scores = _history(client, child.info.run_id, metric)
        return replace(run, env_steps=env_steps, scores=scores, **known), None
    artifacts = Artifacts(client, child)
    with TemporaryDirectory() as name:
        folder = Path(name)
        _download(artifacts, JOURNAL, folder, run)
        # The journal of a run that is over has the curve too, which saves a request.
        env_steps, scores = curve(folder, metric)
        if not len(scores):
            env_steps, scores = _history(client, child.info.run_id, metric)
        episodes = read_episodes(folder, metric)
        run = replace(run, env_steps=env_steps, scores=scores, **known)
        if not run.counts:
            return run, None
        weights = _download(artifacts, WEIGHTS, folder, run)
        return replace(run, episodes=episodes), None if weights is None else weights_of(weights, run)


def _download(artifacts: Artifacts, name: str, folder: Path, run: Run) -> Path | None:
    try:
        return artifacts.download(name, folder, LARGEST_FILE)
    except SettingError as error:
        print(f"warning: {name} of run {run.run_id} is left out: {error.expected}", file=sys.stderr)
        return None


def _history(client: MlflowClient, run_id: str, metric: str) -> tuple[Floats, Floats]:
    """Environment steps ``[E]`` and values ``[E]`` of a metric.

    A run that was resumed may have logged a step twice; the later value counts.
    """
    points = sorted(
        client.get_metric_history(run_id, stored_key(metric)), key=lambda point: (point.step, point.timestamp)
    )
    found = np.array(list({point.step: point.value for point in points}.items()), dtype=np.float64)
    env_steps, scores = found.reshape(-1, 2).T
    return env_steps, scores


def _about(child: StoredRun, returns: bool) -> dict[str, Any]:
    """What the store knows of machine, code and settings.

    :param returns: whether scores are returns.
    """
    tags = child.data.tags
    with suppress(ValueError):
        return {
            "seconds": float(tags.get("seconds", "nan")),
            "best_possible": float(tags.get("best_return", "nan")) if returns else nan,
            "facts": facts_of(tags),
            "settings": dict(child.data.params),
        }
    return {}
