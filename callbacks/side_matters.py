"""Side matters: pictures, films and progress, without which a run can go on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pytorch_lightning.callbacks import Callback

from remix.settings.errors import GameError, SettingError, first_line, named


@contextmanager
def side_matter(what: str) -> Iterator[None]:
    """Turn an exception inside the ``with`` block into a warning of one line, so that the run goes on.

    :param what: the first words of the warning, which say what is missing, e.g. "no film of two_step".
    """
    try:
        yield
    except Exception as error:
        reason = first_line(error) if isinstance(error, GameError | SettingError) else named(error)
        print(f"warning: {what}: {reason}", file=sys.stderr, flush=True)


def told_safely(callback: Callback) -> Callback:
    """Change a callback so that its ``on_exception`` cannot raise, and return it.

    Otherwise Lightning would show the error of ``on_exception`` instead of the one that ended the run. It
    would not close the workers either.
    """
    original = callback.on_exception

    def on_exception(*arguments: object) -> None:
        with side_matter(f"{type(callback).__name__}.on_exception failed"):
            original(*arguments)  # type: ignore[arg-type]

    vars(callback)["on_exception"] = on_exception
    return callback
