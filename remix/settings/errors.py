"""Exceptions: a mistake in a setting, learning that diverged, a broken game, a part that fails its check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from re import match
from reprlib import Repr
from traceback import format_exception
from types import TracebackType
from typing import Any

from remix.settings.redaction import redact


class SettingError(ValueError):
    """A setting has a value that cannot work.

    The message is one line that names the setting, its value and what would be valid, without passwords. The
    command line prints it behind the setting's group (``env.``, ``algorithm.``, ...) and exits with status 2.

    :param setting: name of the setting inside its group, e.g. ``n_agents``; dots go deeper.
    :param value: the offending value.
    :param expected: what would be valid, as a phrase ("between 1 and 84 on a 10x10 grid").
    """

    def __init__(self, setting: str, value: Any, expected: str) -> None:
        self.setting, self.value, self.expected = setting, value, expected
        shown = " ".join(str(value).splitlines())
        super().__init__(_visible(redact(f"{setting}={shown}: {expected}")))

    def __reduce__(self) -> tuple[type, tuple[str, Any, str]]:
        return type(self), (self.setting, self.value, self.expected)


class Diverged(RuntimeError):
    """A loss or gradient is not finite, so that training cannot go on. The message is one line.

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

    @staticmethod
    def said(message: str) -> bool:
        """Whether this is what a run keeps of such an error."""
        return bool(match(r"update [\d,]+ \(after [\d,]+ environment steps\): the .+ is not finite", message))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments


class CheckFailed(AssertionError):
    """A part does not keep the contract of its kind. The message is one line.

    :param check: name of the check that found it, a function below ``remix.checking``.
    :param problem: what is broken, where, and what would be right.
    :param details: the traceback of the part's own code; may be empty.
    """

    def __init__(self, check: str, problem: str, details: str = "") -> None:
        self.check, self.problem, self.details = check, problem, details
        super().__init__(f"{problem} [{check}]")

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        return type(self), (self.check, self.problem, self.details)


class GameError(RuntimeError):
    """A game broke down. The episodes that it was playing must not be used.

    :param message: one line for the user.
    :param details: the game's own traceback, as far as it is of use to its author; may be empty.
    """

    def __init__(self, message: str, details: str = "") -> None:
        self.details = details
        super().__init__(_visible(message))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.details)


class InvalidOutput(GameError):
    """A game returned something that cannot be used, and would do so again if it played again.

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
        agent = None if agent is None else str(agent)
        self._arguments = (game, field, problem, agent, step)
        places = [f"step {step}"] * (step is not None) + [f"agent {agent}"] * (agent is not None)
        super().__init__(f"{', '.join((game, *places))}: {field} {problem}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments


class GameCode:
    """Within, exceptions of a game's code become a :class:`GameError` that shows where they arose.

    Errors that are messages for the user already pass unchanged. So does what stops the program from outside,
    such as Ctrl-C. A call of ``sys.exit`` in a game becomes a :class:`GameError` too.

    :param game: its name.
    :param place: where in the game, e.g. ``step 3``.
    """

    def __init__(self, game: str, place: str) -> None:
        self.game, self.place = game, place

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, GameError | SettingError):
            return
        if isinstance(error, Exception) or kind is SystemExit:
            assert error is not None
            raise GameError(f"{self.game}: {self.place} raised {named(error)}", excerpt(error)) from error


@contextmanager
def part(name: str) -> Iterator[None]:
    """Within, a :class:`SettingError` gets the name of a part in front: ``name.setting=value: ...``."""
    try:
        yield
    except SettingError as error:
        raise SettingError(f"{name}.{error.setting}", error.value, error.expected) from error


def one_of(valid: Iterable[str], wrong: str = "") -> str:
    """The phrase "must be one of a, b, c", the choices nearest to ``wrong`` first."""
    choices = sorted(valid)
    if not choices:
        return "there is nothing to choose from"
    lower = {choice.lower(): choice for choice in choices}
    near = [lower[match] for match in get_close_matches(wrong.lower(), lower, n=3)]
    return "must be one of " + ", ".join(near + [choice for choice in choices if choice not in near])


def first_line(error: BaseException) -> str:
    """The first line of what an exception says."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # of an exception that fails when it is asked
        lines = []
    return lines[0] if lines else type(error).__name__


def named(error: BaseException) -> str:
    """An exception in one line: its class and what it says."""
    name, line = type(error).__name__, first_line(error)
    return name if line == name else f"{name}: {line}"


def excerpt(error: BaseException) -> str:
    """The last frames of an exception's traceback, without those that led into the game."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").split(".")[0] in _WAYS:
        trace = trace.tb_next
    return "".join(format_exception(type(error), error, trace or error.__traceback__, limit=-_FRAMES))


def brief(value: object) -> str:
    """A value for a message: one line, cut where it is long."""
    return " ".join(_BRIEF.repr(value).split())


def _visible(text: str) -> str:
    """A text that no terminal takes for commands: what a file from elsewhere says may hold any character."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


_FRAMES = 8
_WAYS = ("remix", "hydra")
_BRIEF = Repr()
_BRIEF.maxstring = _BRIEF.maxother = 60
