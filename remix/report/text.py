"""Names from studies, stores and files, made fit to be shown. Results keep them as they are."""

from __future__ import annotations

import re
from hashlib import sha256

LONGEST = 60
"""Characters of a name in figures and tables."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_DIGEST = 6


def natural(text: str) -> list[tuple[int, str]]:
    """What names are sorted by, so that "run 9" comes before "run 10"."""
    return [(int(digits or 0), rest) for digits, rest in re.findall(r"([0-9]*)([^0-9]*)", text.casefold())]


def printable(text: str) -> str:
    """One line of characters that can be seen.

    Others, among them the marks that turn the direction of writing, are replaced by one that says so.
    """
    return "".join(c if c.isprintable() else " " if c.isspace() else REPLACEMENT for c in text)


def shortened(text: str, longest: int = LONGEST) -> str:
    """A name of at most so many characters; those that were cut stay different from each other."""
    name = printable(text).strip() or "(no name)"
    if len(name) <= longest:
        return name
    digest = sha256(text.encode(errors="surrogatepass")).hexdigest()[:_DIGEST]
    return f"{name[: longest - _DIGEST - 2]}… {digest}"
