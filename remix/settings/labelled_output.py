"""Output of several threads, a line at a time and with the name of its writer in front."""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from threading import get_ident
from typing import Any

Labels = MutableMapping[int, str]
"""By the number of a thread."""


@contextmanager
def labelled_output() -> Iterator[Labels]:
    """Within, lines of threads with a label get it in front; other threads write as before.

    :returns: the labels, to fill in.
    """
    labels: Labels = {}
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (LabelledStream(stream, labels) for stream in before)
    try:
        yield labels
    finally:
        sys.stdout, sys.stderr = before


class LabelledStream:
    """A text stream that shows the lines of every labelled thread as soon as they are whole.

    It is no terminal, where such lines would run into each other's progress bars.

    :param stream: where the text goes.
    """

    def __init__(self, stream: Any, labels: Labels) -> None:
        self._stream, self._labels = stream, labels
        self._begun: dict[int, str] = {}

    def write(self, text: str) -> int:
        thread = get_ident()
        if (label := self._labels.get(thread)) is None:
            self._stream.write(text)
            return len(text)
        *lines, self._begun[thread] = (self._begun.get(thread, "") + text).split("\n")
        if whole := "".join(f"[{label}] {line}\n" for line in lines if line):
            self._stream.write(whole)
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        for line in lines:
            self.write(line)

    def isatty(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
