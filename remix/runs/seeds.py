"""One configuration with several seeds in one process."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, ListConfig

from remix.runs.config import leaving_no_trace, settle_directory
from remix.runs.experiment import check_run, settled, train
from remix.runs.run_settings import RunSettings
from remix.runs.side_by_side import side_by_side
from remix.settings import checks
from remix.settings.errors import SettingError, named
from remix.settings.user_errors import one_line


def train_seeds(config: DictConfig) -> None:
    """Train a configuration with each of its ``seeds``, side by side, in folders of their own.

    Each is the run that it would be alone with that ``seed``, in ``<run_dir>/seed<number>``.

    :raises SettingError: a setting cannot work; no run has begun.
    :raises SystemExit: with status 1, some of the runs failed.
    """
    runs = []
    with ExitStack() as refused:
        for single in list(_singles(config)):
            refused.enter_context(leaving_no_trace(single))
            runs.append(settled(single))
        for run in runs:
            check_run(run)
        outcomes = side_by_side(runs, train)
        errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        if len(errors) == len(runs) and len({str(error) for error in errors}) == 1:
            raise errors[0]  # which no seed brought about
    _farewell(runs, outcomes)
    if errors:
        sys.exit(1)


def _singles(config: DictConfig) -> Iterator[DictConfig]:
    """The configuration of every run."""
    given = HydraConfig.get().overrides.task if HydraConfig.initialized() else ()
    for word in (word for word in given if word.lstrip("+").startswith("seed=")):
        raise SettingError(
            "seed", word.partition("=")[2], "cannot go with seeds, which are those of all runs"
        )
    seeds, folder = _seeds(config.seeds), Path(settle_directory(config))
    for seed in seeds:
        single = deepcopy(config)
        single.seed, single.seeds = seed, None
        single.run_dir = str(folder / f"seed{seed}")
        yield single


def _seeds(given: object) -> list[int]:
    """:raises SettingError: they are no different seeds."""
    if not isinstance(given, ListConfig) or not given:
        raise SettingError("seeds", given, "must be a list of seeds, as in seeds=[1,2,3]")
    seeds = [checks.seed("seeds", seed) for seed in given]
    if len(set(seeds)) < len(seeds):
        raise SettingError("seeds", given, "must be different ones")
    return seeds


def _farewell(runs: Sequence[RunSettings], outcomes: Sequence[float | Exception]) -> None:
    """What became of the runs."""
    states = Counter(run.directory.state for run in runs)
    print(f"\n{len(runs)} seeds: {', '.join(f'{count} {state}' for state, count in states.items())}")
    for run, outcome in zip(runs, outcomes, strict=True):
        if isinstance(outcome, Exception):
            what = f"failed: {one_line(outcome) or named(outcome)}"
        else:
            what = f"final return {outcome:.2f}"
        print(f"  seed {run.config.seed}: {what}; {run.directory}")
