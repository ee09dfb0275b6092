"""Stored configurations of earlier releases."""

from typing import Any

import pytest

from remix.algorithms.fop import FOP
from remix.runs.renames import current
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
    assert current(EARLIER) == {"seed": 1, "algorithm": expected}
    assert "epsilon_start" in EARLIER["algorithm"], "what was read stays as it is"
    assert current(current(EARLIER)) == current(EARLIER)


def test_the_temperature_falls_as_it_did():
    """By 1 in so many steps, down to its end."""
    module = FOP(make_spec())
    steps = (0, 1, 20_000, 89_999, 90_000, 10**6)
    earlier = [max(0.05, 0.5 - n / 200_000) for n in steps]
    assert [module.temperature(n) for n in steps] == pytest.approx(earlier, rel=1e-12)


@pytest.mark.parametrize("stored", [{}, {"algorithm": None}, {"algorithm": {"epsilon_start": 1.0}}])
def test_what_is_no_whole_configuration_is_left_to_those_who_read_it(stored: dict[str, Any]):
    assert current(stored) == stored
