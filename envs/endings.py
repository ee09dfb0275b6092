"""The card at the end of a film: how the episode ended. Pillow is imported only when it is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.films import as_picture
from remix.envs.rendering import font
from remix.envs.spec import EnvSpec

WON = "battle_won"
"""The metric of games that are won or lost."""

_PAPER, _INK, _PALE_INK = "#ffffff", "#2b2b2b", "#6f6a5e"
_COLOURS = {"Victory": "#2f8f3e", "Defeat": "#d43d2c"}
_SHARPNESS = 2


class Ending(NamedTuple):
    """What a card says: a title, and lines below it."""

    title: str
    lines: tuple[str, ...]


def ending(
    spec: EnvSpec, length: int, score: float, metrics: Mapping[str, float], terminated: bool
) -> Ending:
    """What there is to say of an episode of ``length`` steps with a return of ``score``.

    :param metrics: the episode's statistics by the names of ``spec.metrics``.
    :param terminated: whether it came to a true end. A game whose last step is its end is no time-out; a
        battle is one at its limit, which SMAC calls a true end.
    """
    if metrics.get(WON):
        title = "Victory"
    elif not terminated or (WON in metrics and length >= spec.episode_limit):
        title = "Time is up"
    else:
        title = "Defeat" if WON in metrics else "The end"
    shown = [f"{name.replace('_', ' ')} {value:g}" for name, value in metrics.items() if name != WON]
    lines = (f"return {score:.4g} in {length} steps", "   ".join(shown))
    return Ending(title, tuple(line for line in lines if line))


def end_card(picture: NDArray[np.generic], card: Ending) -> NDArray[np.uint8]:
    """A card in the middle of the last picture of an episode, both as RGB ``[height, width, 3]``."""
    from PIL import Image, ImageDraw

    image = Image.fromarray(as_picture(picture))
    size = (
        image.width / 16
    )  # of the title in pixels; the lines are half as large, or smaller where they are long
    longest = max(_length(line) for line in card.lines)
    small = min(0.5 * size, 0.85 * image.width / longest)
    width = 1.1 * max(small * longest, size * _length(card.title)) + 2 * small
    height = 2.2 * size + 1.6 * small * len(card.lines)
    sheet = Image.new("RGB", (max(2, round(width)) * _SHARPNESS, max(2, round(height)) * _SHARPNESS), _PAPER)
    draw, middle = ImageDraw.Draw(sheet), sheet.width / 2
    draw.rectangle((0, 0, sheet.width - 1, sheet.height - 1), outline=_PALE_INK, width=_SHARPNESS)
    colour = _COLOURS.get(card.title, _INK)
    draw.text((middle, 1.1 * size * _SHARPNESS), card.title, colour, font(size * _SHARPNESS), "mm")
    for number, line in enumerate(card.lines):
        y = 2.1 * size + 1.6 * small * (number + 0.3)
        draw.text((middle, y * _SHARPNESS), line, _PALE_INK, font(small * _SHARPNESS), "mm")
    card_image = sheet.reduce(_SHARPNESS)
    image.paste(card_image, ((image.width - card_image.width) // 2, (image.height - card_image.height) // 2))
    return np.asarray(image)


def _length(text: str) -> float:
    """How long a text is in letters of one pixel."""
    return float(font(100).getlength(text)) / 100
