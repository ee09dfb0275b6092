"""The absolute metric: which policies, which episodes, and when there is none."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from remix.algorithms.independent import IndependentQLearning
from remix.callbacks.absolute_metric import AbsoluteMetric
from remix.callbacks.checkpointing import LastCheckpoint
from remix.envs.games import GeneralSumGame
from remix.envs.spec import Environment
from remix.learning import archive
from remix.learning.workers.base import PolicyState
from remix.learning.workers.inline import InlineWorkers
from remix.learning.workers.seeds import episode_seeds
from remix.settings.errors import SettingError
from remix.tracking.journal import Journal
from remix.tracking.loggers import JournalLogger
from tests.callbacks.runs import Run
from tests.callbacks.test_checkpointing import SMALL_PREDATOR_PREY, best_checkpoint

STUMBLING = partial(SMALL_PREDATOR_PREY, reward_collision=-1.0)
"""A game in which policies differ in their return long before they have learned anything."""


def make_run(
    directory: Path,
    max_epochs: int = -1,
    keeps_best: bool = True,
    environment: Callable[[], Environment] = STUMBLING,
) -> Run:
    directory.mkdir(exist_ok=True)
    callbacks = [*([best_checkpoint(directory)] if keeps_best else []), LastCheckpoint(directory)]
    return Run(
        directory,
        [*callbacks, AbsoluteMetric(times=3)],
        max_epochs=max_epochs,
        environment=environment,
        loggers=[JournalLogger(Journal(directory))],
    )


def absolute_metrics(run: Run) -> dict[str, float]:
    """Those of a trained run."""
    run.trainer.test(run.module, run.data, verbose=False)
    rows = [row for _, row in run.metrics() if any(name.startswith("absolute") for name in row)]
    return {name: value for row in rows for name, value in row.items()}


def played(run: Run, policy_state: PolicyState) -> list[float]:
    """The returns of the six episodes that should be played, by a pool of their own."""
    pool = InlineWorkers(STUMBLING, run.module.policy)
    return [e.score for e in pool.collect(policy_state, episode_seeds(1, "absolute", 0, 6), None)]


def test_the_best_and_the_last_policy_play_the_same_fresh_episodes(tmp_path: Path) -> None:
    run = make_run(tmp_path).fit()
    found = absolute_metrics(run)
    kept = {e.name: e.episodes["return"] for e in Journal(tmp_path).evaluations()}
    last = {name: value.clone() for name, value in run.module.policy.state_dict().items()}
    weights = archive.read(tmp_path / "best.ckpt")["state_dict"]
    best = {name: weights[f"policy.{name}"] for name in last}
    assert played(run, best) != played(run, last)
    assert kept == {"absolute_best": played(run, best), "absolute_last": played(run, last)}
    for name, returns in kept.items():
        assert found[f"{name}/return"] == pytest.approx(sum(returns) / 6)
        assert found[f"{name}/length"] > 0
    assert set(episode_seeds(1, "absolute", 0, 6)).isdisjoint(episode_seeds(1, "validation", 0, 500))


def test_without_a_best_checkpoint_there_is_the_last_policy(tmp_path: Path) -> None:
    found = absolute_metrics(make_run(tmp_path, keeps_best=False).fit())
    assert {name.partition("/")[0] for name in found} == {"absolute_last"}


@pytest.mark.parametrize("content", [None, b"damaged"])
def test_a_best_checkpoint_that_is_gone_costs_a_line_and_not_the_run(
    tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path).fit()
    best = tmp_path / "best.ckpt"
    best.unlink() if content is None else best.write_bytes(content)
    found = absolute_metrics(run)
    assert {name.partition("/")[0] for name in found} == {"absolute_last"}
    assert capsys.readouterr().err.startswith("warning: no absolute metric of the best policy: checkpoint=")


def test_the_returns_of_agents_that_learn_from_their_own_rewards(tmp_path: Path) -> None:
    run = make_run(tmp_path, keeps_best=False, environment=partial(GeneralSumGame, [[[3, 3]], [[-1, -1]]]))
    run.module = IndependentQLearning(run.data.spec, individual_rewards=True)
    found = absolute_metrics(run.fit())
    assert found["absolute_last/return_agent_0"] == 3.0
    assert found["absolute_last/return_agent_1"] == -1.0


def test_a_run_that_was_stopped_has_none_until_it_has_gone_on(tmp_path: Path) -> None:
    whole = absolute_metrics(make_run(tmp_path / "whole").fit())
    assert absolute_metrics(make_run(tmp_path / "stopped", max_epochs=2).fit()) == {}
    assert absolute_metrics(make_run(tmp_path / "stopped").fit(tmp_path / "stopped/last.ckpt")) == whole != {}


def test_at_least_once(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="times=0"):
        AbsoluteMetric(times=0)
