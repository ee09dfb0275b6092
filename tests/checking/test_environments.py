"""What is wrong with an environment is found by the check for it, and said in one line."""

from __future__ import annotations

from functools import partial

import pytest

from remix.checking.environments import CHECKS
from remix.checking.kinds import check
from remix.settings.errors import CheckFailed
from tests.checking import environments as broken
from tests.envs.broken import DEEDS, OUTPUTS, Sound

FAULTS = {
    broken.WithoutSpec: ("it_can_be_made_and_has_a_spec", "spec is None, must be a remix.envs.spec.EnvSpec"),
    broken.BreaksDown: ("it_can_be_made_and_has_a_spec", "its constructor raised RuntimeError: no simulator"),
    broken.ChangesItsSpec: ("it_can_be_made_and_has_a_spec", "after a reset, was EnvSpec("),
    broken.RewardsNothing: ("what_it_returns_fits_its_spec", "signals, step 1: reward is nan, must be"),
    broken.LeavesNoAction: (
        "what_it_returns_fits_its_spec",
        "signals, step 2, agent 1: avail_actions leaves no action",
    ),
    broken.SeesDoubles: (
        "what_it_returns_fits_its_spec",
        "obs has the type float64, must have float32",
    ),
    broken.CountsInDoubles: ("statistics_are_those_of_its_spec", "must hold {'hits': 'float32'}"),
    broken.HasAnotherState: ("the_state_is_the_observations_where_it_says_so", "step 0: state is not"),
    broken.NeverEnds: ("episodes_end_by_the_limit", "step 6: an episode goes on"),
    broken.GoesOn: (
        "finished_episodes_stay_as_they_are",
        "after the end of all episodes: obs changes",
    ),
    broken.RewardsTheDead: ("finished_episodes_stay_as_they_are", "reward is set, must be 0"),
    broken.RewardsDeadAgents: ("finished_episodes_stay_as_they_are", "individual_rewards is set, must be 0"),
    broken.RewardsByForeignDice: (
        "the_same_seed_gives_the_same_episode",
        "signals, step 1, agent 1: individual_rewards is",
    ),
    broken.ThrowsForeignDice: ("the_same_seed_gives_the_same_episode", "signals, step 0, agent 0: obs is"),
    broken.SharesAStream: ("an_episode_does_not_depend_on_its_neighbours", "in another place of the batch"),
    broken.RemembersWhatWasBrokenOff: (
        "a_reset_in_the_middle_forgets_everything",
        "signals, step 0, agent 0: obs is 1.0, not 0.0, after an episode that was broken off",
    ),
    broken.SeedsEverybody: ("global_random_generators_are_left_alone", "generator of numpy.random"),
    broken.RefusesAnAction: (
        "every_allowed_action_is_accepted",
        "signals: step 1 raised RuntimeError: the second agent cannot do that",
    ),
    broken.TakesEverything: ("wrong_actions_are_refused", "of too few episodes"),
    broken.RefusesInOtherWords: ("wrong_actions_are_refused", "must name the actions"),
    broken.MovesWhenDrawn: ("pictures_are_rgb_and_change_nothing", "render must change nothing"),
    broken.DrawsInBlack: ("pictures_are_rgb_and_change_nothing", "a picture of one colour"),
    broken.KeepsThingsInTheClass: ("two_of_them_do_not_disturb_each_other", "keep its episodes to itself"),
    broken.ClosesOnce: ("it_can_be_closed_twice", "close a second time raised OSError: not open"),
    broken.LeavesAThread: ("its_threads_end_with_it", "its thread clock runs on after close; end it there"),
    broken.DiesElsewhere: ("another_process_plays_the_same", "(a process died); a script must call"),
    broken.GoesByHashes: ("another_process_plays_the_same", "in another process; everything random"),
}


def test_there_is_a_fault_for_every_check():
    assert {check.__name__ for check in CHECKS} == {name for name, _ in FAULTS.values()}


@pytest.mark.parametrize("environment", FAULTS, ids=lambda environment: environment.__name__)
def test_every_fault_is_found_by_its_check(environment):
    name, words = FAULTS[environment]
    with pytest.raises(CheckFailed) as caught:
        check(environment)
    assert caught.value.check == name
    [line] = str(caught.value).splitlines()
    assert words in line and line.endswith(f"[{name}]")


@pytest.mark.parametrize("fault", [*OUTPUTS, *DEEDS])
def test_what_the_gate_refuses_is_found_first(fault):
    with pytest.raises(CheckFailed) as caught:
        check(partial(Sound, fault))
    assert caught.value.check == "what_it_returns_fits_its_spec"
    [line] = str(caught.value).splitlines()
    assert line.startswith("broken") and "step 2" in line


def test_the_environments_own_traceback_is_kept():
    with pytest.raises(CheckFailed) as caught:
        check(broken.RefusesAnAction)
    assert 'raise RuntimeError("the second agent cannot do that")' in caught.value.details


def test_what_makes_it_can_be_sent_to_workers():
    with pytest.raises(CheckFailed, match=r"cannot be sent to a worker process .* \[another_process"):
        check(partial(broken.CannotBeSent, how=lambda: None))


@pytest.mark.parametrize(
    "thing",
    [
        broken.Sound,
        broken.sound,
        broken.RewardsAll,
        partial(broken.Sound, state_from_obs=True),
        "tests.checking.environments.Sound",
        {"_target_": "tests.checking.environments.Sound"},
    ],
)
def test_nothing_is_found_in_a_sound_one_however_it_is_given(thing):
    report = check(thing)
    assert "another_process_plays_the_same" in report.checked
    assert set(report.not_checked) <= {"the_state_is_the_observations_where_it_says_so"}
    name = thing.__name__ if thing in (broken.sound, broken.RewardsAll) else "Sound"
    assert str(report).startswith(f"tests.checking.environments.{name}: {len(report.checked)} checks passed")


def test_one_that_is_made_already_is_checked_as_far_as_it_goes():
    environment = broken.Sound()
    report = check(environment, seed=3, steps=4)
    why = "needs the class, or a function that makes one"
    assert [name for name, reason in report.not_checked.items() if reason == why] == [
        "two_of_them_do_not_disturb_each_other",
        "it_can_be_closed_twice",
        "its_threads_end_with_it",
        "another_process_plays_the_same",
    ]
    with pytest.raises(CheckFailed, match="render must change nothing"):
        check(broken.MovesWhenDrawn())


def test_one_without_pictures_says_so():
    report = check(broken.CannotBeDrawn())
    assert report.not_checked["pictures_are_rgb_and_change_nothing"] == "it cannot be drawn"
