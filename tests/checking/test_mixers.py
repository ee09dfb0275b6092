"""What is wrong with a mixer is found by the check for it, and said in one line."""

from __future__ import annotations

from functools import partial

import pytest

from remix.checking.kinds import check
from remix.checking.mixers import CHECKS
from remix.checking.tables import SPEC
from remix.envs.spec import EnvSpec
from remix.settings.errors import CheckFailed, SettingError
from tests.checking import mixers as broken

FAULTS = {
    broken.makes_no_mixer: ("it_is_built_from_a_spec", "makes a NoMixer, must make a Mixer"),
    broken.WantsTheMoon: ("it_is_built_from_a_spec", "requires moon, must be among actions, maxima, obs"),
    broken.KeepsAnAxis: ("values_and_slopes_have_their_shapes", "value of 50 rows has the shape [50, 1]"),
    broken.Quits: ("values_and_slopes_have_their_shapes", "raised SystemExit: 3"),
    broken.LeavesAGradient: ("values_and_slopes_have_their_shapes", "slopes have a gradient"),
    broken.DropsOut: ("forward_gives_the_value_alone", "nothing is random here"),
    broken.ReadsTheActions: ("it_reads_only_what_it_requires", "(AttributeError: 'NoneType' object has"),
    broken.KnowsOnePrecision: ("single_and_double_precision_agree", "raised RuntimeError: "),
    broken.HasOtherSlopes: ("slopes_are_the_derivatives_of_the_value", "row 0, agent 0: slope is "),
    broken.Falls: ("no_slope_is_negative", "must not be negative"),
    broken.Interferes: (
        "the_agents_best_actions_are_the_best_together",
        "of all: joint action [",
    ),
    broken.LooksAround: ("each_row_is_mixed_by_itself", "as of that row alone"),
    broken.ReadsDenseRows: ("packed_rows_mix_as_dense_ones", "cannot mix packed states, which are Features"),
    broken.HasADeadEnd: ("every_parameter_learns", "parameter spare gets no gradient"),
    broken.ForgetsAnAgent: ("every_parameter_learns", "the utilities of agent 0 get no gradient"),
    broken.HidesAWeight: ("its_state_dict_is_all_there_is", "as of the mixer whose state_dict it got"),
}


def test_there_is_a_fault_for_every_check():
    assert {check.__name__ for check in CHECKS} == {name for name, _ in FAULTS.values()}


@pytest.mark.parametrize("mixer", FAULTS, ids=lambda mixer: mixer.__name__)
def test_every_fault_is_found_by_its_check(mixer):
    name, words = FAULTS[mixer]
    with pytest.raises(CheckFailed) as caught:
        check(mixer)
    assert caught.value.check == name
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"tests.checking.mixers.{mixer.__name__}: ") and words in line


@pytest.mark.parametrize(
    "thing",
    [broken.Sound, partial(broken.Sound), {"_target_": "tests.checking.mixers.Sound", "_partial_": True}],
)
def test_nothing_is_found_in_a_sound_one(thing):
    assert not check(thing).not_checked


def test_one_that_promises_less_is_held_to_less():
    report = check(broken.Honest)
    assert dict.fromkeys(report.not_checked.values()) == {"monotonic is false": None}
    assert len(report.not_checked) == 2


def test_it_is_built_for_the_spec_that_is_asked_for():
    large = EnvSpec("large", n_agents=9, n_actions=9, obs_size=2, state_size=3, episode_limit=5)
    assert "the_agents_best_actions_are_the_best_together" in check(broken.Sound, spec=large).not_checked


def test_one_that_is_built_already_cannot_be_built_anew():
    with pytest.raises(SettingError, match="give its class, or a function of the spec"):
        check(broken.Sound(SPEC))
