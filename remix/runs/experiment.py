"""Training as configured: fit, validate, test, and everything kept. Here the parts of a run meet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import Logger

from remix import tracking
from remix.algorithms.base import MultiAgentModule
from remix.callbacks.journal import JournalKeeper
from remix.learning.datamodule import ReplayDataModule
from remix.runs.budget import Budget, check_budget
from remix.runs.building import build, make_all, quiet
from remix.runs.checkpoints import differences, restoring, starting_point
from remix.runs.claims import claim
from remix.runs.config import check, check_arguments, kept, previous_run
from remix.runs.content import NEEDS
from remix.runs.endings import delivering, ending, run_id
from remix.runs.identity import SCHEME, identity
from remix.runs.launchers import threads_of_a_job
from remix.runs.memory import check_memory, tell_memory
from remix.runs.records import write_run
from remix.runs.sources import own_modules
from remix.runs.stopping import stopped_by
from remix.runs.trainer import make_trainer
from remix.settings.errors import SettingError
from remix.tracking.journal import Journal
from remix.tracking.loggers import FolderLogger, JournalLogger, MLflowLogger
from remix.weighting.base import Weighting


def train(config: DictConfig) -> float:
    """Train as configured, evaluate, and keep everything in the run directory.

    With ``resume=auto`` a run that ended early goes on from its last checkpoint, and a finished one stays.

    :returns: mean greedy return of the final policy.
    """
    check(config)
    check_arguments(config)
    check_budget(config)
    directory = _short(Path(config.run_dir))
    previous_run(config, directory)  # refuses before anything is written there
    with claim(directory):
        previous = previous_run(config, directory)
        if previous.get("status") == "finished":
            print(f"already finished: {directory} (final return {previous['final_return']:.2f})")
            # What an earlier process did not deliver, or not to this store.
            with delivering(directory, previous) as loggers:
                loggers += _made(config, lambda kind: issubclass(kind, FolderLogger))
            return float(previous["final_return"])
        record = {
            "scheme": SCHEME,
            "identity": identity(config),
            "seed": config.seed,
            "started": previous.get("started", f"{datetime.now():%Y-%m-%dT%H:%M:%S.%f}"),
            "origin": tracking.origin(),
            NEEDS: own_modules(kept(config)),
            "mlflow_run_id": previous.get("mlflow_run_id"),
        }
        with delivering(directory, record) as loggers, ending(directory, record, goes_on=bool(previous)):
            _train(config, directory, record, loggers, goes_on=bool(previous))
    if config.study is None:
        _farewell(directory, record["final_return"], loggers)
    else:
        print(f"final return {record['final_return']:.2f}; everything is in {directory}")
    return float(record["final_return"])


def _train(
    config: DictConfig, directory: Path, record: dict[str, Any], loggers: list[Logger], goes_on: bool
) -> None:
    """The run itself, in a directory that is ours; ``record`` learns what it comes to.

    It has a status as soon as the run has begun.
    """
    quiet()
    if (threads := _threads(config)) is not None:
        torch.set_num_threads(threads)
    pl.seed_everything(config.seed, verbose=False)
    module, data = build(config)
    check_memory(data.spec, config)
    last = directory / "checkpoints/last.ckpt"
    checkpoint = starting_point(module, config.ckpt_path, last.parent if goes_on else None)
    trainer = make_trainer(config)
    if not module.automatic_optimization and (clip := config.trainer.gradient_clip_val) is not None:
        raise SettingError(
            "trainer.gradient_clip_val", clip, "must be null: algorithm.gradient_clip counts here"
        )
    journal = Journal(directory)
    if not goes_on or checkpoint is None or Path(checkpoint).parent != last.parent:
        journal.cut(0)  # of a process that came to no checkpoint
    loggers.append(JournalLogger(journal))
    loggers += _made(config)
    trainer.loggers = loggers
    parameters = tracking.run_parameters(kept(config))

    def begin() -> None:
        record["status"] = "running"
        write_run(directory, record)
        OmegaConf.save(OmegaConf.create(kept(config)), directory / "config.yaml")
        for logger in loggers:
            if isinstance(logger, FolderLogger):
                logger.begin(record, journal)
            else:
                logger.log_hyperparams(parameters)

    def look() -> None:
        if (found := run_id(loggers)) != record["mlflow_run_id"]:
            record["mlflow_run_id"] = found
            write_run(directory, record)

    trainer.callbacks.insert(0, JournalKeeper(journal, begin, look))  # type: ignore[attr-defined]
    _describe(config, module, data, directory, checkpoint)
    if checkpoint is None:
        trainer.validate(module, data, verbose=False)
    with restoring(trainer, checkpoint):
        trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
    if data.env_steps < data.max_env_steps:
        record["stopped_by"] = stopped_by(trainer)
    trainer.test(module, data, verbose=False)
    record["final_return"] = float(trainer.callback_metrics["final/return"])
    record["status"] = "stopped" if "stopped_by" in record else "finished"
    write_run(directory, record)
    if record["status"] == "stopped":
        steps = f"after {data.env_steps:,} of {data.max_env_steps:,} environment steps"
        advice = f"; the same command with resume=auto goes on from {last}" if last.is_file() else ""
        print(f"stopped by {record['stopped_by']} {steps}{advice}")
    _warn(Budget.of_run(module, data).shortfalls(module.env_steps, module.updates))


def _made(config: DictConfig, wanted: Callable[[type], bool] = lambda kind: True) -> list[Logger]:
    """The configured loggers, of those kinds that are wanted."""
    nodes = {name: node for name, node in config.logger.items() if node is None or wanted(_kind(node))}
    return list(make_all(nodes, "logger", Logger))


def _kind(node: DictConfig) -> type:
    target = get_object(node._target_)
    return target if isinstance(target, type) else object


def _threads(config: DictConfig) -> int | None:
    """The setting, else what a launcher of jobs side by side leaves to each, else None for all cores."""
    if config.threads is None and HydraConfig.initialized():
        return threads_of_a_job(HydraConfig.get().launcher)
    threads: int | None = config.threads
    return threads


def _describe(
    config: DictConfig,
    module: MultiAgentModule,
    data: ReplayDataModule,
    directory: Path,
    checkpoint: str | None,
) -> None:
    """The recipe, in a few lines, before it starts."""
    spec = data.spec
    parameters = sum(p.numel() for p in module.parameters() if p.requires_grad)
    print(
        f"{config.algorithm_name} on {spec.name}: {spec.n_agents} agents, {spec.n_actions} actions, "
        f"episodes of at most {spec.episode_limit} steps, {parameters:,} parameters\n"
        f"{data.max_env_steps:,} environment steps; {data.episodes_per_round} episodes, then "
        f"{data.updates_per_round} update(s) of {_learned_from(module, data)}; epsilon "
        f"{module.epsilon}; {_warmup(module)}seed {config.seed}\n"
        + (_origin(checkpoint, config) if checkpoint else f"run directory: {directory}"),
        flush=True,
    )
    tell_memory(data.spec, config)
    if checkpoint is None:
        # What the configuration tells was said when the study was planned.
        said = Budget.of_configuration(config).warnings() if config.study is not None else []
        _warn(line for line in Budget.of_run(module, data).warnings() if line not in said)


def _origin(checkpoint: str, config: DictConfig) -> str:
    """Where a run goes on; of one that begins from a checkpoint, what that was trained with instead."""
    if checkpoint != config.ckpt_path:
        return f"resumed from {checkpoint}"
    differing = differences(Path(checkpoint), kept(config))
    return f"begins from {checkpoint}" + (f", whose run had {', '.join(differing)}" if differing else "")


def _warmup(module: MultiAgentModule) -> str:
    """Whose weights come first, and for how long."""
    weighting = getattr(module, "weighting", None)
    if not isinstance(weighting, Weighting) or weighting.warmup is None or weighting.warmup_steps < 1:
        return ""
    name = type(weighting.warmup).__name__.lower()
    return f"{name} weights for the first {weighting.warmup_steps:,} steps; "


def _warn(lines: Iterable[str]) -> None:
    for line in lines:
        print(f"warning: {line}", file=sys.stderr, flush=True)


def _learned_from(module: MultiAgentModule, data: ReplayDataModule) -> str:
    """The episodes of one update."""
    parts = []
    if module.learns_from_replay:
        parts.append(f"{data.batch_size} replayed")
    if module.learns_from_latest:
        parts.append(f"the latest {data.latest_size}")
    return " and ".join(parts) + " episodes"


def _farewell(directory: Path, final_return: float, loggers: list[Logger]) -> None:
    best = directory / "checkpoints/best.ckpt"
    print(f"\nfinal return {final_return:.2f}; everything is in {directory}")
    for label, path in (
        ("checkpoint", best),
        ("episode", directory / "episode.gif"),
        ("weight heat map", directory / "weight_heatmap.png"),
    ):
        if path.is_file():
            print(f"  {label:<16} {path}")
    print("what next:")
    if best.is_file():
        print(f"  remix evaluate {best}")
        print(f"  remix watch {best}")
    if any(isinstance(logger, MLflowLogger) for logger in loggers):
        print("  remix ui        (compare runs in MLflow)")


def _short(path: Path) -> Path:
    """The path from the working directory, if it lies below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
