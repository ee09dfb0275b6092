"""Workers on a Ray cluster: the same episodes as in this process, whatever becomes of actors and machines."""

import os
import random
import signal
import threading
import time
import warnings
from contextlib import suppress
from functools import partial

import numpy as np
import pytest
import torch

from remix.learning.policy import Policy
from remix.learning.workers.base import WorkerError
from remix.learning.workers.cluster import connect
from remix.learning.workers.inline import InlineWorkers
from remix.learning.workers.ray import RayWorkers
from remix.learning.workers.seeds import episode_seeds
from remix.settings.errors import SettingError
from tests.command_line import TINY, CommandLine
from tests.envs.broken import Sound
from tests.learning.workers.clusters import small_cluster
from tests.learning.workers.faulty import Slow, SmallPredatorPrey, WithProgram
from tests.learning.workers.test_process import Broken, Vanishing, assert_same
from tests.programs import assert_running, noted

pytest.importorskip("ray")
pytestmark = pytest.mark.slow
SEEDS = episode_seeds(1, "train", 0, 10)
LOSSES = 6
"""Of which each takes seconds, as an actor has to start; 20 were tried, too."""


@pytest.fixture(scope="module")
def cluster():
    """One for all tests, with three cores; to start it takes seconds."""
    with small_cluster(num_cpus=3) as cluster:
        connect(cluster.address)
        yield cluster


@pytest.fixture(scope="module")
def policy():
    torch.manual_seed(1)
    return Policy(SmallPredatorPrey().spec)


@pytest.fixture(scope="module")
def fault(tmp_path_factory):
    """The file that makes the environments of the pool fail."""
    return tmp_path_factory.mktemp("faults") / "fault"


@pytest.fixture(scope="module")
def pool(cluster, fault, policy):
    pool = RayWorkers(
        partial(Slow, fault), policy, n_workers=2, episodes_at_once=3, timeout=120.0, address=cluster.address
    )
    yield pool
    pool.close()


@pytest.fixture
def expected(policy):
    return InlineWorkers(SmallPredatorPrey, policy).collect(policy.state_dict(), SEEDS, 0.5)


def kill(worker):
    """End the process of an actor, as the system or a machine's end would."""
    with suppress(worker._ray.exceptions.RayActorError):  # its machine is gone already
        pid = worker._ray.get(worker.actor.__ray_call__.remote(lambda player: os.getpid()))
        os.kill(pid, signal.SIGKILL)


def collect(pool, policy):
    """With the warnings of replacements left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pool.collect(policy.state_dict(), SEEDS, 0.5)


def test_same_episodes_as_in_this_process(pool, policy, expected):
    assert_same(pool.collect(policy.state_dict(), SEEDS, 0.5), expected)
    assert pool.restarts == 0
    assert pool.strength[1] == 2
    episode = pool.collect(policy.state_dict(), SEEDS[:1], 0.0)[0]
    assert episode.obs.flags.writeable


def test_the_given_weights_and_exploration_count(pool):
    torch.manual_seed(2)
    other = Policy(SmallPredatorPrey().spec)
    expected = InlineWorkers(SmallPredatorPrey, other).collect(other.state_dict(), SEEDS, 0.0)
    assert_same(pool.collect(other.state_dict(), SEEDS, 0.0), expected)


def test_faults_leave_no_trace_in_the_episodes(pool, policy, fault, expected):
    """The actor stays where its process failed."""
    before, actors = pool.restarts, {worker.actor for worker in pool._workers}
    for n, kind in enumerate(("raise", "exit", "kill"), start=1):
        fault.write_text(kind)
        assert_same(collect(pool, policy), expected)
        assert not fault.exists() and pool.restarts == before + n
    assert {worker.actor for worker in pool._workers} == actors


def test_losses_lose_and_double_nothing(pool, policy, expected, cluster):
    """Of actors at random moments, and of a machine."""
    draw, before = random.Random(1), pool.restarts
    machine = cluster.add_node(num_cpus=2, object_store_memory=100 * 2**20)
    for n in range(LOSSES):
        loss = threading.Timer(draw.uniform(0.0, 0.3), kill, [draw.choice(pool._workers)])
        if n == LOSSES // 2:
            loss = threading.Timer(0.1, cluster.remove_node, [machine, False])
        loss.start()
        assert_same(collect(pool, policy), expected)
        loss.join()
    assert_same(collect(pool, policy), expected)
    assert pool.restarts > before


def test_a_worker_that_hangs_is_replaced_with_all_that_it_started(cluster, policy, tmp_path):
    fault, programs = tmp_path / "fault", tmp_path / "programs"
    fault.write_text("hang")
    play = partial(WithProgram, fault, programs)
    pool = RayWorkers(play, policy, n_workers=1, timeout=3.0, address=cluster.address)
    with pytest.warns(RuntimeWarning, match=r"did not answer within 3 seconds \(workers.timeout\)"):
        pool.collect(policy.state_dict(), SEEDS[:2], 0.5)
    assert len(noted(programs)) == 2
    assert_running(noted(programs), 1)
    kill(pool._workers[0])
    assert_running(noted(programs), 0)
    pool.close()
    pool.close()


def test_a_broken_game_is_the_same_line_as_in_this_process(cluster):
    policy = Policy(Sound().spec)
    seeds = np.zeros(2, dtype=np.int64)
    with pytest.raises(Exception, match="nan") as expected:
        InlineWorkers(Broken, policy).collect(policy.state_dict(), seeds, 0.5)
    pool = RayWorkers(Broken, policy, n_workers=1, address=cluster.address)
    with pytest.raises(type(expected.value)) as caught:
        pool.collect(policy.state_dict(), seeds, 0.5)
    pool.close()
    assert str(caught.value) == str(expected.value)


def test_more_workers_than_places(cluster, policy, expected, monkeypatch):
    """It plays with those that are there; if nobody is, it says so."""
    many = RayWorkers(SmallPredatorPrey, policy, n_workers=4, address=cluster.address)
    assert_same(many.collect(policy.state_dict(), SEEDS, 0.5), expected)
    assert 1 <= many.strength[0] <= 3 and many.strength[1] == 4
    monkeypatch.setattr("remix.learning.workers.ray.START_PATIENCE", 1.0)
    more = RayWorkers(SmallPredatorPrey, policy, n_workers=1, num_cpus=3, address=cluster.address)
    with pytest.raises(WorkerError, match="no worker found a place on the cluster"):
        more.collect(policy.state_dict(), SEEDS, 0.5)
    more.close()
    many.close()


def test_breaking_off(cluster, policy, tmp_path):
    (tmp_path / "fault").write_text("hang")
    pool = RayWorkers(partial(Slow, tmp_path / "fault"), policy, n_workers=1, address=cluster.address)
    outcome = []

    def play():
        with pytest.raises(WorkerError) as caught:
            pool.collect(policy.state_dict(), SEEDS, 0.5)
        outcome.append(caught.value)

    playing = threading.Thread(target=play)
    playing.start()
    while (tmp_path / "fault").exists():
        time.sleep(0.05)
    pool.break_off()
    playing.join()
    assert outcome
    pool.close()


def test_a_run_plays_there_and_tells_how_many(
    cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path
):
    """It has the numbers of one in this process."""
    remix = CommandLine(monkeypatch, capsys, tmp_path)
    line = ("train", *TINY, "logger=csv", "callbacks.absolute_metric=null")
    inline = remix(*line, "run_dir=inline")
    spread = remix(*line, "run_dir=ray", "workers=ray", f"workers.address={cluster.address}")
    assert (inline.code, spread.code) == (0, 0), spread.err
    assert "workers" in spread.out and " of 2" in spread.out
    returns = [
        [row.partition(";")[0] for row in run.out.splitlines() if "final return" in row]
        for run in (inline, spread)
    ]
    assert returns[0] == returns[1] and returns[0]
    wrong = remix(*line, "run_dir=wrong", "workers=ray", "workers.num_cpus=64")
    assert wrong.code == 2
    assert wrong.err == "remix: workers.num_cpus=64: must be at most 3: no machine of the cluster has more\n"


def test_a_game_that_is_not_there_is_refused_at_once(cluster, policy):
    pool = RayWorkers(Vanishing(), policy, n_workers=1, address=cluster.address)
    with pytest.raises(SettingError, match=r"workers=ray: cannot have the environment on .*no_such_module"):
        pool.collect(policy.state_dict(), SEEDS[:2], 0.5)
    pool.close()


def test_a_folder_that_is_not_there_is_refused_at_once(cluster, policy, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    pool = RayWorkers(SmallPredatorPrey, policy, n_workers=1, address=cluster.address)
    (tmp_path / "gone").rmdir()
    with pytest.raises(SettingError, match=r"cannot have the environment on .*be in a folder that all"):
        pool.collect(policy.state_dict(), SEEDS[:2], 0.5)
    pool.close()
