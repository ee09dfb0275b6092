"""How often the environment of a run is built."""

import pickle
from functools import partial
from typing import Any, ClassVar

import pytest
import torch

import remix
from remix.algorithms.independent import IndependentQLearning
from remix.envs.games import BranchChain
from remix.envs.gate import Gate
from remix.learning.datamodule import ReplayDataModule
from remix.learning.workers.environments import Environments
from remix.learning.workers.process import ProcessWorkers
from remix.settings.errors import GameError, SettingError
from tests.envs.broken import Sound


class Counted(BranchChain):
    """A game that counts how many of it there were, and how many are still open."""

    built: ClassVar[int] = 0
    open: ClassVar[int] = 0

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        Counted.built += 1
        Counted.open += 1

    def close(self) -> None:
        Counted.open -= 1


@pytest.fixture(autouse=True)
def counter():
    Counted.built = Counted.open = 0


def test_the_first_is_the_one_that_told_the_spec():
    environments = Environments(Counted)
    assert environments.spec.name and Counted.built == 1
    first = environments()
    assert isinstance(first, Gate) and Counted.built == 1
    assert environments() is not first and Counted.built == 2


def test_what_nobody_got_is_closed():
    environments = Environments(Counted)
    environments.close()
    environments.close()
    assert Counted.open == 0
    game = environments()
    environments.close()
    assert Counted.open == 1
    game.close()


def test_another_process_gets_none_and_builds_its_own():
    copy = pickle.loads(pickle.dumps(Environments(Counted)))
    assert Counted.built == 1 and copy.spec.name
    copy()
    assert Counted.built == 2


def test_what_the_first_one_draws_changes_no_networks():
    class Drawing(Sound):
        def __init__(self):
            super().__init__()
            torch.manual_seed(7)

    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    Environments(Drawing)
    assert torch.rand(1) == expected


def test_a_constructor_that_breaks_is_named():
    with pytest.raises(GameError, match=r"Broken.*its constructor raised .*no simulator"):
        Environments(Broken)


class Broken(Sound):
    def __init__(self) -> None:
        raise RuntimeError("no simulator")


def _train(tmp_path: Any, *words: str) -> remix.Run:
    return remix.train(
        "env=branch_chain", f"env._target_={__name__}.Counted", "algorithm=qmix", "logger=none",
        "max_env_steps=60", "steps_per_epoch=30", "replay.batch_size=4", "threads=1", "validation_episodes=2",
        "test_episodes=2", f"run_dir={tmp_path / 'run'}", *words,
    )  # fmt: skip


def test_a_run_plays_all_its_episodes_in_one(tmp_path):
    """Training, the evaluations before, between and after it, in the environment that told the spec."""
    _train(tmp_path, "callbacks=none")
    assert (Counted.built, Counted.open) == (1, 0)


def test_a_trained_policy_is_looked_at_in_one(tmp_path):
    run = _train(tmp_path, "callbacks=default")
    for look, words in ((remix.evaluate, ["episodes=2"]), (remix.watch, [])):
        Counted.built = 0
        look(run, *words)
        assert (Counted.built, Counted.open) == (1, 0)


def test_a_film_has_one_of_its_own(tmp_path):
    """A round that is played ahead may be in the middle of the run's."""
    _train(tmp_path, "callbacks=default")
    assert (Counted.built, Counted.open) == (2, 0)


def test_workers_of_other_processes_leave_the_first_one_closed():
    data = ReplayDataModule(Counted, partial(ProcessWorkers, n_workers=1))
    with data.collector.recruited(IndependentQLearning(data.spec)):
        assert (Counted.built, Counted.open) == (1, 0)


def test_a_run_that_is_refused_leaves_none_open(tmp_path):
    with pytest.raises(SettingError, match=r"replay\.batch_size"):
        _train(tmp_path, "callbacks=none", "replay.capacity=2")
    assert Counted.open == 0
