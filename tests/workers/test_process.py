"""Worker processes: the same episodes as in this process, whatever happens to them."""

import os
import signal
import warnings
from functools import partial
from typing import Any

import pytest
import torch

from envs.errors import GameError, SettingError
from remix.policy import Policy
from remix.workers.inline import InlineWorkers
from remix.workers.process import ProcessWorkers
from remix.workers.seeds import episode_seeds
from tests.programs import assert_running, noted
from tests.workers.faulty import Faulty, SmallPredatorPrey, WithProgram
from tests.workers.test_rollout import assert_equal

SEEDS = episode_seeds(1, "train", 0, 10)


@pytest.fixture(scope="module")
def policy():
    torch.manual_seed(1)
    return Policy(SmallPredatorPrey().spec)


@pytest.fixture(scope="module")
def fault(tmp_path_factory):
    """The file that makes the environments of the pool fail."""
    return tmp_path_factory.mktemp("faults") / "fault"


@pytest.fixture(scope="module")
def pool(fault, policy):
    """One pool for all tests; to start processes takes seconds."""
    pool = ProcessWorkers(partial(Faulty, fault), policy, n_workers=2, episodes_at_once=3, timeout=120.0)
    yield pool
    pool.close()


@pytest.fixture
def expected(policy):
    return InlineWorkers(SmallPredatorPrey, policy).collect(policy.state_dict(), SEEDS, 0.5)


def assert_same(episodes, expected):
    assert len(episodes) == len(expected)
    for one, two in zip(episodes, expected, strict=True):
        assert_equal(one, two)


def test_same_episodes_as_in_this_process(pool, policy, expected):
    assert_same(pool.collect(policy.state_dict(), SEEDS, 0.5), expected)
    assert pool.restarts == 0


def test_the_given_weights_and_exploration_count(pool, policy):
    """Not those that the policy had when the pool was made."""
    torch.manual_seed(2)
    spec = SmallPredatorPrey().spec
    other, inline = Policy(spec), InlineWorkers(SmallPredatorPrey, Policy(spec))
    for weights, exploration in ((other, 0.0), (policy, 0.0), (other, 1.0)):
        state = weights.state_dict()
        expected = inline.collect(state, SEEDS[:5], exploration)
        assert_same(pool.collect(state, SEEDS[:5], exploration), expected)


def test_weights_are_not_put_into_shared_memory(pool, policy):
    state = policy.state_dict()
    pool.collect(state, SEEDS[:2], 0.0)
    assert not any(tensor.is_shared() for tensor in state.values())


def test_faults_leave_no_trace_in_the_episodes(pool, policy, fault, expected):
    """Only the first replacement is announced, all are counted."""
    state, before = policy.state_dict(), pool.restarts
    fault.write_text("raise")
    with pytest.warns(RuntimeWarning, match="(?s)replaced.*the game is broken"):
        assert_same(pool.collect(state, SEEDS, 0.5), expected)
    assert pool.restarts == before + 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in ("exit", "kill"):
            fault.write_text(kind)
            assert_same(pool.collect(state, SEEDS, 0.5), expected)
            assert not fault.exists()
        assert pool.restarts == before + 3
        os.kill(pool._workers[0].process.pid, signal.SIGKILL)  # while it waits for work
        assert_same(pool.collect(state, SEEDS, 0.5), expected)
    assert pool.restarts == before + 4


def test_a_worker_that_hangs_is_replaced(pool, policy, fault, expected):
    fault.write_text("hang")
    patience, pool.timeout = pool.timeout, 6.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_same(pool.collect(policy.state_dict(), SEEDS, 0.5), expected)
    pool.timeout = patience
    assert not fault.exists() and pool.restarts >= 1


@pytest.mark.parametrize("kind", ["raise", "hang", "exit", "kill"])
def test_what_a_worker_has_started_ends_with_it(policy, tmp_path, kind):
    """Replaced or dismissed, it leaves no game behind."""
    fault, programs = tmp_path / "fault", tmp_path / "programs"
    fault.write_text(kind)
    pool = ProcessWorkers(
        partial(WithProgram, fault, programs), policy, n_workers=1, timeout=6.0 if kind == "hang" else 120.0
    )
    with pytest.warns(RuntimeWarning):
        pool.collect(policy.state_dict(), SEEDS[:2], 0.5)
    assert len(noted(programs)) == 2
    assert_running(noted(programs), 1)
    pool.close()
    assert_running(noted(programs), 0)


def test_the_same_failure_again_and_again_ends_the_run(policy, tmp_path):
    fault = tmp_path / "fault"
    fault.write_text("raise")
    pool = ProcessWorkers(partial(Faulty, fault, always=True), policy, n_workers=1, retries=1)
    broken = "predator_prey: step 3 raised RuntimeError: the game is broken"
    with pytest.warns(RuntimeWarning), pytest.raises(GameError, match=broken):
        pool.collect(policy.state_dict(), SEEDS[:2], 0.5)
    workers = [worker.process for worker in pool._workers]
    pool.close()
    assert not any(process.is_alive() for process in workers)
    pool.close()


@pytest.mark.parametrize("setting", ["n_workers", "episodes_at_once", "retries", "timeout"])
def test_settings_that_cannot_work(policy, setting):
    settings: dict[str, Any] = {setting: 0}
    with pytest.raises(SettingError, match=f"{setting}=0"):
        ProcessWorkers(SmallPredatorPrey, policy, **settings)
