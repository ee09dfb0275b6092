"""What a study resulted in, as plain data. Free of MLflow and Matplotlib."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import nan
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix.report.csv_tables import LARGEST_COUNT, LARGEST_NUMBER
from remix.report.episodes import EpisodeScores
from remix.settings.errors import SettingError
from remix.tracking.curves import curve_summary

Floats = NDArray[np.float64]

FINISHED = "FINISHED"
MISSING = "MISSING"
"""Planned, but there is no such run."""

DIVERGED = "DIVERGED"
"""Failed as a loss was not finite, or finished, but from some evaluation on the scores are no finite numbers;
those before are kept."""

STOPPED = "STOPPED"
"""Ended in good order, but before its budget of environment steps was used."""

STATUSES = (FINISHED, DIVERGED, STOPPED, "RUNNING", "SCHEDULED", "KILLED", "FAILED", MISSING)
"""MLflow's and ours, the best first."""

MOST_CURVES = 400
MOST_SEEDS = 200
MOST_EVALUATIONS = 100_000
"""What one report compares; far more than anybody runs, and than memory holds in resamples."""

REFERENCE = "remix"


@dataclass(frozen=True, eq=False)
class Run:
    """One job of a study, whether or not it was run.

    Evaluations may be given in any order; of several at the same step the last one counts. If the score of an
    evaluation is not finite or absurdly large, the run has diverged: this evaluation and all later ones are
    left out.

    :ivar panel: the task it belongs to.
    :ivar variant: what it is compared as: an algorithm, or a setting of one.
    :ivar status: one of :data:`STATUSES`.
    :ivar env_steps: environment steps at the E evaluations, increasing, ``[E]``.
    :ivar scores: mean score of each evaluation, ``[E]``.
    :ivar run_id: in MLflow.
    :ivar episodes: scores of single episodes.
    :ivar best_possible: the highest score that there can be; NaN if nobody knows.
    :ivar seconds: that training took; NaN if nobody knows.
    :ivar facts: about machine and code, as far as they are known.
    :ivar settings: all of them as text, by their keys, as far as they are known.
    :ivar identity: of the configuration, seed excluded; empty if nobody knows.
    """

    panel: str
    variant: str
    algorithm: str
    seed: int
    status: str
    env_steps: Floats
    scores: Floats
    run_id: str | None = None
    episodes: EpisodeScores = field(default_factory=EpisodeScores)
    best_possible: float = nan
    seconds: float = nan
    facts: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    identity: str = ""

    def __post_init__(self) -> None:
        env_steps, last = np.unique(self.env_steps[::-1], return_index=True)
        scores = self.scores[::-1][last]
        good = (np.abs(scores) <= LARGEST_NUMBER) & (env_steps >= 0) & (env_steps <= LARGEST_COUNT)
        kept = len(good) if good.all() else int(good.argmin())
        object.__setattr__(self, "env_steps", env_steps[:kept])
        object.__setattr__(self, "scores", scores[:kept])
        if kept < len(good) and self.status == FINISHED:
            object.__setattr__(self, "status", DIVERGED)

    @property
    def counts(self) -> bool:
        """Whether the run enters the statistics. Unfinished runs do not: they would bias them."""
        return self.status == FINISHED and len(self.scores) > 0

    @cached_property
    def _summary(self) -> dict[str, float]:
        return curve_summary(self.env_steps.tolist(), self.scores.tolist())

    @property
    def final(self) -> float:
        """Mean score of the evaluations in the last tenth of the steps."""
        return self._summary["final_return"]

    @property
    def best(self) -> float:
        """Highest score of an evaluation."""
        return self._summary["best_return"]

    @property
    def absolute(self) -> float:
        """Mean score of fresh episodes of the best policy; NaN if there were none."""
        return _mean(self.episodes.best)

    @property
    def last(self) -> float:
        """Mean score of the same episodes with the last policy; NaN if there were none."""
        return _mean(self.episodes.last)

    @property
    def normalised(self) -> float:
        """The final score as a share of the best possible one; NaN if that is not known to be above 0."""
        return self.final / self.best_possible if self.best_possible > 0 else nan

    @property
    def area(self) -> float:
        """Area under the learning curve divided by its steps: the mean score over training."""
        return self._summary["area_under_curve"]

    @property
    def steps_to_90(self) -> float | None:
        """Environment steps of the first evaluation at 90 % of the best; None if it never got better."""
        return self._summary.get("steps_to_90_percent")


@dataclass(frozen=True, eq=False)
class HeatMap:
    """How often each projection weight occurred in each period, over all finished runs of a variant.

    :ivar n_runs: whose counts are summed.
    :ivar counts: ``[R, bins]``.
    :ivar env_steps: borders of the R periods, ``[R+1]``.
    :ivar weights: borders of the bins, ``[bins+1]``.
    :ivar warmup_steps: environment steps in which the weights were those of a warm-up.
    """

    panel: str
    variant: str
    n_runs: int
    counts: NDArray[np.int64]
    env_steps: Floats
    weights: Floats
    warmup_steps: int = 0

    def plus(self, other: HeatMap) -> HeatMap:
        """The sum of two maps, over the periods of the longer one. A map with other borders adds nothing."""
        n = min(len(self.counts), len(other.counts))
        same_periods = np.array_equal(self.env_steps[: n + 1], other.env_steps[: n + 1])
        if not same_periods or not np.array_equal(self.weights, other.weights):
            return self
        longer, shorter = (self, other) if len(self.counts) > n else (other, self)
        counts = longer.counts.copy()
        counts[:n] += shorter.counts
        return replace(longer, n_runs=self.n_runs + other.n_runs, counts=counts)


@dataclass(frozen=True, eq=False)
class StudyResults:
    """All jobs of a study in the order of its plan.

    :ivar score_label: what the scores are, for axes.
    :ivar run_id: of the study's own run in MLflow.
    :ivar file: they were read from, if not from a store.
    :ivar chosen: the variant that the study wants the others to be compared with, if it says so.
    :ivar onset: score above which a run has begun to learn, if that is to be reported.
    :ivar smooth: evaluations over which learning curves are averaged; 1 for the curves as they are.
    :ivar names: how variants are called on the page, of those that somebody wants to be called otherwise.
    :ivar order: variants that stand before the others.
    :ivar store: address of the store that they were read from, or the folder.
    :ivar address: of the page of the study's run, if the store is a server.
    """

    name: str
    title: str
    score_label: str
    runs: tuple[Run, ...]
    heat_maps: tuple[HeatMap, ...] = ()
    run_id: str | None = None
    file: Path | None = None
    chosen: str | None = None
    onset: float | None = None
    smooth: int = 1
    names: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    store: str = ""
    address: str = ""

    @cached_property
    def _curves(self) -> dict[tuple[str, str], list[Run]]:
        """By panel and variant."""
        curves: dict[tuple[str, str], list[Run]] = {}
        for run in sorted((run for run in self.runs if run.counts), key=lambda run: run.seed):
            curves.setdefault((run.panel, run.variant), []).append(run)
        return curves

    @cached_property
    def panels(self) -> list[str]:
        return list(dict.fromkeys(run.panel for run in self.runs))

    @cached_property
    def variants(self) -> list[str]:
        """In the wanted order, the others in that of the plan."""
        return list(dict.fromkeys((*self.order, *(run.variant for run in self.runs))))

    @property
    def reference(self) -> str:
        """The variant that others are compared with: the chosen one, else ReMIX, else the first planned."""
        planned = [run.variant for run in self.runs]
        return next(name for name in (self.chosen, REFERENCE, *planned) if name in planned)

    def of(self, panel: str, variant: str) -> list[Run]:
        """The runs of one curve that enter the statistics, by seed: no estimate depends on their order."""
        return self._curves.get((panel, variant), [])

    def with_diverged(self, panel: str, variant: str) -> list[Run]:
        """Those and the runs that diverged, which is the end of learning and no reason outside of it."""
        curve = [run for run in self.runs if (run.panel, run.variant) == (panel, variant)]
        return sorted((r for r in curve if r.counts or r.status == DIVERGED), key=lambda run: run.seed)

    def of_panel(self, panel: str) -> list[Run]:
        """The runs of each curve of a panel that enter the statistics, by variant."""
        return [run for variant in self.variants for run in self.of(panel, variant)]

    def finals(self, panel: str, variant: str) -> Floats:
        """Their final scores, one per seed."""
        return np.array([run.final for run in self.of(panel, variant)], dtype=np.float64)

    def check_size(self) -> None:
        """:raises SettingError: if there is more than a report can hold."""
        curves = len(self.panels) * len(self.variants)
        seeds = max(Counter((run.panel, run.variant) for run in self.runs).values(), default=0)
        evaluations = max((len(run.scores) for run in self.runs), default=0)
        for number, most, what in (
            (curves, MOST_CURVES, "curves (panels times variants)"),
            (seeds, MOST_SEEDS, "runs of one curve"),
            (evaluations, MOST_EVALUATIONS, "evaluations of one run"),
        ):
            if number > most:
                raise SettingError(
                    "study", self.name, f"has {number:,} {what}; a report takes at most {most:,}"
                )

    @property
    def left_out(self) -> list[Run]:
        """The runs that do not enter the statistics."""
        return [run for run in self.runs if not run.counts]

    @property
    def status_counts(self) -> dict[str, int]:
        """Number of jobs by status, the best status first; without those that do not occur."""
        counts = Counter(run.status for run in self.runs)
        return {status: counts[status] for status in sorted(counts, key=rank)}

    @property
    def status_phrase(self) -> str:
        """As in "2 finished, 1 missing of 3 planned runs"."""
        counts = [f"{n} {status.lower()}" for status, n in self.status_counts.items()]
        return f"{', '.join(counts)} of {len(self.runs)} planned runs"


def _mean(scores: Floats) -> float:
    return float(scores.mean()) if len(scores) else nan


def rank(status: str) -> int:
    """Position of a status among all, 0 for the best."""
    return STATUSES.index(status) if status in STATUSES else len(STATUSES)
