"""An unfinished command line as a shell reads it, and words as a shell has to be given them."""

from __future__ import annotations

from dataclasses import dataclass

_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%")
"""Characters that no shell acts upon within a word."""

_IN_DOUBLE_QUOTES = frozenset('$`"\\')
"""Characters that double quotes do not protect."""


@dataclass
class LastWord:
    """The word at the end of a line.

    :ivar text: as far as it was typed, without quotes.
    :ivar kept: characters of the text before the part that the shell replaces by a completion.
    :ivar quote: the quotation mark that is still open, else empty.
    """

    text: str = ""
    kept: int = 0
    quote: str = ""

    def replacement(self, choice: str) -> str:
        """What stands in place of the part that is replaced, for the word to become ``choice``."""
        part = choice[self.kept :]
        if self.quote == "'":
            return part.replace("'", "'\\''")
        if self.quote == '"':
            return "".join("\\" + c if c in _IN_DOUBLE_QUOTES else c for c in part)
        # A blank at the end is no part of the word: it goes on to the next.
        word = part.rstrip(" ")
        start = "\\" if word.startswith("~") and not self.text.startswith("~") else ""
        body = "".join(c if c in _SAFE or c.isalnum() or (c == "~" and not start) else "\\" + c for c in word)
        return body + part[len(word) :]


def split(line: str, breaks: str = "") -> tuple[list[str], LastWord]:
    """The words of a line that may end within one, and within quotes.

    Nothing is expanded: ``$HOME`` and ``$(...)`` are words of just these characters.

    :param breaks: characters at which the shell begins to replace (Bash's ``COMP_WORDBREAKS``).
    """
    words: list[str] = []
    last, begun, escaped = LastWord(), False, False
    for character in line:
        if escaped:
            if last.quote and character not in _IN_DOUBLE_QUOTES:
                last.text += "\\"
            last.text += character
            escaped = False
        elif character == "\\" and last.quote != "'":
            escaped = begun = True
        elif last.quote:
            if character == last.quote:
                last.quote, last.kept = "", len(last.text)
            else:
                last.text += character
        elif character in "'\"":
            last.quote, last.kept, begun = character, len(last.text), True
        elif character.isspace():
            if begun:
                words.append(last.text)
            last, begun = LastWord(), False
        else:
            last.text += character
            begun = True
            if character in breaks:
                last.kept = len(last.text)
    return words, last
