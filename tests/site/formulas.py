"""Formulas as MathML, which browsers show by themselves."""

from __future__ import annotations

import re
from html import unescape

from latex2mathml.converter import convert

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def as_mathml(html: str) -> str:
    """A page in whose place of every ``$...$`` its formula stands."""
    return FORMULA.sub(_formula, html)


def _formula(found: re.Match[str]) -> str:
    display = "block" if found[1] == "div" else "inline"
    return convert(unescape(found[2]).strip(), display=display)
