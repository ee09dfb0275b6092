"""What a run can do without: pictures, films, progress."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pytorch_lightning.callbacks import Callback

from remix.settings.errors import GameError, SettingError, first_line, named


@contextmanager
def side_matter(what: str) -> Iterator[None]:
    """Within, an exception becomes a warning of one line, and the run goes on.

    :param what: beginning of the warning, which says what is missing now, as "no film of two_step".
    """
    try:
        yield
    except Exception as error:
        reason = first_line(error) if isinstance(error, GameError | SettingError) else named(error)
        print(f"warning: {what}: {reason}", file=sys.stderr, flush=True)


def told_safely(callback: Callback) -> Callback:
    """The callback, changed so that its ``on_exception`` cannot raise.

    Lightning would show the error of ``on_exception`` instead of the one that ended the run, and would not
    close the workers.
    """
    original = callback.on_exception

    def on_exception(*arguments: object) -> None:
        with side_matter(f"{type(callback).__name__}.on_exception failed"):
            original(*arguments)  # type: ignore[arg-type]

    vars(callback)["on_exception"] = on_exception
    return callback
