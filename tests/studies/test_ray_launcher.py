"""Studies whose jobs run on a Ray cluster."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from remix.learning.workers.cluster import connect
from remix.records.directory import all_runs
from remix.runs.config import remove_unused
from tests.command_line import TINY, CommandLine
from tests.learning.workers.clusters import small_cluster

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

STUDY = ("train", *TINY, "callbacks.episode_video=null", "callbacks.absolute_metric=null", "study=custom")
JOBS = (*STUDY, "study.name=jobs", "seed=1,2", "hydra/launcher=ray")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two machines with a core each, of which the second may be taken away."""
    with small_cluster(num_cpus=1) as cluster:
        cluster.add_node(num_cpus=1, object_store_memory=100 * 2**20)
        connect(cluster.address, log_to_driver=True)
        yield cluster


def test_all_jobs_finish_and_are_skipped_the_next_time(cluster: Any, remix: CommandLine):
    address = f"hydra.launcher.address={cluster.address}"
    done = remix(*JOBS, address)
    assert done.code == 0, done.err
    assert "study jobs: 2 jobs: 2 finished\n" in done.out
    alone = remix(*STUDY, "study.name=alone", "seed=1", "study.reuse=false")
    assert alone.code == 0, alone.err
    equal = [record for _, record in all_runs() if record.seed == 1]
    assert len(equal) == 2 and equal[0].final_return == equal[1].final_return
    again = remix(*JOBS, address)
    assert "study jobs: 2 jobs: 2 skipped (finished before)\n" in again.out
    remove_unused()  # of this process, as at its end
    assert not list(remix.home.glob("runs/sweeps/*"))


def test_jobs_of_a_lost_machine_go_on_elsewhere(cluster: Any, remix: CommandLine):
    def lose() -> None:
        while sum(record.status is not None for _, record in all_runs()) < 2:
            time.sleep(0.05)
        cluster.remove_node(next(iter(cluster.worker_nodes)), False)

    loss = threading.Thread(target=lose)
    loss.start()
    done = remix(*JOBS, "max_env_steps=1_000", f"hydra.launcher.address={cluster.address}")
    loss.join()
    assert done.code == 0, done.err
    assert "study jobs: 2 jobs: 2 finished\n" in done.out
    assert len(list(all_runs())) == 2


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ("num_cpus=64", "num_cpus=64: must be at most 1: no machine of the cluster has more"),
        ("num_gpus=1", "num_gpus=1: must be at most 0: no machine of the cluster has more beside num_cpus=1"),
        ("num_cpus=many", "num_cpus=many: must be a number of at least 0"),
        ("retries=-1", "retries=-1: must be a whole number of at least 0"),
    ],
)
def test_mistakes_are_one_line(cluster: Any, remix: CommandLine, setting: str, line: str):
    done = remix(*JOBS, f"hydra.launcher.address={cluster.address}", f"hydra.launcher.{setting}")
    assert done.code == 2
    assert f"remix: hydra.launcher.{line}\n" in done.err
