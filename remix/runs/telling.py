"""What a run says on the console: its recipe before it starts, what became of it, what to do next."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from remix.algorithms.base import MultiAgentModule
from remix.learning.datamodule import ReplayDataModule
from remix.records.directory import BEST, FILM, HEAT_MAP, LEARNING_CURVE
from remix.runs.budget import Budget
from remix.runs.checkpoints import differences
from remix.runs.memory import tell_memory
from remix.runs.progress import RunInProgress
from remix.settings.program import program
from remix.tracking.loggers import MLflowLogger
from remix.weighting.base import Weighting


def describe(
    run: RunInProgress,
    module: MultiAgentModule,
    data: ReplayDataModule,
    checkpoint: str | None,
    networks: Path | None,
    n_runs: int = 1,
) -> None:
    """Print the recipe of a run, in a few lines, before it starts.

    :param checkpoint: from which it goes on or begins.
    :param networks: the checkpoint whose networks it begins with.
    :param n_runs: that train in this process.
    """
    config, spec = run.config, data.spec
    parameters = sum(p.numel() for p in module.parameters() if p.requires_grad)
    print(
        f"{config.algorithm_name} on {spec.name}: {spec.n_agents} agents, {spec.n_actions} actions, "
        f"episodes of at most {spec.episode_limit} steps, {parameters:,} parameters\n"
        f"{data.max_env_steps:,} environment steps; {data.episodes_per_round} episodes, then "
        f"{data.updates_per_round} update(s) of {_learned_from(module, data)}; epsilon "
        f"{module.epsilon}; {_warmup(module)}seed {config.seed}\n"
        + (f"begins with the networks of {networks}{_differing(networks, run)}\n" if networks else "")
        + (_origin(checkpoint, run) if checkpoint else f"run directory: {run.directory}"),
        flush=True,
    )
    tell_memory(data.spec, config, n_runs)
    if config.trainer.accelerator == "cpu" and config.trainer.precision == "bf16-mixed":
        _warn(["trainer.precision=bf16-mixed: on the CPU the networks compute in float32"])
    if checkpoint is None:
        # The plan of the study has warned already of what the configuration tells.
        said = Budget.of_configuration(config).warnings() if config.study is not None else []
        _warn(line for line in Budget.of_run(module, data).warnings() if line not in said)


def _origin(checkpoint: str, run: RunInProgress) -> str:
    """The checkpoint that a run goes on or begins from, and what that was trained with differently."""
    if checkpoint != run.config.ckpt_path:
        return f"resumed from {checkpoint}"
    return f"begins from {checkpoint}{_differing(Path(checkpoint), run)}"


def _differing(checkpoint: Path, run: RunInProgress) -> str:
    """What the checkpoint was trained with differently."""
    differing = differences(checkpoint, run.settings.kept)
    return f", whose run had {', '.join(differing)}" if differing else ""


def _warmup(module: MultiAgentModule) -> str:
    """Which weights come first, and for how long."""
    weighting = getattr(module, "weighting", None)
    if not isinstance(weighting, Weighting) or weighting.warmup is None or weighting.warmup_steps < 1:
        return ""
    name = type(weighting.warmup).__name__.lower()
    return f"{name} weights for the first {weighting.warmup_steps:,} steps; "


def _warn(lines: Iterable[str]) -> None:
    for line in lines:
        print(f"warning: {line}", file=sys.stderr, flush=True)


def _learned_from(module: MultiAgentModule, data: ReplayDataModule) -> str:
    """How many episodes an update learns from, and which."""
    parts = []
    if module.learns_from_replay:
        parts.append(f"{data.batch_size} replayed")
    if module.learns_from_latest:
        parts.append(f"the latest {data.latest_size}")
    return " and ".join(parts) + " episodes"


def tell_end(run: RunInProgress, module: MultiAgentModule, data: ReplayDataModule) -> None:
    """Print why training ended before its budget was used, and what the budget did not suffice for."""
    if (reason := run.record.stopped_by) is not None:
        steps = f"after {data.env_steps:,} of {data.max_env_steps:,} environment steps"
        last = run.directory.last
        setting, is_count, _ = reason.partition("=")
        if is_count:  # of all processes together, so that this run is at its end
            advice = f"; a new run goes on, with ckpt_path={last} and a larger {setting}"
        else:
            advice = f"; the same command with resume=auto goes on from {last}"
        print(f"stopped by {reason} {steps}{advice if last.is_file() else ''}")
    _warn(Budget.of_run(module, data).shortfalls(module.env_steps, module.updates))


def farewell(run: RunInProgress, alone: bool = True) -> None:
    """Print what the run has left, and which commands come next.

    :param alone: whether it is the only run of this process.
    """
    final, directory = run.record.final_return, run.directory
    if run.config.study is not None or not alone:
        print(f"final return {final:.2f}; everything is in {directory}")
        return
    print(f"\nfinal return {final:.2f}; everything is in {directory}")
    best = directory.file(BEST)
    for label, path in (
        ("checkpoint", best),
        ("learning curve", directory.file(LEARNING_CURVE)),
        ("episode", directory.file(FILM)),
        ("weight heat map", directory.file(HEAT_MAP)),
    ):
        if path is not None:
            print(f"  {label:<16} {path}")
    print("what next:")
    if best is not None:
        print(f"  {program()} evaluate {shlex.quote(str(directory))}")
        print(f"  {program()} watch {shlex.quote(str(directory))}")
    print(f"  {program()} report {shlex.quote(str(directory))}")
    if any(isinstance(logger, MLflowLogger) for logger in run.loggers):
        print(f"  {program()} ui        (compare runs in MLflow)")
