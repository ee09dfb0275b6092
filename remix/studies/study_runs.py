"""The Hydra callback around a study's sweep: plan and parent run before it, report and counts after it."""

from __future__ import annotations

import atexit
import shlex
import sys
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from remix.records.directory import RunDirectory
from remix.settings.program import program

if TYPE_CHECKING:
    from remix.studies.plan import Plan
    from remix.studies.tracked import TrackedStudy


class StudyRuns(Callback):
    """Plans a study before its sweep and reports on it afterwards; other sweeps are left alone.

    Hydra turns a callback's exceptions into warnings. A user's mistake therefore ends the process here.
    """

    def __init__(self) -> None:
        self._plan: Plan | None = None
        self._tracked: TrackedStudy | None = None
        self._before: list[str] = []

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        if config.get("study") is None:
            return
        try:
            self._start(config)
        except Exception as error:
            from remix.settings.user_errors import one_line

            message = one_line(error)
            print(f"remix: {message}" if message else traceback.format_exc(), file=sys.stderr)
            sys.exit(2)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        if self._plan is None:
            return
        after = self._states()
        page = None
        if self._tracked is not None:
            page = self._report(self._tracked)
            self._tracked.close(self._tracked.status())
        atexit.unregister(self._interrupted)
        self._farewell(after, page)
        if "failed" in after:
            sys.exit(1)

    def _start(self, config: DictConfig) -> None:
        from remix.studies.plan import make_plan, write_plan
        from remix.studies.tracked import TrackedStudy

        plan = make_plan(config)
        self._plan = plan
        self._before = self._states()
        write_plan(plan, Path(config.hydra.sweep.dir))
        self._tracked = TrackedStudy.open(config, plan)
        atexit.register(self._interrupted)
        known = Counter(state for state in self._before if state != "new")
        rest = ", ".join(f"{count} {state}" for state, count in known.items())
        print(
            f"study {plan.study}: {len(plan.jobs)} jobs" + (f", of which {rest}" if rest else ""), flush=True
        )
        for line, count in plan.warnings.items():
            print(f"warning: {count} of {len(plan.jobs)} jobs: {line}", file=sys.stderr)

    def _report(self, tracked: TrackedStudy) -> Path | None:
        """Make the report. If that fails it costs a warning: a report can be made again at any time.

        :returns: its page, None if there is none.
        """
        try:
            return tracked.report()
        except Exception as error:
            print(f"warning: the report could not be made: {error}", file=sys.stderr)
            return None

    def _states(self) -> list[str]:
        assert self._plan is not None
        return [RunDirectory(Path(job.directory)).state for job in self._plan.jobs]

    def _interrupted(self) -> None:
        """Close the study when the process ends before the sweep does."""
        assert self._plan is not None
        if self._tracked is not None:
            from remix.studies.sync import deliver_left

            deliver_left(Path(job.directory) for job in self._plan.jobs)
            self._tracked.close("KILLED")
        print(f"\nstudy {self._plan.study} interrupted; the same command goes on with it")

    def _farewell(self, after: Sequence[str], page: Path | None) -> None:
        """What became of the jobs, and what to look at next.

        :param page: of the report that was made of them.
        """
        plan = self._plan
        assert plan is not None
        outcomes = Counter(map(_outcome, self._before, after))
        counts = ", ".join(f"{outcomes[name]} {name}" for name in OUTCOMES if outcomes[name])
        print(f"\nstudy {plan.study}: {len(plan.jobs)} jobs: {counts}")
        for job, state in zip(plan.jobs, after, strict=True):
            if state == "failed":
                print(f"  failed: {job} ({RunDirectory(Path(job.directory)).record.error})")
        if "failed" in after:
            print("  study.retry_failed=true runs failed jobs again")
        if page is not None:
            print(f"  report  {page}")
        print("what next:")
        store = "" if self._tracked is None else self._tracked.option
        print(f"  {program()} report {shlex.quote(plan.study)}{store}")
        if self._tracked is not None:
            print(f"  {program()} ui {shlex.quote(plan.study)}{store}        (compare runs in MLflow)")


OUTCOMES = (
    "finished",
    "skipped (finished before)",
    "stopped",
    "failed",
    "in another process",
    "not finished",
)


def _outcome(before: str, after: str) -> str:
    """Which of ``OUTCOMES`` a job came to, from its states around the sweep."""
    if after == "finished":
        return OUTCOMES[1] if before == "finished" else OUTCOMES[0]
    return {"running": "in another process", "interrupted": "not finished", "new": "not finished"}.get(
        after, after
    )
