"""A Hydra launcher that runs the jobs of a sweep on a Ray cluster."""

from __future__ import annotations

import os
import socket
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from remix.learning.workers.cluster import LOCAL, check_resources, connect
from remix.records.claims import BEAT, EXPIRY
from remix.records.directory import RunDirectory
from remix.settings import checks
from remix.settings.errors import GameError, SettingError, part
from remix.settings.import_path import find_own_modules

_FAREWELL = 30.0  # seconds for jobs to end in good order


class RayLauncher(Launcher):
    """Every job is a process of its own, where the cluster has room for it.

    A job whose process or machine is lost is begun again, and goes on from its checkpoint if it is of a study
    or has ``resume=auto``.

    :param address: of the cluster, as :func:`connect` takes it.
    :param num_cpus: cores, and threads, of a job.
    :param num_gpus: GPUs of a job; jobs with fractions share one.
    :param retries: how often a lost job is begun again.
    """

    def __init__(
        self, address: str = LOCAL, num_cpus: float = 1, num_gpus: float = 0, retries: int = 3
    ) -> None:
        self.address, self.num_cpus, self.num_gpus, self.retries = address, num_cpus, num_gpus, retries

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self._sweep = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        with part("hydra.launcher"):
            retries = checks.whole("retries", self.retries, minimum=0)
            ray = connect(self.address, log_to_driver=True)
            needs = {"num_cpus": ("CPU", self.num_cpus), "num_gpus": ("GPU", self.num_gpus)}
            check_resources(ray, needs)
        # Every job is a process of its own. What is lost is begun again here, as it has to know that it was.
        task = ray.remote(num_cpus=self.num_cpus, num_gpus=self.num_gpus, max_retries=0, max_calls=1)(run)
        sweep = ray.put((*self._sweep, Singleton.get_state(), os.getcwd()))
        jobs = dict(enumerate(map(list, job_overrides), start=initial_job_idx))

        def begin(number: int, again: bool = False) -> Any:
            return task.options(name=f"job {number}").remote(sweep, jobs[number], number, again)

        calls = {begin(number): (number, 0) for number in jobs}
        outcomes: dict[int, JobReturn] = {}
        try:
            while calls:
                (call, *_), _ = ray.wait(list(calls))
                number, losses = calls.pop(call)
                outcome = _outcome(ray, call)
                if isinstance(outcome, JobReturn):
                    outcomes[number] = outcome
                elif losses == retries:
                    outcomes[number] = self._lost(number, losses + 1, outcome)
                else:
                    warnings.warn(f"job {number} was lost and begins again: {outcome}", stacklevel=1)
                    calls[begin(number, again=True)] = number, losses + 1
        finally:
            for call in calls:  # for which nobody waits any more
                ray.cancel(call)
            if calls:
                ray.wait(list(calls), num_returns=len(calls), timeout=_FAREWELL)
        return [outcomes[number] for number in jobs]

    def _lost(self, number: int, times: int, reason: str) -> JobReturn:
        """In place of what a job would have returned. It does not end a study."""
        lost = GameError(f"job {number} was lost {times} times, the last time: {reason}")
        if self._sweep[2].study is None:
            return JobReturn(status=JobStatus.FAILED, _return_value=lost)
        print(f"remix: {lost}", file=sys.stderr)
        return JobReturn(status=JobStatus.COMPLETED, _return_value=None)


def _outcome(ray: Any, call: Any) -> JobReturn | str:
    """What a job returned, or why it was lost."""
    try:
        outcome: JobReturn = ray.get(call)
    except ray.exceptions.RayTaskError as error:  # of what is done here around the job
        raise error.cause from error
    except ray.exceptions.RayError as error:
        return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return outcome


def find_ray_launcher() -> None:
    """Let Hydra find the launcher, by a name of the only package from which it takes launchers.

    Ray itself is loaded when there are jobs.
    """
    Plugins.instance().class_name_to_class["hydra_plugins.remix.RayLauncher"] = RayLauncher


def run(sweep: tuple[Any, ...], overrides: list[str], number: int, again: bool) -> JobReturn:
    """One job, on a machine of the cluster.

    :param sweep: its Hydra context, task and configuration, Hydra's state, and the folder of the command.
    :param number: of the job.
    :param again: whether it was begun before and lost.
    :raises SettingError: the folder is not there.
    """
    from remix.runs.config import register_resolvers, remove_unused

    context, task, config, state, folder = sweep
    if not Path(folder).is_dir():
        expected = f"{socket.gethostname()} has no folder {folder}: be in one that all machines see"
        raise SettingError("hydra/launcher", "ray", expected)
    os.chdir(folder)
    find_own_modules()
    register_resolvers()
    setup_globals()
    Singleton.set_state(state)
    job = context.config_loader.load_sweep_config(config, overrides)
    with open_dict(job):
        job.hydra.job.id, job.hydra.job.num = f"{job.hydra.job.name}_{number}", number
    HydraConfig.instance().set_config(job)
    if again:
        _outlast(RunDirectory(Path(job.hydra.sweep.dir) / job.hydra.sweep.subdir))
    try:
        return run_job(
            hydra_context=context,
            config=job,
            task_function=task,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )
    finally:
        remove_unused()  # Ray ends the process without its functions for the end


def _outlast(directory: RunDirectory) -> None:
    """Wait until a lost job holds its folder no more: its process may live on, or have left a note."""
    deadline = time.monotonic() + EXPIRY + BEAT
    while directory.holder is not None and time.monotonic() < deadline:
        time.sleep(1.0)
