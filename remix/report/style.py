"""How figures look: one colour, marker and line per algorithm everywhere, names and numbers for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from itertools import chain, product
from textwrap import fill
from typing import TYPE_CHECKING, Any

from remix.report.text import shortened
from remix.settings.project import configuration_folders

if TYPE_CHECKING:
    from remix.report.results import StudyResults
    from remix.report.statistics import Estimate

WIDTH = 7.5
"""Inches; that of a page."""

_LINE = 26  # characters


@dataclass(frozen=True)
class Style:
    """Of a variant. Marker and dashes tell variants apart without colour too."""

    color: str
    marker: str
    dashes: Any = "-"


PALETTE = {
    "vermillion": Style("#D55E00", "o"),
    "blue": Style("#0072B2", "s", (0, (6, 1.5))),
    "sky_blue": Style("#56B4E9", "D", (0, (3, 1.2))),
    "green": Style("#009E73", "^", (0, (7, 1.5, 1.5, 1.5))),
    "pink": Style("#CC79A7", "v", (0, (1.5, 1.2))),
    "gray": Style("#4D4D4D", "X", (0, (4, 1.5, 1.5, 1.5, 1.5, 1.5))),
    "orange": Style("#E69F00", "P", (0, (9, 2))),
    "indigo": Style("#332288", "<", (0, (4, 2))),
    "wine": Style("#882255", ">", (0, (2, 2))),
    "black": Style("#000000", "d", (0, (3, 3))),
    "teal": Style("#44AA99", "p", (0, (8, 2, 2, 2))),
    "olive": Style("#999933", "h", (0, (1, 1))),
    "purple": Style("#AA4499", "*", (0, (5, 1, 1, 1, 1, 1))),
    "navy": Style("#004488", "H", (0, (6, 1, 2, 1))),
    "rose": Style("#CC6677", "8", (0, (2, 1, 1, 1))),
    "sand": Style("#DDCC77", "1", (0, (10, 1, 1, 1))),
    "brown": Style("#661100", "2", (0, (3, 1, 1, 1, 1, 1))),
    "forest": Style("#117733", "3", (0, (12, 3))),
    "lilac": Style("#C2A5CF", "x", (0, (8, 1, 1, 1, 1, 1))),
    "lime": Style("#BBCC33", "4", (0, (2, 4))),
}
"""Of Okabe and Ito and of Paul Tol: colours that colour-blind people can tell apart, a dozen at a time."""

_WORDS = {"bellman": "Bellman", "vdac": "VDAC"}
"""Names that are no algorithm's."""

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
    own = {variant: PALETTE[color] for variant in variants if (color := _look(variant, "color")) in PALETTE}
    left = (style for style in chain(PALETTE.values(), _combinations()) if style not in own.values())
    return {variant: own.get(variant) or next(left) for variant in variants}


def _combinations() -> Iterator[Style]:
    """Over two thousand more styles: markers and dashes move on against the colours, round after round."""
    every = list(PALETTE.values())
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
        left as they are, in quotation marks where only blanks and the like tell them apart.
    """
    others = set(among) - {name}
    for look in (_written, shortened):
        if look(name) not in map(look, others):
            return look(name)
    return shortened(ascii(name))


def named(results: StudyResults, variant: str) -> str:
    """A variant as the page calls it."""
    wanted = results.names.get(variant)
    return label(variant, results.variants) if wanted is None else shortened(wanted)


@cache
def _written(name: str) -> str:
    names = _WORDS | {algorithm: look["label"] for algorithm, look in _looks().items() if "label" in look}
    words = "|".join(sorted(names, key=len, reverse=True))
    written = re.sub(rf"(?<![a-z])({words})(?![a-z])", lambda match: names[match[0]], shortened(name))
    spaced = re.sub(r"\b[^\d\W]\w*", lambda match: match[0].replace("_", " "), written)
    return spaced.strip() or shortened(name)


@cache
def _looks() -> dict[str, dict[str, str]]:
    """What the file of each algorithm says of its looks: lines ``# @label NAME`` and ``# @color NAME``."""
    found = chain(*((folder / "algorithm").glob("*.yaml") for folder in configuration_folders()))
    texts = {file.stem: file.read_text(encoding="utf-8") for file in found}
    return {name: dict(re.findall(r"^# @(\w+) (\S+)$", text, re.MULTILINE)) for name, text in texts.items()}


def _look(algorithm: str, key: str) -> str | None:
    return _looks().get(algorithm, {}).get(key)


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


def interval(estimate: Estimate, text: Callable[[float], str] = number) -> str:
    """The interval of an estimate: [3.10, 4.00], or a dash where there is none."""
    none = estimate.low != estimate.low
    return "–" if none else f"[{text(estimate.low)}, {text(estimate.high)}]"


def with_interval(estimate: Estimate, text: Callable[[float], str]) -> str:
    """An estimate and its interval, if it has one: 3.51 [3.10, 4.00]."""
    return f"{text(estimate.value)} {interval(estimate, text)}".rstrip("– ")
