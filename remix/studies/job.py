"""One job of a study. It is run, resumed, copied from an equal run or skipped; it never ends the sweep."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from remix.records.claims import TakenError
from remix.records.directory import ERROR
from remix.runs.config import check
from remix.runs.experiment import train
from remix.runs.run_settings import RunSettings
from remix.runs.side_by_side import Company, side_by_side
from remix.settings.user_errors import one_line
from remix.studies.reuse import take_over
from remix.tracking.plan_file import PLAN_FILE, read_plan


def run(config: DictConfig) -> float | None:
    """Train one job of a study unless that was done before.

    Where ``study.together`` is set, the first of the jobs that differ in the seed alone trains all of them.

    :returns: the final return; None if the job failed, or if it is trained elsewhere.
    """
    check(config)
    jobs = _together(config)
    if len(jobs) < 2:
        return _train(RunSettings(config))
    if jobs[0]["seed"] != config.seed:
        print(f"\n{_place(config)}{_name(config)} is trained with seed {jobs[0]['seed']}", flush=True)
        return None
    returns = side_by_side([RunSettings(_job_of(config, job)) for job in jobs], _train)
    return returns[0] if isinstance(returns[0], float) else None


def _train(settings: RunSettings, company: Company | None = None) -> float | None:
    """Train one job, which may have company in this process."""
    directory, study, name = settings.directory, settings.config.study, _name(settings.config)
    print(f"\n{_place(settings.config)}{name}", flush=True)
    before = directory.state
    if before == "failed" and not study.retry_failed:
        print(f"failed before ({directory.record.error}); study.retry_failed=true runs it again")
        return None
    if before == "running":
        print("another process is training it")
        return None
    try:
        if before == "new" and study.reuse and (source := take_over(settings)):
            print(f"taken over from {source}: the same configuration ({settings.identity}) and seed")
        return train(settings, company)
    except TakenError as error:  # another process took it since we looked
        print(error.expected)
        return None
    except Exception as error:
        # The job's directory keeps the reason and the traceback. The sweep goes on.
        reason = one_line(error) or f"{type(error).__name__}: {error} (see {directory.path / ERROR})"
        print(f"remix: {name} failed: {reason}", file=sys.stderr)
        return None


def _name(config: DictConfig) -> str:
    return f"{config.study.panel}, {config.study.variant}, seed {config.seed}"


def _together(config: DictConfig) -> list[dict[str, Any]]:
    """The planned jobs that are trained in one process with this one, itself included; none if alone."""
    if not config.study.together:
        return []
    mine = _planned(config)
    axes, seeds = (mine.get("panel"), mine.get("variant")), mine.get("together", ())
    return [job for job in _plan() if (job["panel"], job["variant"]) == axes and job["seed"] in seeds]


def _job_of(config: DictConfig, job: Mapping[str, Any]) -> DictConfig:
    """The configuration of another job, which differs in the seed alone."""
    other = deepcopy(config)
    other.seed, other.run_dir = job["seed"], str(Path(job["directory"]).absolute())
    return other


def _place(config: DictConfig) -> str:
    """``[3/16] `` for the third of sixteen jobs of a command; empty if its plan is not known here."""
    place = _planned(config).get("place")
    return f"[{place}] " if place else ""


def _planned(config: DictConfig) -> dict[str, Any]:
    """What the plan says of a job; empty if its plan is not known here."""
    mine = (str(config.study.panel), str(config.study.variant), config.seed)
    return next((job for job in _plan() if (job["panel"], job["variant"], job["seed"]) == mine), {})


def _plan() -> list[dict[str, Any]]:
    from hydra.core.hydra_config import HydraConfig

    path = Path(HydraConfig.get().sweep.dir) / PLAN_FILE
    jobs: list[dict[str, Any]] = read_plan(path)["jobs"] if path.is_file() else []
    return jobs
