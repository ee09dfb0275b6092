"""Pictures of environments for people: grids with pieces, and payoff tables.

Pillow is imported only when a picture is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

_SIZE = 400  # pixels of the longer side of the board and of the width of a picture
_HEADER, _FOOTER, _MARGIN = 34, 26, 8
_SHARPNESS = 2  # pictures are drawn this much larger and then reduced, which smooths edges

_PAPER, _BOARD, _LINE, _INK, _PALE_INK = "#ffffff", "#f4f1ea", "#d9d3c5", "#2b2b2b", "#8a8577"
_HIGHLIGHT = "#d7263d"


@dataclass(frozen=True)
class Style:
    """The look of a kind of piece. With 0 ``corners`` it is a circle; ``size`` is its share of the cell."""

    colour: str
    corners: int
    size: float


STYLES = {
    "agent": Style("#2c6fbb", 0, 0.82),
    "frozen": Style("#9fb4cb", 0, 0.82),
    "stag": Style("#c8741a", 4, 0.92),
    "hare": Style("#5a9a3c", 3, 0.80),
    "captured": Style("#b3a98f", 2, 0.55),
}


@dataclass(frozen=True)
class Piece:
    """Something on a grid. ``kind`` is a key of ``STYLES``; a highlighted piece has a ring around it."""

    row: int
    column: int
    kind: str
    label: str = ""
    highlighted: bool = False


def draw_grid(
    shape: tuple[int, int], pieces: Iterable[Piece], caption: str, legend: Sequence[str], ring: str
) -> NDArray[np.uint8]:
    """Draw a board of ``shape`` (rows, columns) with ``pieces``; later pieces cover earlier ones.

    :param caption: line above the board.
    :param legend: kinds that are explained below the board.
    :param ring: meaning of the ring around a highlighted piece.
    :returns: RGB ``[height, width, 3]``, uint8, of the same size for every picture of the same board.
    """
    rows, columns = shape
    cell = max(2, (_SIZE - 2 * _MARGIN) // max(shape))
    height = _HEADER + cell * rows + _FOOTER
    image, draw = _canvas(_SIZE, height)
    left = (_SIZE - cell * columns) // 2
    _text(draw, (_SIZE / 2, _HEADER / 2), caption, 15, _INK)
    _lattice(draw, (left, _HEADER), cell, cell, rows, columns)
    for piece in pieces:
        centre = (left + cell * (piece.column + 0.5), _HEADER + cell * (piece.row + 0.5))
        _draw_piece(draw, centre, cell, piece)
    _legend(draw, height - _FOOTER / 2, legend, ring)
    return _finish(image)


def draw_table(
    values: NDArray[np.floating], marked: tuple[int, int] | None, caption: str
) -> NDArray[np.uint8]:
    """Draw a payoff table ``values [A_1, A_2]`` with agent 0 in rows and agent 1 in columns.

    :param marked: the joint action to highlight.
    :returns: RGB ``[height, width, 3]``, uint8.
    """
    rows, columns = values.shape
    width, tall = (_SIZE - 2 * _MARGIN) // (columns + 1), 48
    height = _HEADER + tall * (rows + 1) + _MARGIN
    image, draw = _canvas(_SIZE, height)
    left, top = _MARGIN + width, _HEADER + tall
    _text(draw, (_SIZE / 2, _HEADER / 2), caption, 15, _INK)
    _lattice(draw, (left, top), width, tall, rows, columns)
    if marked is not None:
        corner = (left + width * marked[1], top + tall * marked[0])
        _rectangle(draw, corner, (width, tall), outline=_HIGHLIGHT, thickness=3)
    for row in range(rows):
        _text(draw, (left - width / 2, top + tall * (row + 0.5)), f"agent 0: {row}", 12, _PALE_INK)
    for column in range(columns):
        _text(draw, (left + width * (column + 0.5), top - tall / 2), f"agent 1: {column}", 12, _PALE_INK)
    for (row, column), value in np.ndenumerate(values):
        _text(draw, (left + width * (column + 0.5), top + tall * (row + 0.5)), f"{value:g}", 18, _INK)
    return _finish(image)


def _canvas(width: int, height: int) -> tuple[Image, ImageDraw]:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (width * _SHARPNESS, height * _SHARPNESS), _PAPER)
    return image, ImageDraw.Draw(image)


def _finish(image: Image) -> NDArray[np.uint8]:
    return np.asarray(image.reduce(_SHARPNESS), np.uint8)


def _box(corner: tuple[float, float], size: tuple[float, float]) -> list[float]:
    (x, y), (width, height) = corner, size
    return [v * _SHARPNESS for v in (x, y, x + width, y + height)]


def _rectangle(
    draw: ImageDraw,
    corner: tuple[float, float],
    size: tuple[float, float],
    fill: str | None = None,
    outline: str | None = None,
    thickness: int = 1,
) -> None:
    draw.rectangle(_box(corner, size), fill=fill, outline=outline, width=thickness * _SHARPNESS)


def _lattice(
    draw: ImageDraw, corner: tuple[float, float], width: int, height: int, rows: int, columns: int
) -> None:
    """Draw the lines of ``rows`` x ``columns`` cells of ``width`` x ``height`` pixels."""
    _rectangle(draw, corner, (width * columns, height * rows), fill=_BOARD)
    for row in range(rows):
        for column in range(columns):
            place = (corner[0] + width * column, corner[1] + height * row)
            _rectangle(draw, place, (width, height), outline=_LINE)


def _text(draw: ImageDraw, centre: tuple[float, float], text: str, size: float, colour: str) -> None:
    place = (centre[0] * _SHARPNESS, centre[1] * _SHARPNESS)
    draw.text(place, text, fill=colour, font=font(size * _SHARPNESS), anchor="mm")


@cache
def font(size: float) -> FreeTypeFont | ImageFont:
    """The letters of all pictures, in pixels."""
    from PIL import ImageFont

    return ImageFont.load_default(max(size, 1.0))


def _draw_piece(draw: ImageDraw, centre: tuple[float, float], cell: float, piece: Piece) -> None:
    style = STYLES[piece.kind]
    _symbol(draw, centre, cell * style.size / 2, style)
    if piece.highlighted:
        _circle(draw, centre, cell * 0.47, outline=_HIGHLIGHT, thickness=max(2, round(cell / 12)))
    if piece.label and cell >= 14:
        _text(draw, centre, piece.label, cell * 0.4, _PAPER)


def _symbol(draw: ImageDraw, centre: tuple[float, float], radius: float, style: Style) -> None:
    x, y = (v * _SHARPNESS for v in centre)
    r = radius * _SHARPNESS
    if style.corners == 0:
        _circle(draw, centre, radius, fill=style.colour)
    elif style.corners == 2:
        for slope in (1, -1):
            draw.line([x - r, y - slope * r, x + r, y + slope * r], style.colour, max(2, round(r / 4)))
    else:
        tilt = 45 if style.corners == 4 else 0  # a square is turned so that it stands on a corner
        draw.regular_polygon((x, y, r), style.corners, tilt, fill=style.colour)


def _circle(
    draw: ImageDraw,
    centre: tuple[float, float],
    radius: float,
    fill: str | None = None,
    outline: str | None = None,
    thickness: int = 1,
) -> None:
    box = _box((centre[0] - radius, centre[1] - radius), (2 * radius, 2 * radius))
    draw.ellipse(box, fill=fill, outline=outline, width=thickness * _SHARPNESS)


def _legend(draw: ImageDraw, y: float, kinds: Sequence[str], ring: str) -> None:
    x = float(_MARGIN)
    for kind in kinds:
        _symbol(draw, (x + 8, y), 7 * STYLES[kind].size, STYLES[kind])
        x = _legend_text(draw, x + 20, y, kind)
    _circle(draw, (x + 8, y), 7, outline=_HIGHLIGHT, thickness=2)
    _legend_text(draw, x + 20, y, ring)


def _legend_text(draw: ImageDraw, x: float, y: float, text: str) -> float:
    """Write ``text`` to the right of ``x``.

    :returns: where the next entry starts, in pixels.
    """
    letters = font(12 * _SHARPNESS)
    draw.text((x * _SHARPNESS, y * _SHARPNESS), text, fill=_PALE_INK, font=letters, anchor="lm")
    return x + draw.textlength(text, letters) / _SHARPNESS + 10
