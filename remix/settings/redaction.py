"""Passwords and tokens: ``***`` stands for them in whatever is shown or kept. Imports nothing of ours.

Configurations that are kept go through :func:`redacted`, errors that become part of a record through
:func:`redact`. What is printed, by us, by a library or by the interpreter with a traceback, goes through the
streams that :func:`shield` puts in place.

A name tells what is secret, a number alone does not: a password or a PIN of digits is masked as any other.
Only a name that begins as those of counts and bounds do, such as ``n_token`` or ``max_token``, shows whole
numbers, of nine digits at most.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any
from urllib.parse import unquote, unquote_plus

MASK = "***"

# Everything is bounded, so that no text takes more than linear time.
_NAME = (
    r"[\w-]{0,40}(?:passw(?:or)?d|passphrase|pwd|secret|token|(?:api|access|secret|private)[_-]?key"
    r"|credentials?|signature|passcode)|sig|pin(?:[_-]?code)?"
)
_WORD = rf"(?<![\w-])(?:{_NAME})"
_QUOTED = r"'[^']{0,500}'|\"[^\"]{0,500}\""
_VALUE = rf"{_QUOTED}|[^\s&'\"]{{1,500}}(?<!:)"
_SCHEME = r"(?<![\w+.-])[a-z][\w+.-]{0,30}://"

# A port and a path are no password, though an @ may come later.
_ADDRESS = re.compile(
    rf"({_SCHEME}[^\s/?#:@'\"]{{0,200}}:)(?!\d+(?:[/?#\s'\"]|$))([^\s'\"]{{0,500}})(@)", re.IGNORECASE
)
_TOKEN = re.compile(r"(\bhttps?://)([^\s/?#:@'\"]{1,500})(@)", re.IGNORECASE)
_ARGUMENT = re.compile(rf"({_WORD} ?(?:=|%3D) ?)({_VALUE})()", re.IGNORECASE)
_ITEM = re.compile(rf"(['\"](?:{_NAME})['\"] ?: ?)({_QUOTED}|[^\s,'\"}}]{{1,500}})()", re.IGNORECASE)
_LINE = re.compile(
    rf"^([ \t]{{0,80}}(?:{_NAME}):[ \t]{{1,9}})(?!null\b|''|\"\"|\?\?\?)(\S.*)()$",
    re.IGNORECASE | re.MULTILINE,
)
_HEADER = re.compile(r"(\bauthorization['\"]? ?[:=] ?['\"]?\w{1,20} )([^\s'\"]{1,2000})()", re.IGNORECASE)

_IN_ADDRESSES = (_ADDRESS, _TOKEN, _ARGUMENT)
_IN_TEXT = (*_IN_ADDRESSES, _ITEM, _LINE, _HEADER)
_KEY = re.compile(_NAME, re.IGNORECASE)

_COUNTING = r"(?:n|num|number|count|total|min|max)[_-][\w-]{0,80}"
_COUNT = re.compile(_COUNTING, re.IGNORECASE)
_COUNT_IN_TEXT = re.compile(rf"\s{{0,80}}['\"]?{_COUNTING}['\"]? ?(?:[=:]|%3D)\s{{0,9}}", re.IGNORECASE)
_WHOLE = re.compile(r"['\"\[(]{0,2}[+-]?\d{1,9}(?:, ?[+-]?\d{1,9})*[)\]}'\".,;:]*")
"""Numbers that count, with what text and sweeps put around them."""

_VARIABLES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_BACKEND_STORE_URI")
_SECRET_VARIABLES = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "PGPASSWORD")
_SHORTEST = 5
"""Characters of a secret that is masked wherever it stands; shorter ones would riddle ordinary text."""

_remembered: set[str] = set()


def redact(text: str) -> str:
    """``text`` without secrets: those that its form gives away, and those of every address that was used.

    Libraries quote parts of an address in words of their own, with and without percent-encoding.
    """
    text = redact_forms(text)
    known = _known(tuple(os.environ.get(name, "") for name in (*_VARIABLES, *_SECRET_VARIABLES)))
    for secret in sorted(known | _remembered, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)
    return text


def redact_forms(text: str) -> str:
    """``text`` without what its form shows to be a secret, whatever addresses were used."""
    return _masked(text, _IN_TEXT)


def redacted(value: Any) -> Any:
    """A configuration, or any plain containers, without secrets in addresses and under telling names.

    What is no secret stays as it is, so that the rest can be used again.
    """
    if isinstance(value, Mapping):
        return {key: MASK if _is_secret(key, inner) else redacted(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted(inner) for inner in value]
    return _masked(value, _IN_ADDRESSES) if isinstance(value, str) and "://" in value else value


def remember(address: str) -> None:
    """From now on the secrets of this address are masked wherever they stand in text."""
    _remembered.update(_secrets(address))


def password(address: str) -> str | None:
    """The password of an address, as it stands there."""
    found = _ADDRESS.search(address)
    return found[2] if found else None


def shield() -> None:
    """From now on nothing that this process prints shows a secret.

    A stream that was closed before the process began (``remix train >&-``) leads nowhere.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
        if not isinstance(stream, RedactedStream):
            setattr(sys, name, RedactedStream(stream))


class RedactedStream:
    """A text stream that masks secrets in what is written to it; in all else the stream itself.

    Where nobody reads any more (``remix train | head``), what is written is dropped: no reason to end a run.

    :param stream: where the text goes.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with self._heard():
            self._stream.write(redact(text))
        return len(text)

    def flush(self) -> None:
        with self._heard():
            self._stream.flush()

    def writelines(self, lines: Iterator[str]) -> None:
        for line in lines:
            self.write(line)

    @contextmanager
    def _heard(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            # What the stream still holds goes there too, at the latest when the process ends.
            with suppress(OSError, ValueError), open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _masked(text: str, patterns: tuple[re.Pattern[str], ...]) -> str:
    for pattern in patterns:
        text = pattern.sub(_mask, text)
    return text


def _mask(found: re.Match[str]) -> str:
    """What stands for a secret, its name before it; the whole if it is a number of something."""
    counts = _COUNT_IN_TEXT.fullmatch(found[1]) and _WHOLE.fullmatch(found[2])
    return found[0] if counts else f"{found[1]}{MASK}{found[3]}"


def _is_secret(key: object, value: object) -> bool:
    name = str(key).rpartition(".")[2]
    plain = isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""
    counts = _COUNT.fullmatch(name) and _WHOLE.fullmatch(str(value))
    return plain and _KEY.fullmatch(name) is not None and not counts


@cache
def _known(values: tuple[str, ...]) -> frozenset[str]:
    """Secrets of the environment variables, whose values these are."""
    addresses, secrets = values[: len(_VARIABLES)], values[len(_VARIABLES) :]
    found = {secret for address in addresses for secret in _secrets(address)}
    return frozenset(found | {secret for secret in secrets if len(secret) >= _SHORTEST})


def _secrets(address: str) -> set[str]:
    """Secrets in an address, as they stand there and decoded."""
    found = {match[2].strip("'\"") for pattern in _IN_ADDRESSES for match in pattern.finditer(address)}
    spelled = {form(secret) for secret in found for form in (str, unquote, unquote_plus)}
    return {secret for secret in spelled if len(secret) >= _SHORTEST and secret != MASK}
