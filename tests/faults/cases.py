"""What a campaign consists of, and what most of its cases ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.commands import Outcome

Check = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """One fault, and what has to come of it.

    :param name: the fault in a few words, with everything that was drawn at random.
    :param check: tries it in an empty folder. An AssertionError says in one line what came instead.
    """

    name: str
    check: Check


def refused(outcome: Outcome, *words: str, status: int = 2, own_traceback: bool = False) -> None:
    """The command ended with the status and one line for the user that holds all the words.

    :param own_traceback: above the line stands the traceback of the user's own code.
    """
    assert outcome.code == status, f"exit status {outcome.code}, expected {status}: {outcome.end}"
    lines = [line for line in outcome.err.splitlines() if not line.startswith("warning: ")]
    assert lines, "nothing is said on the standard error"
    *above, last = lines
    assert last.startswith("remix: "), f"the last line is not ours: {last[:100]}"
    if own_traceback:
        assert above[:1] == ["Traceback (most recent call last):"], f"no traceback of the game: {above[:1]}"
        assert len(above) <= 20, f"{len(above)} lines of traceback"
    else:
        assert not above, f"{len(lines)} lines instead of one: {lines[0][:100]}"
    for word in words:
        assert word in last, f"{word!r} is not in: {last[:200]}"


def left_nothing(home: Path) -> None:
    """The folder is as empty as before."""
    left = sorted(path.name for path in home.iterdir())
    assert not left, f"left behind: {', '.join(left)}"
