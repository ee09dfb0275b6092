"""Nothing that a game returns comes into the product but through the gate."""

import ast
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import remix
from remix import callbacks
from remix.learning.datamodule import ReplayDataModule
from remix.learning.films import film, record_episode
from remix.learning.policy import Policy
from remix.learning.workers.inline import InlineWorkers
from remix.learning.workers.rollout import rollout
from remix.settings.errors import InvalidOutput
from tests.envs.broken import Sound

FAULT = "obs of an agent that is nan"
SEEDS = np.arange(2)


def _inline(policy, path):
    InlineWorkers(partial(Sound, FAULT), policy).collect(policy.state_dict(), SEEDS, 0.5)


def _rollout(policy, path):
    rollout(Sound(FAULT), policy, SEEDS, 0.5)


def _film(policy, path):
    film(partial(Sound, FAULT), policy, 1, path)


def _record(policy, path):
    record_episode(Sound(FAULT), policy, 1, path)


@pytest.mark.parametrize("play", [_inline, _rollout, _film, _record])
def test_whoever_plays_is_told(play, tmp_path):
    with pytest.raises(InvalidOutput, match="step 2, agent 1: obs holds nan"):
        play(Policy(Sound().spec), tmp_path / "episode.gif")


def test_so_is_whoever_reads_a_spec():
    with pytest.raises(InvalidOutput, match=r"spec\.n_agents is 0"):
        ReplayDataModule(partial(Sound, n_agents=0))


class _Bypasses(ast.NodeVisitor):
    """Calls that make an environment, or ask one for something, without a gate."""

    def __init__(self):
        self.found = []

    def visit_Call(self, call):
        owner, _, name = ast.unparse(call.func).rpartition(".")
        if (
            name == "environment"  # as factories are called everywhere
            or (name == "render" and owner != "game")
            or (name == "reset" and call.args and owner != "game")
        ):
            self.found.append(ast.unparse(call))
        self.generic_visit(call)


def _bypasses(source):
    visitor = _Bypasses()
    visitor.visit(ast.parse(source))
    return visitor.found


@pytest.mark.parametrize(
    "source",
    [
        "environment().spec",
        "self.environment()",
        "env.reset(seeds)",
        "env.render()",
    ],
)
def test_a_bypass_would_be_seen(source):
    assert _bypasses(source)


def test_there_is_no_bypass():
    """But where a contract is checked, without the gate's help."""
    for package in (remix, callbacks):
        home = Path(next(iter(package.__path__)))
        for path in home.rglob("*.py"):
            if path.relative_to(home).parts[0] not in ("checking", "template"):
                assert not _bypasses(path.read_text()), path


def test_what_the_game_does_to_its_actions_is_not_recorded():
    [episode] = rollout(Sound(), Policy(Sound().spec), SEEDS[:1], 1.0)
    assert episode.actions.max() < 3


def test_statistics_are_those_of_each_end():
    """What the game makes of them afterwards is not."""

    class Forgetting(Sound):
        def step(self, actions):
            step = super().step(actions)
            step.terminated[:] = [self.t == 2, self.t == 4]
            if self.t > 2:
                step.info["wins"][0] = np.nan
            return step

    episodes = rollout(Forgetting(), Policy(Sound().spec), SEEDS, 1.0)
    assert [episode.metrics for episode in episodes] == [{"wins": 2.0}, {"wins": 4.0}]


def test_an_endless_game_makes_episodes_that_were_cut():
    class Endless(Sound):
        def step(self, actions):
            step = super().step(actions)
            return step._replace(terminated=np.zeros_like(step.terminated))

    for episode in rollout(Endless(), Policy(Sound().spec), SEEDS, 1.0):
        assert episode.length == 4 and not episode.terminated
