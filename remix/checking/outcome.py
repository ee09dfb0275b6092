"""What a check finds, and what came of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from remix.settings.errors import CheckFailed
from remix.settings.own_code import failed, summary
from remix.settings.user_errors import details, one_line

SubjectT = TypeVar("SubjectT")


class Flaw(Exception):
    """Something is broken. The text says what, where, and what would be right."""


class NotChecked(Exception):
    """A check cannot be made here, or does not concern this part. The text says why."""


@dataclass(frozen=True)
class Report:
    """What was checked of a part, all of it sound.

    :param subject: the part, as one imports it.
    :param checked: names of the checks.
    :param not_checked: the reason by the name of the check.
    """

    subject: str
    checked: tuple[str, ...]
    not_checked: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{self.subject}: {len(self.checked)} checks passed", *map(_words, self.checked)]
        lines += [f"not checked: {_words(name)} ({reason})" for name, reason in self.not_checked.items()]
        return "\n  ".join(lines)


def expect(condition: object, problem: str) -> None:
    """:raises Flaw: unless the condition is true."""
    if not condition:
        raise Flaw(problem)


def run_checks(name: str, subject: SubjectT, checks: Iterable[Callable[[SubjectT], None]]) -> Report:
    """Make the checks one after the other.

    :param name: of the subject, for messages.
    :raises CheckFailed: by the first that finds something.
    """
    __tracebackhide__ = True
    checked, not_checked = [], {}
    for check in checks:
        try:
            check(subject)
        except NotChecked as reason:
            not_checked[check.__name__] = str(reason)
        except Flaw as flaw:
            raise CheckFailed(check.__name__, f"{name}: {flaw}") from None
        except BaseException as error:
            if not failed(error):
                raise
            known = one_line(error)
            problem = known or f"{name}: raised {summary(error)}"
            raise CheckFailed(check.__name__, problem, details(error)) from (None if known else error)
        else:
            checked.append(check.__name__)
    return Report(name, tuple(checked), not_checked)


def _words(name: str) -> str:
    return name.replace("_", " ")
