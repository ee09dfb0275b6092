"""One case, tried in a folder of its own."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from tests.faults.cases import Case

LIMIT = 3600  # seconds for one case


def cases(part: str, seed: int) -> list[Case]:
    """The cases of a part, which is the module of that name."""
    found: list[Case] = import_module(f"tests.faults.{part}").cases(seed)
    return found


def attempt(part: str, number: int, seed: int) -> str:
    """Try one case in a folder of its own; returns what came instead of what should, else nothing."""
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(LIMIT)
    try:
        # What a hung process still writes there must not hide what the case found.
        with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as home:
            cases(part, seed)[number].check(Path(home).resolve())
    except Exception as error:
        text = str(error).strip() or "no reason given"
        return text if isinstance(error, AssertionError) else f"{type(error).__name__}: {text}"
    finally:
        signal.alarm(0)
    return ""


def _give_up(number: int, frame: object) -> None:
    raise AssertionError(f"no end within {LIMIT} s")


def silence() -> None:
    """What the product's own children print must not stand between the lines of the campaign."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError), open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), stream.fileno())
