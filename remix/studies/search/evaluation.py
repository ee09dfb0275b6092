"""One trial: its values, its runs, and what it is worth."""

from __future__ import annotations

import math
import sys
import traceback
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from remix.records.claims import turn
from remix.records.directory import OUTPUT
from remix.runs import experiment
from remix.runs.config import plain
from remix.runs.identity import identity
from remix.runs.run_settings import RunSettings
from remix.settings.redaction import RedactedStream
from remix.studies.search.composition import composed, has, settled, words_of
from remix.studies.search.plan import Plan
from remix.studies.search.trials import LOCKS
from remix.tracking.studies import SEARCH

if TYPE_CHECKING:
    from optuna.trial import Trial


def propose(plan: Plan, trial: Trial) -> dict[str, Any]:
    """The values of a trial: groups first, then those settings that exist with the chosen groups."""
    groups = {dimension.key: dimension.suggest(trial) for dimension in plan.groups}
    config = composed("search", [*plan.words, *words_of(groups)])
    values = [dimension for dimension in plan.values if has(config, dimension.key)]
    return groups | {dimension.key: dimension.suggest(trial) for dimension in values}


def evaluate(plan: Plan, number: int, values: dict[str, Any]) -> float:
    """Train every seed with the values of a trial; runs that were begun go on, finished ones stay.

    :param number: of the trial, from 1.
    :returns: the mean final return.
    :raises ArithmeticError: if that is not a finite number.
    """
    config = composed("search", [*plan.words, *words_of(values)])
    returns = []
    for seed in plan.seeds:
        run = _run(plan, config, number, seed)
        _adopt(run, plan, number, values)
        # Trials with the same values have the same runs; who comes second waits, and finds them finished.
        with turn(plan.folder / LOCKS / Path(run.run_dir).name):
            returns.append(_train(run))
    value = fmean(returns)
    if not math.isfinite(value):
        raise ArithmeticError(f"the final return is {value}")
    return value


def _run(plan: Plan, config: DictConfig, number: int, seed: int) -> DictConfig:
    """What one seed of a trial trains."""
    changes = {
        "seed": seed,
        "resume": "auto",
        "experiment_name": plan.name,
        "run_name": f"trial {number}, seed {seed}",
    }
    # The directory is no part of the identity.
    name = f"{identity(settled(config, changes | {'run_dir': '.'}))}-seed{seed}"
    return settled(config, changes | {"run_dir": str(plan.folder / name)})


def _adopt(run: DictConfig, plan: Plan, number: int, values: Mapping[str, Any]) -> None:
    """Make the run a child of the search's in MLflow, if it is to be there at all.

    Its tags name the trial and its values; among its parameters are classes instead of groups.
    """
    if (node := run.logger.get("mlflow")) is not None:
        tags = {key.removeprefix("+"): value for key, value in values.items()}
        node.tags = plain(node.tags) | tags | {"trial": number}
        node.study = {"name": plan.name, "kind": SEARCH}


def _train(run: DictConfig) -> float:
    """Train with the console's lines, and the traceback of an error, in a file."""
    directory = Path(run.run_dir)
    directory.mkdir(exist_ok=True)
    with (
        (directory / OUTPUT).open("a", encoding="utf-8", errors="backslashreplace") as file,
        redirect_stdout(RedactedStream(file)),
    ):
        try:
            return float(experiment.train(RunSettings(run)))
        except Exception:
            traceback.print_exc(file=sys.stdout)
            raise
