"""One job of a study. It is run, resumed, copied from an equal run or skipped; it never ends the sweep."""

from __future__ import annotations

import sys
from pathlib import Path

from omegaconf import DictConfig

from remix.records.claims import TakenError
from remix.records.directory import ERROR
from remix.runs.config import check
from remix.runs.experiment import train
from remix.runs.run_settings import RunSettings
from remix.settings.user_errors import one_line
from remix.studies.reuse import take_over
from remix.tracking.plan_file import PLAN_FILE, read_plan


def run(config: DictConfig) -> float | None:
    """Train one job of a study unless that was done before.

    :returns: the final return; None if the job failed, or if another process is training it.
    """
    check(config)
    settings = RunSettings(config)
    directory, study = settings.directory, settings.config.study
    name = f"{study.panel}, {study.variant}, seed {config.seed}"
    print(f"\n{_place(config)}{name}", flush=True)
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
        return train(settings)
    except TakenError as error:  # another process took it since we looked
        print(error.expected)
        return None
    except Exception as error:
        # The job's directory keeps the reason and the traceback. The sweep goes on.
        reason = one_line(error) or f"{type(error).__name__}: {error} (see {directory.path / ERROR})"
        print(f"remix: {name} failed: {reason}", file=sys.stderr)
        return None


def _place(config: DictConfig) -> str:
    """``[3/16] `` for the third of sixteen jobs of a command; empty if its plan is not known here."""
    from hydra.core.hydra_config import HydraConfig

    path = Path(HydraConfig.get().sweep.dir) / PLAN_FILE
    jobs = read_plan(path)["jobs"] if path.is_file() else ()
    mine = (str(config.study.panel), str(config.study.variant), config.seed)
    place = next(
        (job.get("place", "") for job in jobs if (job["panel"], job["variant"], job["seed"]) == mine), None
    )
    return f"[{place}] " if place else ""
