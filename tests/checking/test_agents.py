"""What is wrong with an agent network is found by the check for it, and said in one line."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from remix.checking.agents import CHECKS
from remix.checking.kinds import check
from remix.networks.agent import RecurrentAgent
from remix.networks.normalised_agent import NormalisedAgent
from remix.settings.errors import CheckFailed, SettingError
from tests.checking import agents as broken

BUILT = "it_is_built_of_its_sizes"
REPEATED = "the_same_rows_give_the_same_outputs"
STEPS = "step_by_step_it_computes_what_forward_does"

FAULTS = {
    broken.makes_no_agent: (BUILT, "must be a RecurrentAgent"),
    broken.HasNoSize: (BUILT, "must have a hidden_size"),
    broken.HasNoLayers: (BUILT, "must have a step of its own, or an nn.Linear as its encoder"),
    broken.HasNothingToLearn: (BUILT, "must have parameters"),
    broken.GivesOneMore: (BUILT, "gives outputs by step of the shape [3, 5] for 3 rows, must be of [3, 4]"),
    broken.RemembersLess: (BUILT, "gives memory by step of the shape [3, 63] for 3 rows, must be of [3, 64]"),
    broken.TakesNoMemory: (BUILT, "trying it raised TypeError: "),
    broken.DropsOut: (REPEATED, "when the same rows come to forward again"),
    broken.KeepsItsMemory: (REPEATED, "when the same rows come to step again"),
    broken.Overwrites: (REPEATED, "forward changes what it is given"),
    broken.LooksAround: ("each_row_is_read_by_itself", "agents and episodes must not see each other"),
    broken.ReadsDenseRows: (BUILT, "trying it raised TypeError: "),
    broken.ReadsWhatIsDense: ("listed_rows_are_read_as_dense_ones", "history 0, time 0: output "),
    broken.StepsOtherwise: (STEPS, "history 0, time 0: output 0 is "),
    broken.ForgetsWhilePlaying: (STEPS, "history 0, time 1: output 0 is "),
    broken.BeginsElsewhere: (STEPS, "history 0, time 0: output 0 is "),
    broken.TellsAnotherMemory: ("with_hidden_gives_what_is_remembered", "history 0, time 0: memory 0 is "),
    broken.KnowsOnePrecision: ("single_and_double_precision_agree", "raised RuntimeError: "),
    broken.HidesAWeight: ("its_state_dict_is_all_there_is", "whose state_dict it got"),
}


def test_there_is_a_fault_for_every_check():
    assert {check.__name__ for check in CHECKS} == {name for name, _ in FAULTS.values()}


@pytest.mark.parametrize("agent", FAULTS, ids=lambda agent: agent.__name__)
def test_every_fault_is_found_by_its_check(agent, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)  # where less of networks is tried
    name, words = FAULTS[agent]
    with pytest.raises(CheckFailed) as caught:
        check(agent)
    assert caught.value.check == name, str(caught.value)
    [line] = str(caught.value).splitlines()
    assert words in line and agent.__name__ in line


@pytest.mark.parametrize(
    "thing",
    [
        broken.Sound,
        RecurrentAgent,
        partial(NormalisedAgent, n_layers=2),
        {"_target_": "tests.checking.agents.Sound", "_partial_": True},
    ],
)
@pytest.mark.parametrize("how", [{}, {"seed": 3, "hidden_size": 7}])
def test_nothing_is_found_in_a_sound_one(thing, how):
    assert not check(thing, **how).not_checked


def test_one_that_qtran_cannot_train_is_held_to_less():
    report = check(broken.Reactive)
    assert list(report.not_checked) == ["with_hidden_gives_what_is_remembered"]


def test_one_that_is_built_already_cannot_be_built_anew():
    with pytest.raises(SettingError, match="give its class, or a function of its sizes"):
        check(broken.Sound(5, 4))
