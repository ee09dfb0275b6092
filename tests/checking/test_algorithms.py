"""What is wrong with an algorithm is found by the check for it, and said in one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from remix.checking.algorithms import CHECKS
from remix.checking.kinds import check
from remix.checking.training import configuration
from remix.settings.errors import CheckFailed, SettingError
from remix.studies.search import composition
from tests.checking import algorithms as broken

FAULTS = {
    broken.CannotBeBuilt: ("it_can_be_configured_and_built", "algorithm="),
    broken.TrainsItsTarget: (
        "target_networks_are_never_trained",
        "the target copy of RecurrentAgent ",
    ),
    broken.Diverges: ("it_trains_and_logs", "update 3 (after "),
    broken.LogsInfinity: ("it_trains_and_logs", "train/error is inf at environment step "),
    broken.HasADeadEnd: ("everything_that_should_learn_does", "spare has not learned anything in "),
    broken.HidesItsWeights: ("its_weights_can_be_drawn", "last_weights must be the weights of the last"),
    broken.ActsOtherwiseWhenLoaded: ("a_checkpoint_loads_as_its_policy", "acts otherwise than the trained"),
    broken.CountsForItself: ("a_run_that_stopped_goes_on_exactly", " at environment step "),
    broken.DropsOut: ("a_run_that_stopped_goes_on_exactly", "in a run that was stopped and went on; keep"),
    broken.SeedsItsNoiseByAccident: ("the_seed_decides_everything", "draw from a generator of your own"),
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is left in the folder that one stands in."""
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.iterdir())


def test_there_is_a_fault_for_every_check():
    assert {check.__name__ for check in CHECKS} == {name for name, _ in FAULTS.values()} | {
        "a_gpu_trains_alike"
    }


@pytest.mark.parametrize("algorithm", FAULTS, ids=lambda algorithm: algorithm.__name__)
def test_every_fault_is_found_by_its_check(algorithm):
    name, words = FAULTS[algorithm]
    with pytest.raises(CheckFailed) as caught:
        check(algorithm)
    assert caught.value.check == name, str(caught.value)
    [line] = str(caught.value).splitlines()
    assert words in line and line.endswith(f"[{name}]")


def test_nothing_is_found_in_a_sound_one(monkeypatch: pytest.MonkeyPatch):
    composed = Mock(wraps=composition.composed)
    monkeypatch.setattr("remix.checking.training.composed", composed)
    report = check(broken.Sound)
    composed.assert_called_once()
    assert report.subject == "tests.checking.algorithms.Sound"
    assert set(report.not_checked) <= {"its_weights_can_be_drawn", "a_gpu_trains_alike"}


def test_a_whole_configuration_keeps_its_own_settings(tmp_path: Path):
    config = configuration("mine", {"_target_": "tests.checking.algorithms.Sound", "gamma": 2.0}, tmp_path)
    with pytest.raises(CheckFailed, match=r"^algorithm.gamma=2.0: must be a number between 0 and 1 \[it_can"):
        check(config)
    assert config == configuration("mine", config.algorithm, tmp_path)


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (object(), r"^check=builtins.object: must be one of Environment, Mixer, Weighting, MultiAgentModule"),
        ("tests.checking.algorithms.Sond", "tests.checking.algorithms has no Sond; nearest: Sound"),
        ({"a": 1}, "must have a _target_"),
    ],
)
def test_what_is_no_part(thing, message):
    with pytest.raises(SettingError, match=message):
        check(thing)


def test_names_of_algorithms():
    with pytest.raises(CheckFailed, match=r"^algorithm=qmox: must be one of qmix, .* \[it_can_be_configured"):
        check("qmox")
