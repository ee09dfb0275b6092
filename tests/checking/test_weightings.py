"""What is wrong with a weighting is found by the check for it, and said in one line."""

from __future__ import annotations

import pytest

from remix.checking.kinds import check
from remix.checking.weightings import CHECKS
from remix.settings.errors import CheckFailed
from tests.checking import weightings as broken

FAULTS = {
    broken.HasNoRange: ("it_can_be_made_and_has_a_range", "must call super().__init__"),
    broken.WantsTheMoon: ("it_can_be_made_and_has_a_range", "requires moon, must be among behaviour, "),
    broken.ReturnsATensor: ("weights_are_one_number_for_each_transition", "returns a Tensor, must return"),
    broken.KeepsAnAxis: (
        "weights_are_one_number_for_each_transition",
        "weights of 40 transitions are float32 [40, 1], must be float32 [40]",
    ),
    broken.Learns: ("weights_are_one_number_for_each_transition", "weights have a gradient"),
    broken.ReadsTheSlopes: ("it_reads_only_what_it_requires", "(ValueError: the weighting needs 'slopes'"),
    broken.HasNoLimit: ("weights_lie_in_their_range", "ordinary transitions: the weight of transition "),
    broken.DividesByNothing: (
        "weights_lie_in_their_range",
        "no Bellman error: the weight of ",
    ),
    broken.PrefersTheFirst: (
        "equal_transitions_weigh_the_same",
        "is 0.55 among equal transitions",
    ),
    broken.SmoothsOverNeighbours: ("the_order_of_transitions_means_nothing", "in another order, must be"),
    broken.Remembers: ("the_same_transitions_get_the_same_weights", "when they come again"),
    broken.ChangesItsInputs: ("the_same_transitions_get_the_same_weights", "changes its input target"),
    broken.ForgetsItsWarmUp: ("the_warm_up_comes_first", "in the warm-up, at step 0, must be"),
    broken.WarmsUpAStepTooLong: ("the_warm_up_comes_first", "after the warm-up, at step 100, must be"),
    broken.CallsItsDiagnosticsOtherwise: ("diagnostics_can_be_logged", "score must be called weighting/..."),
    broken.ShowsInfinity: (
        "diagnostics_can_be_logged",
        "huge Bellman errors: the diagnostic ",
    ),
}


def test_there_is_a_fault_for_every_check():
    assert {check.__name__ for check in CHECKS} == {name for name, _ in FAULTS.values()}


@pytest.mark.parametrize("weighting", FAULTS, ids=lambda weighting: weighting.__name__)
def test_every_fault_is_found_by_its_check(weighting):
    name, words = FAULTS[weighting]
    with pytest.raises(CheckFailed) as caught:
        check(weighting)
    assert caught.value.check == name, str(caught.value)
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"tests.checking.weightings.{weighting.__name__}: ") and words in line


@pytest.mark.parametrize("thing", [broken.Sound, broken.Sound(0.5, 0.7), "tests.checking.weightings.Sound"])
def test_nothing_is_found_in_a_sound_one(thing):
    assert check(thing).not_checked == {"the_warm_up_comes_first": "it has no warm-up"}


def test_a_warm_up_is_checked_where_there_is_one():
    assert not check(broken.WarmsUp).not_checked
