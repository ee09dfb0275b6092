"""What is around the ground in a picture of a battle: strengths of the sides above, a legend below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.rendering import font
from remix.envs.skirmish.cameras import SHAPE
from remix.envs.skirmish.tokens import AGENTS, ENEMIES, LEVELS, NEUTRAL, Colours, token
from remix.envs.skirmish.units import UnitType

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH, GROUND_TOP = 560, 44  # pixels
GROUND_HEIGHT = round(WIDTH * SHAPE)
SHARPNESS = 2  # pictures are drawn this much larger and then reduced, which smooths edges
SPARK, HEALING = "#ffd23f", "#35b04a"
_ROW, _MARGIN, _TOKEN = 22, 10, 8  # pixels
_BAR_WIDTH, _BAR_TOP, _BAR_HEIGHT = 200, 26, 10
_PAPER, _INK, _PALE_INK, _EMPTY = "#ffffff", "#2b2b2b", "#6f6a5e", "#e2ddd0"


class Strength(NamedTuple):
    """Of a side: how many of its ``all`` units are ``alive``; shares of health and shields in all it had."""

    alive: int
    all: int
    health: float
    shield: float


class Board:
    """A picture with a header, the ground and a legend.

    :param signs: of the types of units in the legend.
    """

    def __init__(self, signs: Mapping[str, str], types: Mapping[str, UnitType]) -> None:
        from PIL import Image, ImageDraw

        entries = _entries(signs, types)
        rows = _in_rows([(_TOKEN * 2 + 6 + _length(text) + 14, image, text) for image, text in entries])
        bottom = GROUND_TOP + GROUND_HEIGHT
        size = WIDTH * SHARPNESS, (bottom + _ROW * len(rows) + 4) * SHARPNESS
        self.image = Image.new("RGB", size, _PAPER)
        self.draw = ImageDraw.Draw(self.image)
        self.ground = (0, GROUND_TOP * SHARPNESS, WIDTH * SHARPNESS, bottom * SHARPNESS)
        self._rows, self._bottom = rows, bottom

    def finished(self, title: str, subtitle: str, agents: Strength, enemies: Strength) -> NDArray[np.uint8]:
        """The picture ``[height, width, 3]`` with what is played and how strong the sides are.

        It is written last, over what was drawn beyond the edges of the ground.
        """
        right, below = self.image.size
        self.draw.rectangle((0, 0, right, self.ground[1] - 1), _PAPER)
        self.draw.rectangle((0, self.ground[3], right, below), _PAPER)
        self._write(WIDTH / 2, 14, title, 13, _INK, "mm")
        self._write(WIDTH / 2, 32, subtitle, 12, _PALE_INK, "mm")
        self._write(_MARGIN, 13, f"agents {agents.alive}/{agents.all}", 13, AGENTS.health, "lm")
        enemies_left = f"enemies {enemies.alive}/{enemies.all}"
        self._write(WIDTH - _MARGIN, 13, enemies_left, 13, ENEMIES.health, "rm")
        self._bar(_MARGIN, 1, AGENTS, agents)
        self._bar(WIDTH - _MARGIN, -1, ENEMIES, enemies)
        for number, row in enumerate(self._rows):
            self._legend(self._bottom + 2 + _ROW * (number + 0.5), row)
        return np.asarray(self.image.reduce(SHARPNESS))

    def _bar(self, start: float, direction: int, colours: Colours, strength: Strength) -> None:
        """Draw the health and then the shields of a side, from ``start`` on towards the middle."""
        total = strength.health + strength.shield
        for share, colour in (
            (1.0, _EMPTY),
            (total, colours.shield),
            (strength.health, colours.health),
        ):
            if share <= 0.0:
                continue
            ends = sorted((start, start + direction * _BAR_WIDTH * share))
            box = (ends[0], _BAR_TOP, ends[1], _BAR_TOP + _BAR_HEIGHT)
            self.draw.rectangle([round(value * SHARPNESS) for value in box], colour)

    def _legend(self, y: float, row: list[tuple[float, Image, str]]) -> None:
        x = float(_MARGIN)
        for width, image, text in row:
            place = round(x * SHARPNESS), round((y - _TOKEN) * SHARPNESS)
            self.image.paste(image, place, image)
            self._write(x + 2 * _TOKEN + 6, y, text, 12, _PALE_INK, "lm")
            x += width

    def _write(self, x: float, y: float, text: str, size: int, colour: str, anchor: str) -> None:
        self.draw.text((x * SHARPNESS, y * SHARPNESS), text, colour, font(size * SHARPNESS), anchor)


def _entries(signs: Mapping[str, str], types: Mapping[str, UnitType]) -> list[tuple[Image, str]]:
    """Pictures and their meanings: the types, then what the pictures of units consist of."""

    def of(sign: str, health: int = LEVELS, shield: int | None = None, above: bool = False) -> Image:
        return token(_TOKEN * SHARPNESS, NEUTRAL, sign, health, shield, above)

    named = [(of(sign, above=types[name].plane != "ground"), name) for name, sign in signs.items()]
    entries = [(image, name.replace("_", " ")) for image, name in named]
    entries.append((of("", LEVELS // 2), "health"))
    if any(types[name].shield for name in signs):
        entries.append((of("", LEVELS // 2, LEVELS * 3 // 4), "shields"))
    entries.append((_line(NEUTRAL.health, SPARK), "attack"))
    if any(types[name].heal for name in signs):
        entries.append((_line(HEALING, HEALING), "healing"))
    return entries


def _line(colour: str, end: str) -> Image:
    """A line that ends in a spark, as large as a token of the legend."""
    from PIL import Image, ImageDraw

    size = 2 * _TOKEN * SHARPNESS
    image = Image.new("RGBA", (size + 1, size + 1), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.line((0, size // 2, size, size // 2), colour, 2 * SHARPNESS)
    draw.regular_polygon((0.75 * size, size / 2, size / 4), 4, 45, end)
    return image


def _in_rows(entries: list[tuple[float, Image, str]]) -> list[list[tuple[float, Image, str]]]:
    """Entries of the legend in rows that the picture has room for. The first number is an entry's width."""
    rows: list[list[tuple[float, Image, str]]] = [[]]
    for entry in entries:
        if rows[-1] and sum(width for width, *_ in rows[-1]) + entry[0] > WIDTH - 2 * _MARGIN:
            rows.append([])
        rows[-1].append(entry)
    return rows


def _length(text: str) -> float:
    return float(font(12 * SHARPNESS).getlength(text)) / SHARPNESS
