"""Numbers by environment steps."""

import pytest

from remix.learning.schedules import Schedule
from remix.settings.errors import SettingError


def test_it_moves_linearly_and_then_stays():
    schedule = Schedule(0.9, 0.1, 1000)
    assert [schedule(n) for n in (0, 250, 500, 1000, 5000)] == pytest.approx([0.9, 0.7, 0.5, 0.1, 0.1])
    assert Schedule(1.0, 3.0, 10)(5) == 2.0
    assert str(Schedule(1.0, 0.05, 100_000)) == "1 to 0.05 over 100,000 steps"


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((0.5, 0.1, 0), "steps=0: must be a whole number of at least 1"),
        ((0.5, 0.1, 1.5), "steps=1.5"),
        ((float("nan"), 0.1, 1), "start=nan"),
        ((0.5, float("inf"), 1), "end=inf"),
    ],
)
def test_settings_that_cannot_work(numbers, message):
    with pytest.raises(SettingError, match=message):
        Schedule(*numbers)


@pytest.mark.parametrize(("value", "shown"), [(3.0, "3.0"), (None, "None"), (float("nan"), "nan")])
def test_a_schedule_of_ones_own_has_limits_too(value, shown):
    class Own(Schedule):
        def __call__(self, env_steps):
            return 1.0 if env_steps == 0 else value

    with pytest.raises(SettingError, match=f"^epsilon={shown}: must be a number between 0 and 1$"):
        Own(1.0, 0.0, 100).within("epsilon", 0.0, 1.0)


def test_limits_name_the_setting():
    schedule = Schedule(0.5, -0.1, 1)
    assert schedule.within("temperature", -1.0, 1.0) is schedule
    with pytest.raises(SettingError, match=r"temperature\.end=-0\.1: must be a number between 0 and 1"):
        schedule.within("temperature", 0.0, 1.0)
