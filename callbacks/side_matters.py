"""What a run can do without: pictures, films, progress."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pytorch_lightning.callbacks import Callback

from remix.settings.errors import GameError, SettingError, first_line, named


@contextmanager
def side_matter(what: str) -> Iterator[None]:
    """Within, what fails costs a warning of one line, and the run goes on.

    :param what: that there is none of, as in "no film of two_step".
    """
    try:
        yield
    except Exception as error:
        reason = first_line(error) if isinstance(error, GameError | SettingError) else named(error)
        print(f"warning: {what}: {reason}", file=sys.stderr, flush=True)


def told_safely(callback: Callback) -> Callback:
    """The callback, which can no longer hide the error of which it is told at the end of a run.

    Lightning would show what ``on_exception`` raises in the place of what ended the run, and leave the
    workers as they are.
    """
    original = callback.on_exception

    def on_exception(*arguments: object) -> None:
        with side_matter(f"{type(callback).__name__}.on_exception failed"):
            original(*arguments)  # type: ignore[arg-type]

    vars(callback)["on_exception"] = on_exception
    return callback
