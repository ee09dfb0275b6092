"""The plan of a study: all its jobs, checked before the first of them starts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from remix.records.claims import turn
from remix.records.directory import RunDirectory
from remix.report.files import CURVE_COLUMNS
from remix.runs.budget import Budget, check_budget
from remix.runs.config import as_hydras, check, check_arguments, check_study
from remix.runs.identity import SCHEME
from remix.runs.run_settings import RunSettings
from remix.settings import checks
from remix.settings.errors import SettingError
from remix.settings.files import replace_text
from remix.settings.redaction import redacted
from remix.tracking.plan_file import PLAN_FILE, read_plan

_PLANNING = ".planning"
"""In a study's folder: the folder that whoever changes the plan holds."""


@dataclass(frozen=True)
class Job:
    """One run of a study.

    :ivar panel: the axes that its curve belongs to.
    :ivar variant: what tells it from other curves there.
    :ivar identity: of its configuration, seed excluded.
    :ivar directory: of the run.
    :ivar together: seeds of the jobs that are trained in one process with this one, itself included.
    """

    panel: str
    variant: str
    algorithm: str
    seed: int
    identity: str
    directory: str
    together: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.panel}, {self.variant}, seed {self.seed}"


@dataclass(frozen=True)
class Plan:
    """All jobs of one command, in the order of the sweep, and what the study says of itself.

    :ivar metric: that the study compares.
    :ivar score: what people call it.
    :ivar reference: variant that the others are compared with, None for the usual one.
    :ivar onset: score above which a run has begun to learn, None if that is not asked.
    :ivar sweep: the values of each swept setting.
    :ivar configuration: of the first job, resolved.
    :ivar warnings: about jobs whose budget is too small for something, and their number.
    """

    study: str
    title: str
    metric: str
    score: str
    reference: str | None
    onset: float | None
    jobs: tuple[Job, ...]
    sweep: dict[str, str]
    configuration: dict[str, Any]
    warnings: dict[str, int]

    def merged(self, earlier: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
        """The plan as JSON, with jobs of earlier commands that this one leaves out."""
        jobs = {(job["panel"], job["variant"], job["seed"]): job for job in earlier}
        for number, job in enumerate(self.jobs, start=1):
            place = {"place": f"{number}/{len(self.jobs)}"}
            jobs[job.panel, job.variant, job.seed] = asdict(job) | place
        names = ("study", "title", "metric", "score", "reference", "onset")
        about = {name: getattr(self, name) for name in names}
        return about | {"jobs": list(jobs.values())}


def make_plan(config: DictConfig) -> Plan:
    """Compose and check every job of a sweep that has not begun.

    :param config: of the sweep as a whole, as Hydra hands it to ``on_multirun_start``.
    :raises SettingError: if a job could not run, if two of them could not be told apart or would share a
        folder, or if the study's folder holds a run of the same name and another configuration.
    """
    check_study(config.study)
    if OmegaConf.is_missing(config.study, "name"):
        raise SettingError("study.name", "???", "must be given, as in study.name=mine")
    if config.study.score in CURVE_COLUMNS:
        raise SettingError("study.score", config.study.score, "must not be another column of its tables")
    _check_tuning(config.study.tuning)
    for name in ("together", "reuse", "retry_failed"):
        checks.flag(f"study.{name}", config.study[name])
    # Before the jobs, which hand it on to a callback of theirs under another name.
    onset = None if config.study.onset is None else checks.number("study.onset", config.study.onset)
    composed = list(_jobs(config))
    jobs = tuple(job for job, _, _ in composed)
    seen: dict[tuple[str, str], Job] = {}
    folders: dict[str, Job] = {}
    for job in jobs:
        other = folders.setdefault(job.directory, job)
        if str(other) != str(job):
            expected = f"'{job}' and '{other}' would share the folder {job.directory}; rename one of them"
            raise SettingError("study.variant", job.variant, expected)
        first = seen.setdefault((job.panel, job.variant), job)
        if first.identity != job.identity:
            raise SettingError(
                "study.variant",
                job.variant,
                f"names two configurations of '{job.panel}'; tell them apart, "
                "as in study.variant='${algorithm_name} ${algorithm.gamma}' (in single quotes)",
            )
        _check_place(config, job)
    about = config.study
    if about.together:
        jobs = tuple(replace(job, together=_equals(job, jobs)) for job in jobs)
    sweep = redacted(dict(setting.split("=", 1) for setting in _given(config) if "=" in setting))
    warnings = Counter(line for _, _, lines in composed for line in lines)
    name, title, metric, score = (str(about[key]) for key in ("name", "title", "metric", "score"))
    reference = None if about.reference is None else str(about.reference)
    variants = dict.fromkeys(job.variant for job in jobs)
    if reference is not None and reference not in variants:
        # Jobs of another command may bring it.
        planned = ", ".join(variants)
        warnings[f"study.reference={reference} is none of the variants planned here: {planned}"] = len(jobs)
    return Plan(name, title, metric, score, reference, onset, jobs, sweep, composed[0][1], warnings)


def _check_tuning(tuning: object) -> None:
    if not isinstance(tuning, DictConfig):
        raise SettingError("study.tuning", tuning, "must be words by variant, as in '{qmix: 12 short runs}'")


def write_plan(plan: Plan, directory: Path) -> None:
    """Write the plan into the study's folder, where the jobs find it, with the jobs of earlier commands.

    :raises SettingError: if the folder is that of another study, whose name only looks different.
    """
    path = directory / PLAN_FILE
    with turn(directory / _PLANNING):
        earlier = read_plan(path) if path.is_file() else plan.merged()
        if earlier["study"] != plan.study:
            expected = f"has the folder of the study '{earlier['study']}', {directory}; choose another"
            raise SettingError("study.name", plan.study, expected)
        replace_text(path, json.dumps(plan.merged(earlier["jobs"]), indent=1))


def _equals(job: Job, jobs: Iterable[Job]) -> tuple[int, ...]:
    """Seeds of the jobs that differ in nothing else."""
    axes = job.panel, job.variant
    return tuple(dict.fromkeys(other.seed for other in jobs if (other.panel, other.variant) == axes))


def _jobs(config: DictConfig) -> Iterator[tuple[Job, dict[str, Any], list[str]]]:
    """Every job with its configuration and what to warn of.

    Jobs that differ in the seed alone share one composition.
    """
    loader = GlobalHydra.instance().config_loader()
    composed: dict[tuple[str, ...], DictConfig] = {}
    for overrides in _sweep(config):
        settings = tuple(o for o in overrides if not o.startswith("seed="))
        fresh = settings not in composed
        if fresh:
            composed[settings] = loader.load_sweep_config(config, overrides)
        job = composed[settings]
        seed = next((o.partition("=")[2] for o in overrides if o.startswith("seed=")), None)
        if seed is not None and not fresh:
            OmegaConf.update(job, "seed", OmegaConf.create(f"v: {seed}").v)
        yield _job(job, fresh)


def _sweep(config: DictConfig) -> list[list[str]]:
    """The settings of every job, as Hydra's own sweeper makes them."""
    loader = GlobalHydra.instance().config_loader()
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(_given(config))
    return [job for batch in BasicSweeper.split_arguments(overrides, None) for job in batch]


def _given(config: DictConfig) -> list[str]:
    """The settings of the study's own sweep, overruled by those of the command line."""
    params = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    # Each job resolves interpolations for itself.
    return params + OmegaConf.to_container(config.hydra.overrides.task, resolve=False)  # type: ignore[operator]


def _job(config: DictConfig, fresh: bool) -> tuple[Job, dict[str, Any], list[str]]:
    with as_hydras(config):
        directory = Path(config.hydra.sweep.dir) / config.hydra.sweep.subdir
        config.run_dir = str(directory.absolute())
        run = RunSettings(config)
        check(config)
        if fresh:
            check_arguments(run.plain)
            check_budget(config)
        job = Job(
            panel=str(config.study.panel),
            variant=str(config.study.variant),
            algorithm=str(config.algorithm_name),
            seed=config.seed,
            identity=run.identity,
            directory=str(directory),
        )
        return job, run.kept if fresh else {}, Budget.of_configuration(config).warnings()


def _check_place(config: DictConfig, job: Job) -> None:
    record = RunDirectory(Path(job.directory)).record
    if record and record.scheme != SCHEME:
        raise SettingError(
            "study.name",
            config.study.name,
            f"holds '{job}' as an earlier version of ReMIX recorded it ({job.directory}), which cannot be "
            "compared; choose another study.name, or delete that run",
        )
    if record and record.identity != job.identity:
        raise SettingError(
            "study.name",
            config.study.name,
            f"holds another configuration of '{job}', or of other code of yours ({job.directory}); "
            "choose another study.name, or delete that run",
        )
