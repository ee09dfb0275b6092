"""A study out of the folders of its runs, for when its store is away."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from remix.records.directory import WEIGHTS, RunDirectory
from remix.report.episodes import read_episodes
from remix.report.files import read_weights
from remix.report.machines import facts_of
from remix.report.results import DIVERGED, FINISHED, MISSING, STOPPED, Floats, HeatMap, Run, StudyResults
from remix.settings.errors import Diverged, SettingError
from remix.settings.files import RUNS
from remix.tracking.journal import Journal
from remix.tracking.plan_file import PLAN_FILE, read_plan
from remix.tracking.runs import configuration, run_parameters

_STATES = {"finished": FINISHED, "stopped": STOPPED, "failed": "FAILED", "running": "RUNNING", "new": MISSING}


def plan_here(name: str) -> dict[str, Any] | None:
    """The plan of a study of that name below ``runs``, the newest one."""
    for path in sorted(RUNS.glob(f"studies/*/{PLAN_FILE}"), key=lambda path: -path.stat().st_mtime):
        with suppress(SettingError):
            if (plan := read_plan(path))["study"] == name:
                return plan
    return None


def from_folder(plan: dict[str, Any]) -> tuple[StudyResults, str]:
    """What the folders of its jobs hold, and the metric that is compared.

    :param plan: of the study.
    """
    runs: list[Run] = []
    heat_maps: dict[tuple[str, str], HeatMap] = {}
    known: set[tuple[str, str]] = set()
    for job in plan["jobs"]:
        directory = Path(str(job.get("directory", "nowhere")))
        run = _run(job, directory, plan["metric"])
        curve = run.panel, run.variant
        if run.counts and curve not in known:  # one of each tells in what they differ
            known.add(curve)
            run = replace(run, settings=_settings(directory))
        if run.counts and (directory / WEIGHTS).is_file():
            add_weights(weights_of(directory / WEIGHTS, run), heat_maps)
        runs.append(run)
    about = plan["study"], plan["title"], plan["score"]
    results = StudyResults(*about, tuple(runs), tuple(heat_maps.values()), **questions(plan))
    return results, plan["metric"]


def compared_by(plan: dict[str, Any], metric: str | None) -> dict[str, Any]:
    """The plan with another metric, if one is given, of which the study's threshold of onset says nothing."""
    if metric in (None, plan["metric"]):
        return plan
    return plan | {"metric": metric, "score": re.sub("[/_]", " ", str(metric)), "onset": None}


def known_metrics(plan: dict[str, Any], wanted: str) -> set[str]:
    """Those in the journals of its jobs, up to the first job that has the wanted one."""
    known: set[str] = set()
    for job in plan["jobs"]:
        entries = Journal(Path(str(job.get("directory", "nowhere")))).entries()
        known |= {name for entry in entries for name in entry.values}
        if wanted in known:
            break
    return known


def questions(plan: dict[str, Any]) -> dict[str, Any]:
    """What a plan wants to be compared and asked, as :class:`StudyResults` takes it."""
    return {"chosen": plan.get("reference"), "onset": plan.get("onset")}


def is_return(metric: str) -> bool:
    """Whether scores of a metric are returns of episodes, of which environments may know the best."""
    return metric.endswith("/return")


def curve(folder: Path, metric: str) -> tuple[Floats, Floats]:
    """Environment steps ``[E]`` and values ``[E]`` of a metric in the journal of a folder, as they came."""
    entries = Journal(folder).entries(metric=metric)
    points = [(entry.step, entry.values[metric]) for entry in entries if metric in entry.values]
    env_steps, scores = np.array(points, dtype=np.float64).reshape(-1, 2).T
    return env_steps, scores


def _run(job: dict[str, Any], directory: Path, metric: str) -> Run:
    env_steps, scores = curve(directory, metric)
    known = (run := RunDirectory(directory)).record.identity == job["identity"]
    status = _STATES.get(run.state, "KILLED") if known else MISSING
    record = run.record
    if status == "FAILED" and Diverged.said(record.error or ""):
        status = DIVERGED
    about = job["panel"], job["variant"], job["algorithm"], int(job["seed"]), status
    best = record.best_return
    return Run(
        *about,
        env_steps=env_steps,
        scores=scores,
        episodes=read_episodes(directory, metric),
        best_possible=nan if best is None or not is_return(metric) else best,
        seconds=nan if record.seconds is None else record.seconds,
        facts=facts_of({**(record.origin or {}), **(record.machine or {})}),
        identity=job["identity"],
    )


def _settings(directory: Path) -> dict[str, str]:
    try:
        return {key: str(value) for key, value in run_parameters(configuration(directory)).items()}
    except (OSError, YAMLError, OmegaConfBaseException, KeyError, TypeError):
        return {}  # of a folder in which somebody tidied up


def weights_of(path: Path, run: Run) -> HeatMap | None:
    """The heat map of a run; None if the file is none, which is said."""
    try:
        return read_weights(path, run.panel, run.variant)
    except SettingError as error:
        of = f"run {run.run_id}" if run.run_id else path.parent
        print(f"warning: {WEIGHTS} of {of} is left out: {error.expected}", file=sys.stderr)
        return None


def add_weights(new: HeatMap | None, heat_maps: dict[tuple[str, str], HeatMap]) -> None:
    """Add the counts of a run's heat map, if it has one, to those of its variant."""
    if new is not None:
        key = new.panel, new.variant
        heat_maps[key] = heat_maps[key].plus(new) if key in heat_maps else new
