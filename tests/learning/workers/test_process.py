"""Worker processes: the same episodes as in this process, whatever happens to them."""

import importlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
import warnings
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from numba.core.event import install_listener, trigger_event

from remix.envs.games import GeneralSumGame
from remix.learning.policy import Policy
from remix.learning.workers.base import WorkerError
from remix.learning.workers.child import portable
from remix.learning.workers.inline import InlineWorkers
from remix.learning.workers.player import Herald, Phase
from remix.learning.workers.process import ProcessWorkers
from remix.learning.workers.seeds import episode_seeds
from remix.settings.errors import GameError, InvalidOutput, SettingError
from tests.envs.broken import Sound
from tests.learning.workers.faulty import Faulty, SmallPredatorPrey, WithProgram
from tests.learning.workers.test_rollout import assert_equal
from tests.programs import assert_running, noted

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


def test_individual_rewards_come_along():
    game = partial(GeneralSumGame, [[[0, -1], [2, 1]], [[0, 1], [-2, -1]]], stages=3)
    policy = Policy(game().spec)
    processes = ProcessWorkers(game, policy, n_workers=1, timeout=120.0)
    try:
        episodes = processes.collect(policy.state_dict(), SEEDS, 0.5)
    finally:
        processes.close()
    assert_same(episodes, InlineWorkers(game, policy).collect(policy.state_dict(), SEEDS, 0.5))
    assert any(np.any(episode.individual_rewards) for episode in episodes)


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


class Broken(Sound):
    """The first seed chooses the fault."""

    faults = ("obs of an agent that is nan", "avail_actions that are short", "no reward", "odd")

    def reset(self, seeds):
        self.fault = self.faults[seeds[0] % len(self.faults)]
        return super().reset(seeds)


def test_a_broken_game_is_the_same_line_as_in_this_process():
    """What it must not return is final; its own exception may be chance."""
    policy = Policy(Sound().spec)
    state, inline = policy.state_dict(), InlineWorkers(Broken, policy)
    pool = ProcessWorkers(Broken, policy, n_workers=1, retries=1)
    for i, fault in enumerate(Broken.faults):
        seeds = np.array([i, i], dtype=np.int64)
        with pytest.raises(GameError) as expected:
            inline.collect(state, seeds, 0.5)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(GameError) as caught:
                pool.collect(state, seeds, 0.5)
        assert (type(caught.value), str(caught.value)) == (type(expected.value), str(expected.value))
        assert caught.value.details == expected.value.details
        assert pool.restarts == (fault == "odd")
    pool.close()


class Slow(SmallPredatorPrey):
    """Takes its time to be made, and as long for a step once ``file`` exists."""

    def __init__(self, file):
        super().__init__()
        self.file = file
        if multiprocessing.parent_process() is not None:
            time.sleep(3.0)

    def step(self, actions):
        if self.file.exists():
            time.sleep(3.0)
        return super().step(actions)


@pytest.mark.slow
def test_the_time_limit_is_for_playing(policy, tmp_path, monkeypatch):
    """Neither the start of a process nor the making of its game counts; they have a limit of their own."""
    pool = ProcessWorkers(partial(Slow, tmp_path / "slow"), policy, n_workers=1, timeout=2.0, retries=1)
    assert len(pool.collect(policy.state_dict(), SEEDS[:2], 0.5)) == 2
    assert pool.restarts == 0
    (tmp_path / "slow").touch()
    with (
        pytest.warns(RuntimeWarning, match=r"did not answer within 2 seconds \(workers.timeout\)"),
        pytest.raises(WorkerError, match=r"failed 2 times .* did not answer within 2 seconds"),
    ):
        pool.collect(policy.state_dict(), SEEDS[:2], 0.5)
    monkeypatch.setattr("remix.learning.workers.process.START_PATIENCE", 1.0)
    with pytest.raises(WorkerError, match=r"failed 2 times .* did not start within 1 seconds"):
        pool.collect(policy.state_dict(), SEEDS[:2], 0.5)
    pool.close()


def test_compiling_is_told_as_a_start():
    """Numba says when it compiles; in between the worker plays, or what else it was at."""
    ours, theirs = multiprocessing.Pipe()
    herald = Herald(theirs)
    herald.tell(Phase.PLAYING)
    with (
        install_listener("numba:compile", herald),
        trigger_event("numba:compile"),
        trigger_event("numba:compile"),
    ):
        """One function within another."""
    heard = []
    while ours.poll():
        heard.append(ours.recv())
    assert heard == [Phase.PLAYING, Phase.STARTING, Phase.PLAYING]


def test_an_environment_that_cannot_be_sent_is_refused(policy):
    with pytest.raises(SettingError, match=r"_target_=ProcessWorkers: cannot have the environment"):
        ProcessWorkers(lambda: SmallPredatorPrey(), policy)


class Vanishing:
    """A factory that is not there any more on the other side."""

    def __reduce__(self):
        return importlib.import_module, ("no_such_module",)

    def __call__(self):
        return SmallPredatorPrey()


def test_one_that_does_not_arrive_is_refused_at_once(policy):
    pool = ProcessWorkers(Vanishing(), policy, n_workers=1)
    with pytest.raises(SettingError, match="no_such_module"):
        pool.collect(policy.state_dict(), SEEDS[:2], 0.5)
    pool.close()


def play_and_wait(connection, fault, programs):
    """A process with a pool of its own, whose game hangs in the third step or waits for more."""
    policy = Policy(SmallPredatorPrey().spec)
    pool = ProcessWorkers(partial(WithProgram, fault, programs), policy, n_workers=1)
    playing = threading.Thread(target=pool.collect, args=(policy.state_dict(), SEEDS[:2], 0.5))
    playing.start()
    while not pool._workers:  # they are made when there is something to play
        time.sleep(0.01)
    if not fault.exists():
        playing.join()
    connection.send(pool._workers[0].process.pid)
    time.sleep(1000)


@pytest.mark.parametrize("hangs", [True, False])
def test_a_worker_does_not_outlive_its_parent(tmp_path, hangs):
    """Nor does the game, even if the parent is killed."""
    fault, programs = tmp_path / "fault", tmp_path / "programs"
    if hangs:
        fault.write_text("hang")
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    parent = context.Process(target=play_and_wait, args=(theirs, fault, programs))
    parent.start()
    theirs.close()
    worker = ours.recv()
    while fault.exists():
        time.sleep(0.05)
    assert_running([worker, *noted(programs)], 2)
    parent.kill()
    assert_running([worker, *noted(programs)], 0)
    parent.join()


class Unsendable(GameError):
    """Like exceptions with arguments of their own, which cannot be made again from their message."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


@pytest.mark.parametrize(
    "error",
    [
        Unsendable("this", "that"),
        SettingError("speed", lambda: None, "must be a number"),
        RuntimeError("no game's\nbut ours"),
        InvalidOutput("game", "reward", "is nan", agent=3, step=2),
    ],
)
def test_every_exception_can_be_sent(error):
    sent = pickle.loads(pickle.dumps(portable(error)))
    assert str(error).splitlines()[0] in str(sent) and len(str(sent).splitlines()) == 1
    assert isinstance(sent, GameError)
