"""Exceptions: a user's mistake in a setting, learning that diverged, and a game that broke down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any


class SettingError(ValueError):
    """A setting has a value that cannot work.

    The message is one line that names the setting, its value and what would be valid. The command
    line prints it behind the setting's group (``env.``, ``algorithm.``, ...) and exits with status 2.

    :param setting: name of the setting inside its group, e.g. ``n_agents``; dots go deeper.
    :param value: the offending value.
    :param expected: what would be valid, as a phrase ("between 1 and 84 on a 10x10 grid").
    """

    def __init__(self, setting: str, value: Any, expected: str) -> None:
        self.setting, self.value, self.expected = setting, value, expected
        super().__init__(f"{setting}={value}: {expected}")

    def __reduce__(self) -> tuple[type, tuple[str, Any, str]]:
        return type(self), (self.setting, self.value, self.expected)


class Diverged(RuntimeError):
    """Learning left the numbers: there is nothing to go on with. The message is one line.

    :param what: what is not finite, e.g. ``loss``.
    :param update: number of the first update in which it is not, from 1.
    :param env_steps: environment steps collected until then.
    """

    def __init__(self, what: str, update: int, env_steps: int) -> None:
        self._arguments = (what, update, env_steps)
        super().__init__(
            f"update {update:,} (after {env_steps:,} environment steps): the {what} is not finite; try a "
            "smaller learning rate (algorithm.optimizer.lr) or gradient clip, smaller rewards, more precision"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments


class GameError(RuntimeError):
    """A game broke down in the middle of an episode, of which nothing may be kept.

    :param message: one line for the user.
    :param details: the game's own traceback, as far as it is of use to its author; may be empty.
    """

    def __init__(self, message: str, details: str = "") -> None:
        self.details = details
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.details)


class InvalidOutput(GameError):
    """A game returned something that cannot be used; to play the episode again would not help.

    The message is one line: the game, the step (0 for ``reset``), the agent, the field and what is wrong.

    :param game: name of the game.
    :param field: what it returned, e.g. ``reward``.
    :param problem: what is wrong with it and what would be valid, as a phrase.
    :param agent: whose it is, if it is one agent's.
    :param step: joint steps played in the episode, this one included.
    """

    def __init__(
        self, game: str, field: str, problem: str, agent: object = None, step: int | None = None
    ) -> None:
        self._arguments = (game, field, problem, agent, step)
        places = [f"step {step}"] * (step is not None) + [f"agent {agent}"] * (agent is not None)
        super().__init__(f"{', '.join((game, *places))}: {field} {problem}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments


@contextmanager
def part(name: str) -> Iterator[None]:
    """Within, mistakes in settings are those of the part ``name`` and say so: ``name.setting=value: ...``."""
    try:
        yield
    except SettingError as error:
        raise SettingError(f"{name}.{error.setting}", error.value, error.expected) from error


def one_of(valid: Iterable[str], wrong: str = "") -> str:
    """The phrase "must be one of a, b, c", the choices nearest to ``wrong`` first."""
    choices = sorted(valid)
    if not choices:
        return "there is nothing to choose from"
    near = get_close_matches(wrong, choices, n=3)
    return "must be one of " + ", ".join(near + [choice for choice in choices if choice not in near])


def first_line(error: BaseException) -> str:
    """The first line of what an exception says."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
