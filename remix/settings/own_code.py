"""Exceptions of the user's own code, shown with the traceback of that code alone."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from pathlib import Path
from site import getsitepackages, getusersitepackages
from sysconfig import get_path
from typing import Any

from remix.settings.errors import SettingError
from remix.settings.import_path import OURS

_OURS = f"{OURS}{os.sep}"
_INSTALLED = (get_path("stdlib"), get_path("purelib"), *getsitepackages(), getusersitepackages(), "<")


class OwnCodeError(SettingError):
    """Code that a setting names raised an exception.

    :param details: the traceback, as far as it is the user's own code; may be empty.
    """

    def __init__(self, setting: str, value: Any, expected: str, details: str = "") -> None:
        self.details = details
        super().__init__(setting, value, expected)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.setting, self.value, self.expected, self.details)

    @classmethod
    def of(cls, setting: str, value: Any, action: str, error: BaseException) -> OwnCodeError:
        """For an exception that was raised by an action, such as ``its import``."""
        return cls(setting, value, f"{action} raised {summary(error)}", own_traceback(error))


def failed(error: BaseException) -> bool:
    """Whether code raised this by itself, as ``sys.exit`` does too; signals and Ctrl-C come from outside."""
    return isinstance(error, Exception) or type(error) is SystemExit


def own_traceback(error: BaseException) -> str:
    """The traceback of an exception, without the lines of ReMIX and of installed packages."""
    notes = [f"{note}\n" for note in getattr(error, "__notes__", ())]  # which the line below it has
    last = [line for line in traceback.format_exception_only(error) if line not in notes]
    if frames := _own_frames(error):
        return "".join(["Traceback (most recent call last):\n", *traceback.format_list(frames), *last])
    return "".join(last) if isinstance(error, SyntaxError) else ""


def summary(error: BaseException) -> str:
    """One line such as "NameError: name 'x' is not defined (lamp.py, line 3)"."""
    text = " ".join(str(error).split())
    if isinstance(error, SyntaxError) and error.filename:  # says itself where it is
        return f"{type(error).__name__}: {text}"
    frames = _own_frames(error) or _frames(error, lambda file: file.startswith(_OURS))
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{': ' * bool(text)}{text}{place}"


def _own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    return _frames(error, lambda file: not file.startswith((_OURS, *_INSTALLED)))


def _frames(error: BaseException, wanted: Callable[[str], bool]) -> list[traceback.FrameSummary]:
    return [frame for frame in traceback.extract_tb(error.__traceback__) if wanted(frame.filename)]
