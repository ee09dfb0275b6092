"""Threads of a job under launchers that run jobs side by side."""

import os

import pytest

from remix.runs.launchers import threads_of_a_job


@pytest.mark.parametrize(
    ("launcher", "threads"),
    [
        ({"_target_": "hydra._internal.core_plugins.basic_launcher.BasicLauncher"}, None),
        ({"n_jobs": -1}, 1),
        ({"n_jobs": 2}, 4),
        ({"n_jobs": 3}, 2),
        ({"n_jobs": 100}, 1),
        ({"cpus_per_task": 6}, 6),
        ({"cpus_per_task": None}, 1),
        ({"num_cpus": 3}, 3),
        ({"num_cpus": 0.5}, 1),
    ],
)
def test_jobs_share_eight_cores(launcher, threads, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert threads_of_a_job(launcher) == threads
