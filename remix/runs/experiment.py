"""Training as configured: validate, fit, test, keep everything. Here the parts of a run meet."""

from __future__ import annotations

import warnings

import pytorch_lightning as pl
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from remix.records.directory import short
from remix.records.record import RunRecord
from remix.runs.budget import check_budget
from remix.runs.building import GENERATORS, quiet
from remix.runs.checkpoints import restoring, starting_point, take_networks
from remix.runs.compilation import compilation_told
from remix.runs.config import check, check_arguments, leaving_no_trace
from remix.runs.launchers import cores, threads_of_a_job
from remix.runs.memory import check_memory
from remix.runs.previous import find_previous, previous_run
from remix.runs.progress import RunInProgress, configured_loggers, delivering, ending
from remix.runs.run_settings import RunSettings
from remix.runs.side_by_side import Company
from remix.runs.sources import changed
from remix.runs.stopping import stopped_by
from remix.runs.telling import describe, farewell, tell_end
from remix.runs.trainer import make_trainer
from remix.tracking.loggers import FolderLogger


def train_alone(config: DictConfig) -> float:
    """:func:`train` for a run that belongs to no study; one that is refused leaves no directory behind."""
    with leaving_no_trace(config):
        return train(settled(config))


def settled(config: DictConfig) -> RunSettings:
    """The settings of a run that belongs to no study, in its directory: a new one, or where it was begun."""
    if config.resume == "auto":
        check(config)
        find_previous(config)
    return RunSettings(config)


def check_run(settings: RunSettings) -> None:
    """Refuse what can be known not to work before anything is built or written.

    :raises SettingError: naming the setting.
    """
    check(settings.composed)  # whose mistakes may keep references from being resolved
    check_arguments(settings.plain)
    if (file := changed(settings.plain)) is not None:
        text = (
            f"{short(file)} has changed since this process imported it, which goes on with the code of then"
        )
        warnings.warn(text, stacklevel=2)
    check_budget(settings.config)
    previous_run(settings)  # is asked before anything is written there, as it may refuse


def train(settings: RunSettings, company: Company | None = None) -> float:
    """Train as configured, evaluate, and keep everything in the run directory.

    With ``resume=auto`` a run that ended early goes on from its last checkpoint, and a finished one stays.

    :param company: runs that train beside it in this process; None if it is alone.
    :returns: mean greedy return of the final policy.
    """
    check_run(settings)
    company = company or Company()
    with settings.directory.claim():
        previous = previous_run(settings)
        if previous.status == "finished" and previous.final_return is not None:
            return _finished_before(settings, previous, previous.final_return)
        run = RunInProgress.after(previous, settings)
        with ending(run, goes_on=bool(previous)), compilation_told():
            final_return = _train(run, bool(previous), company)
    farewell(run, alone=company.size == 1)
    return final_return


def _train(run: RunInProgress, goes_on: bool, company: Company) -> float:
    """Train in a directory that this process holds."""
    quiet()
    _seed_and_threads(run.config, company.size)
    module, data = company.parts(run.config)
    with data.collector.recruited(module):  # whose mistakes are found before anything is kept
        check_memory(data.spec, run.config, company.size)
        checkpoint = starting_point(
            module, run.config.ckpt_path, run.directory.last.parent if goes_on else None
        )
        networks = None
        if checkpoint is None and run.config.init_from is not None:
            networks = take_networks(module, run.config.init_from)
        trainer = make_trainer(run.config, module)
        trainer.callbacks.append(company.stop)  # type: ignore[attr-defined]
        run.connect(trainer, checkpoint, data.spec.best_return)
        describe(run, module, data, checkpoint, networks, company.size)
        if checkpoint is None:
            trainer.validate(module, data, verbose=False)
        with restoring(trainer, checkpoint):
            trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
        reason = stopped_by(trainer) if data.env_steps < data.max_env_steps else None
        trainer.test(module, data, verbose=False)
    final_return = float(trainer.callback_metrics["final/return"])
    status = "finished" if reason is None else "stopped"
    run.note(final_return=final_return, stopped_by=reason, status=status)
    tell_end(run, module, data)
    return final_return


def _finished_before(settings: RunSettings, record: RunRecord, final_return: float) -> float:
    """Deliver to the loggers what an earlier process did not deliver, perhaps as the store is another one."""
    print(f"already finished: {settings.directory} (final return {final_return:.2f})")
    run = RunInProgress(settings, record)
    with delivering(run):
        run.loggers += configured_loggers(run.config, lambda kind: issubclass(kind, FolderLogger))
    return final_return


def _seed_and_threads(config: DictConfig, n_runs: int) -> None:
    """Seed everything. Threads are the setting, else a job's share of a parallel launcher, else all cores.

    :param n_runs: which share what is no setting.
    """
    threads: int | None = config.threads
    if threads is None and HydraConfig.initialized():
        threads = threads_of_a_job(HydraConfig.get().launcher)
    if config.threads is None and n_runs > 1:
        threads = max(1, (threads or cores()) // n_runs)
    if threads is not None:
        torch.set_num_threads(threads)
    with GENERATORS:
        pl.seed_everything(config.seed, verbose=False)
