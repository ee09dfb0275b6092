"""Episodes in this process, in one thread or in several."""

import threading

import numpy as np
import pytest
import torch

from remix.envs.battles import Battles
from remix.envs.skirmish.environment import Skirmish
from remix.learning.policy import Policy
from remix.learning.workers.base import WorkerError
from remix.learning.workers.inline import InlineWorkers
from tests.learning.workers.test_rollout import assert_equal

SEEDS = np.arange(17)


class Watched(Skirmish):
    """Code of a user's own around compiled code. Notes which threads call it, and may fail."""

    threads: set[int]
    fails_at: int | None = None

    def __init__(self):
        super().__init__("3m")

    def step(self, actions):
        type(self).threads.add(threading.get_ident())
        if type(self).fails_at in self._seeds:
            raise RuntimeError("fell over")
        return super().step(actions)

    def reset(self, seeds):
        self._seeds = seeds.tolist()
        return super().reset(seeds)


class Declared(Watched):
    bears_threads = True


@pytest.fixture(autouse=True)
def fresh():
    Watched.threads, Declared.threads, n_threads = set(), set(), torch.get_num_threads()
    yield
    torch.set_num_threads(n_threads)


def collect(make, n_threads, exploration=0.5, **options):
    torch.set_num_threads(n_threads)
    torch.manual_seed(0)
    policy = Policy(Skirmish("3m").spec)
    pool = InlineWorkers(make, policy, **options)
    try:
        return pool.collect(policy.state_dict(), SEEDS, exploration)
    finally:
        pool.close()


@pytest.mark.parametrize("exploration", [None, 0.5])
def test_any_number_of_threads_plays_the_same_episodes(exploration):
    one = collect(Declared, 1, exploration)
    assert len(Declared.threads) == 1
    several = collect(Declared, 2, exploration)
    assert len(Declared.threads) > 1
    for alone, shared in zip(one, several, strict=True):
        assert_equal(shared, alone)


@pytest.mark.parametrize("options", [{}, {"overlap": True}])
def test_only_who_says_so_itself_is_played_in_threads(options):
    """Not a class that comes from one that does, and none beside the updates."""
    collect(Declared if options else Watched, 2, **options)
    assert (Declared if options else Watched).threads == {threading.get_ident()}


def test_battles_are_played_in_threads_where_they_are_compiled():
    pool = InlineWorkers(lambda: Battles("3m"), Policy(Battles("3m").spec))
    torch.set_num_threads(2)
    pool.collect(Policy(Battles("3m").spec).state_dict(), SEEDS, 1.0)
    assert len(pool._players) == 2
    pool.close()


def test_threads_that_first_played_in_a_validation_go_on():
    """Lightning validates in PyTorch's inference mode, and trains outside of it."""
    torch.set_num_threads(2)
    learner = Policy(Skirmish("3m").spec)
    pool = InlineWorkers(Declared, Policy(Skirmish("3m").spec))

    def collect():
        state = {name: tensor.detach().cpu() for name, tensor in learner.state_dict().items()}
        return pool.collect(state, SEEDS, None)

    with torch.inference_mode():
        validated = collect()
    for episode, again in zip(collect(), validated, strict=True):
        assert_equal(again, episode)
    pool.close()


def test_an_error_in_a_thread_is_that_of_the_game(monkeypatch):
    monkeypatch.setattr(Declared, "fails_at", 7)
    with pytest.raises(Exception, match="fell over"):
        collect(Declared, 2)


def test_all_threads_are_broken_off():
    torch.set_num_threads(2)
    policy = Policy(Skirmish("3m").spec)
    pool = InlineWorkers(Declared, policy)
    pool.break_off()
    with pytest.raises(WorkerError, match="broken off"):
        pool.collect(policy.state_dict(), SEEDS, 1.0)
    pool.close()
