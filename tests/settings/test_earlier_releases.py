"""Configurations of earlier releases."""

from typing import Any

import pytest
from omegaconf import OmegaConf

from remix.algorithms.fop import FOP
from remix.settings.earlier_releases import RENAMED, bring_up_to_date, in_todays_names
from tests.samples import make_spec

EARLIER: dict[str, Any] = {
    "seed": 1,
    "algorithm": {
        "gamma": 0.9,
        "epsilon_start": 1.0,
        "epsilon_end": 0.05,
        "epsilon_anneal_steps": 50_000,
        "temperature_start": 0.5,
        "temperature_end": 0.05,
        "temperature_steps": 200_000,
    },
}


def node(start: float, end: float, steps: int) -> dict[str, Any]:
    return {"_target_": "remix.learning.schedules.Schedule", "start": start, "end": end, "steps": steps}


def test_three_numbers_become_a_schedule():
    expected = {"gamma": 0.9, "epsilon": node(1.0, 0.05, 50_000), "temperature": node(0.5, 0.05, 90_000)}
    assert in_todays_names(EARLIER) == {"seed": 1, "algorithm": expected}
    assert "epsilon_start" in EARLIER["algorithm"], "what was read stays as it is"
    assert in_todays_names(in_todays_names(EARLIER)) == in_todays_names(EARLIER)


def test_the_temperature_falls_as_it_did():
    """By 1 in so many steps, down to its end."""
    module = FOP(make_spec())
    steps = (0, 1, 20_000, 89_999, 90_000, 10**6)
    earlier = [max(0.05, 0.5 - n / 200_000) for n in steps]
    assert [module.temperature(n) for n in steps] == pytest.approx(earlier, rel=1e-12)


@pytest.mark.parametrize("stored", [{}, {"algorithm": None}, {"algorithm": {"epsilon_start": 1.0}}])
def test_what_is_no_whole_configuration_is_left_to_those_who_read_it(stored: dict[str, Any]):
    assert in_todays_names(stored) == stored


def test_one_number_of_ones_own_goes_into_the_schedule_that_is_there():
    """As a user's own YAML brings it about, on top of an algorithm of today."""
    config = OmegaConf.create({"algorithm": {"epsilon": node(1.0, 0.05, 100), "epsilon_anneal_steps": 7}})
    bring_up_to_date(config)
    assert config == {"algorithm": {"epsilon": node(1.0, 0.05, 7)}}


def test_a_model_of_the_lightning_cli():
    earlier = {"class_path": "remix.algorithms.fop.FOP", "init_args": EARLIER["algorithm"]}
    arguments = in_todays_names({"model": earlier})["model"]["init_args"]
    assert set(arguments) == {"gamma", "epsilon", "temperature"}
    assert arguments["temperature"]["init_args"] == {"start": 0.5, "end": 0.05, "steps": 90_000}


def test_every_former_setting_has_one_of_today():
    assert RENAMED["algorithm.epsilon_anneal_steps"] == "algorithm.epsilon.steps"
    assert len(set(RENAMED.values())) == len(RENAMED) == 6
