"""Numbers that change with the environment steps of a run."""

from __future__ import annotations

from dataclasses import dataclass

from remix.settings import checks


@dataclass(frozen=True)
class Schedule:
    """A number that moves linearly from one value to another and then stays.

    :param start: value at step 0.
    :param end: value after ``steps`` environment steps.
    :param steps: environment steps in between.
    """

    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        checks.number("start", self.start)
        checks.number("end", self.end)
        checks.whole("steps", self.steps, minimum=1)

    def __call__(self, env_steps: int) -> float:
        """The value after so many environment steps."""
        return self.start + min(1.0, env_steps / self.steps) * (self.end - self.start)

    def within(self, setting: str, minimum: float, maximum: float) -> Schedule:
        """This schedule.

        :raises SettingError: it leaves these limits.
        """
        checks.number(f"{setting}.start", self.start, minimum, maximum)
        checks.number(f"{setting}.end", self.end, minimum, maximum)
        if type(self).__call__ is not Schedule.__call__:
            for env_steps in (0, self.steps):
                checks.number(setting, self(env_steps), minimum, maximum)
        return self

    def __str__(self) -> str:
        return f"{self.start:g} to {self.end:g} over {self.steps:,} steps"
