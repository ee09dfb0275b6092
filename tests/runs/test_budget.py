"""What a budget of environment steps is enough for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from remix.runs.budget import Budget
from remix.settings.errors import SettingError
from tests.command_line import SMALL, CommandLine

ENOUGH = Budget(max_env_steps=1_000, wanted=32, episodes_per_round=8, episode_limit=10, warmup_steps=300)


def test_nothing_is_said_of_a_budget_that_is_enough():
    ENOUGH.check()
    assert ENOUGH.warnings() == ENOUGH.shortfalls(env_steps=1_004, updates=90) == []


@pytest.mark.parametrize(("wanted", "per_round", "certain"), [(17, 8, True), (16, 8, False), (17, 17, False)])
def test_the_round_that_begins_within_the_budget_is_played_to_its_end(wanted, per_round, certain):
    """With one-step episodes: two rounds of 8 spend 16 steps, and the third would not begin."""
    budget = replace(ENOUGH, max_env_steps=16, wanted=wanted, episodes_per_round=per_round)
    if certain:
        with pytest.raises(SettingError, match="max_env_steps=16: allows no update"):
            budget.check()
    else:
        budget.check()


@pytest.mark.parametrize(("max_env_steps", "warns"), [(240, True), (241, False)])
def test_full_length_episodes_may_leave_no_update(max_env_steps, warns):
    """The fourth round begins after 3 x 8 episodes of 10 steps."""
    budget = replace(ENOUGH, max_env_steps=max_env_steps, warmup_steps=0)
    budget.check()
    assert [line.split(":")[0] for line in budget.warnings()] == (
        ["no update in episodes of full length"] if warns else []
    )
    assert replace(budget, episode_limit=None).warnings() == []


def test_a_warm_up_over_the_whole_budget():
    (line,) = replace(ENOUGH, warmup_steps=1_000).warnings()
    assert line.startswith("algorithm.weighting.warmup_steps=1,000 covers the whole budget")
    assert replace(ENOUGH, warmup_steps=999).warnings() == []
    (line,) = replace(ENOUGH, warmup_steps=1_000).shortfalls(env_steps=1_004, updates=90)
    assert "warm-up" in line
    (line,) = ENOUGH.shortfalls(env_steps=160, updates=9)  # stopped by hand, say
    assert "warm-up" in line


def test_no_update_is_said_at_the_start_and_at_the_end(remix: CommandLine):
    quick = ("logger=none", "callbacks=none", "algorithm=qmix", "replay.batch_size=100")
    outcome = remix("train", *SMALL, *quick, "max_env_steps=200")
    assert outcome.code == 0
    first, last = outcome.err.splitlines()
    assert first.startswith("warning: no update in episodes of full length: ")
    assert "here about 1,200 steps, and max_env_steps=200" in first
    assert last.startswith("warning: not a single update was made")


def test_the_warm_up_stands_in_the_header_and_a_whole_one_is_warned_of(remix: CommandLine):
    quick = ("logger=none", "callbacks=none", "max_env_steps=120", "algorithm.central.embed_dim=16")
    fits = remix("train", *SMALL, *quick, "warmup_steps=60")
    assert "; optimistic weights for the first 60 steps; seed 1" in fits.out
    assert fits.err == ""
    covers = remix("train", *SMALL, *quick, "algorithm.weighting.warmup_steps=120")
    first, last = covers.err.splitlines()
    assert first.startswith("warning: algorithm.weighting.warmup_steps=120 covers the whole budget")
    assert last.startswith("warning: the weights were those of the warm-up to the end")
    without = remix("train", *SMALL, *quick, "warmup_steps=0")
    assert "for the first" not in without.out and without.err == ""


def test_a_replay_that_never_holds_a_round_is_refused_where_that_is_all_there_is(remix: CommandLine):
    small = ("replay.latest_size=null", "replay.batch_size=8", "replay.capacity=8", "max_env_steps=500")
    outcome = remix("train", *SMALL, "algorithm=mappo", *small, "replay.episodes_per_round=16")
    assert outcome.code == 2
    assert outcome.err == "remix: replay.latest_size=16: must be at most replay.capacity=8 episodes\n"
    assert not (remix.home / "runs").exists()


def test_a_study_says_it_once_in_its_plan(remix: CommandLine):
    study = ("study=custom", "study.name=short", "algorithm=remix,ow_qmix", "seed=1,2", "max_env_steps=100")
    quick = ("logger=none", "callbacks=none", "warmup_steps=200", "algorithm.central.embed_dim=16")
    outcome = remix("train", "-m", *SMALL, *study, *quick)
    assert outcome.code == 0
    covers = [line for line in outcome.err.splitlines() if "covers the whole budget" in line]
    assert [line.split(":")[1] for line in covers] == [" 2 of 4 jobs"]
    refused = remix("train", "-m", *SMALL, *study, *quick, "replay.batch_size=200", "study.name=none")
    assert refused.code == 2
    assert "max_env_steps=100: allows no update" in refused.err


@pytest.mark.parametrize("experiment", ["small", "quickstart"])
def test_experiments_have_warm_ups_that_fit(remix: CommandLine, experiment: str):
    shown = remix("train", f"experiment={experiment}", "--cfg", "job", "--resolve").out
    values = dict(line.strip().split(": ", 1) for line in shown.splitlines() if ": " in line)
    assert 0 < int(values["warmup_steps"]) <= int(values["max_env_steps"]) / 5
