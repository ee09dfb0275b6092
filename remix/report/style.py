"""How figures look: one colour, marker and line per algorithm everywhere, names and numbers for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from itertools import chain, product
from textwrap import fill
from typing import Any

from remix.report.text import shortened

WIDTH = 7.5
"""Inches; that of a page."""

_LINE = 26  # characters


@dataclass(frozen=True)
class Style:
    """Of a variant. Marker and dashes tell variants apart without colour too."""

    color: str
    marker: str
    dashes: Any = "-"


# The palettes of Okabe and Ito and of Paul Tol ("muted"), which colour-blind people can tell apart.
_ALGORITHMS = {
    "remix": Style("#D55E00", "o"),
    "ow_qmix": Style("#0072B2", "s", (0, (6, 1.5))),
    "cw_qmix": Style("#56B4E9", "D", (0, (3, 1.2))),
    "qmix": Style("#009E73", "^", (0, (7, 1.5, 1.5, 1.5))),
    "vdn": Style("#CC79A7", "v", (0, (1.5, 1.2))),
    "iql": Style("#4D4D4D", "X", (0, (4, 1.5, 1.5, 1.5, 1.5, 1.5))),
    "qplex": Style("#E69F00", "P", (0, (9, 2))),
    "qatten": Style("#332288", "<", (0, (4, 2))),
    "qtran": Style("#882255", ">", (0, (2, 2))),
    "vdac_sum": Style("#000000", "d", (0, (3, 3))),
    "vdac_vmix": Style("#44AA99", "p", (0, (8, 2, 2, 2))),
    "dop": Style("#999933", "h", (0, (1, 1))),
    "fop": Style("#AA4499", "*", (0, (5, 1, 1, 1, 1, 1))),
}

_WORDS = {
    "bellman": "Bellman",
    "remix": "ReMIX",
    "ow_qmix": "OW-QMIX",
    "cw_qmix": "CW-QMIX",
    "qmix": "QMIX",
    "vdn": "VDN",
    "iql": "IQL",
    "qplex": "QPLEX",
    "qatten": "Qatten",
    "qtran": "QTRAN",
    "vdac": "VDAC",
    "vdac_sum": "VDAC-sum",
    "vdac_vmix": "VDAC-vmix",
    "dop": "DOP",
    "fop": "FOP",
}

_SETTINGS = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "0.9",
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "savefig.dpi": 160,
    "text.parse_math": False,  # names are no formulas
    "text.usetex": False,
    "svg.hashsalt": "remix",  # the same figure is the same file
}


def settings() -> AbstractContextManager[None]:
    """Matplotlib's settings for making and saving figures."""
    from matplotlib import rc_context

    return rc_context(_SETTINGS)  # type: ignore[arg-type]


def styles(variants: Sequence[str]) -> dict[str, Style]:
    """The style of each variant: its own for an algorithm, for others those left, in their order.

    The first differ in colour, marker and dashes, all in at least one of them.
    """
    own = {variant: _ALGORITHMS[variant] for variant in variants if variant in _ALGORITHMS}
    left = (style for style in chain(_ALGORITHMS.values(), _combinations()) if style not in own.values())
    return {variant: own.get(variant) or next(left) for variant in variants}


def _combinations() -> Iterator[Style]:
    """Over two thousand more styles: markers and dashes move on against the colours, round after round."""
    every = list(_ALGORITHMS.values())
    n = len(every)
    for extra, round_ in product(range(n), range(1, n)):
        for place, style in enumerate(every):
            marker, dashes = (
                every[(place + round_) % n].marker,
                every[(place + 2 * round_ + extra) % n].dashes,
            )
            yield Style(style.color, marker, dashes)


def label(name: str, among: Sequence[str] = ()) -> str:
    """A variant or panel as people write it: names of algorithms, and spaces instead of underscores.

    Words that begin with a digit stay: they are names of maps (``3s_vs_5z``).

    :param among: names that stand beside it; where two would look the same (``qmix`` and ``QMIX``), they are
        left as they are.
    """
    written = _written(name)
    same = any(other != name and _written(other) == written for other in among)
    return shortened(name) if same else written


@cache
def _written(name: str) -> str:
    words = "|".join(sorted(_WORDS, key=len, reverse=True))
    written = re.sub(rf"(?<![a-z])({words})(?![a-z])", lambda match: _WORDS[match[0]], shortened(name))
    spaced = re.sub(r"\b[^\d\W]\w*", lambda match: match[0].replace("_", " "), written)
    return spaced.strip() or shortened(name)


def wrapped(text: str) -> str:
    """Lines that fit beside or above axes."""
    return fill(text, _LINE)


def seeds(count: int) -> str:
    """As in "n = 3", which is not divided between two lines."""
    return f"n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{count}"


def number(value: float) -> str:
    """Three digits or so: 35.1, 3.51, 0.35, 1,234."""
    if value != value:
        return "–"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def number_format(scores: Iterable[float]) -> Callable[[float], str]:
    """How scores of a study are written: as :func:`number`, with an exponent where that would say nothing."""
    largest = max(map(abs, scores), default=0.0)
    return number if largest == 0 or 0.1 <= largest < 1e7 else _scientific


def _scientific(value: float) -> str:
    return "–" if value != value else f"{value:.2e}" if value else "0"


def steps(value: float) -> str:
    """Environment steps: 950, 12.5k, 320k, 1.00M."""
    if value != value:
        return "–"
    if value >= 1e6:
        return f"{value / 1e6:.2f}M"
    return (
        f"{value / 1e3:.0f}k" if value >= 1e5 else f"{value / 1e3:.1f}k" if value >= 1e3 else f"{value:.0f}"
    )
