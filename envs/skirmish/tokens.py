"""Units as small round pictures. Pillow is imported only when one is drawn."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from remix.envs.rendering import font

if TYPE_CHECKING:
    from PIL.Image import Image

LEVELS = 24  # how many different fillings a token has


class Colours(NamedTuple):
    """Those of a side: what it has of health and of shields, and what it has lost."""

    health: str
    shield: str
    lost: str


AGENTS = Colours("#2f7bdc", "#45c4f5", "#17345c")
ENEMIES = Colours("#d43d2c", "#f5a623", "#5a1a14")
NEUTRAL = Colours("#7d7a72", "#b9b2a4", "#4a4640")
_SIGN = "#ffffff"
_SEE_THROUGH = 145  # opacity of what is above others, of 255


@lru_cache(maxsize=1024)
def token(radius: int, colours: Colours, sign: str, health: int, shield: int | None, above: bool) -> Image:
    """A disc that is filled up to the share of health, in a ring that is closed by full shields.

    :param radius: pixels.
    :param sign: letters on it.
    :param health: of ``LEVELS``.
    :param shield: of ``LEVELS``; None for a unit that has none.
    :param above: whether it stands or flies above others, which are seen through it.
    :returns: a picture with transparency, ``2 * radius + 1`` pixels wide and high.
    """
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", (2 * radius + 1, 2 * radius + 1), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    inner = radius
    if shield is not None:
        thickness = max(2, round(0.2 * radius))
        draw.ellipse(_box(radius, radius), colours.lost)
        draw.pieslice(_box(radius, radius), -90, -90 + 360 * shield / LEVELS, colours.shield)
        inner = radius - thickness
    draw.ellipse(_box(radius, inner), colours.lost)
    full = Image.new("L", image.size, 0)
    ImageDraw.Draw(full).ellipse(_box(radius, inner), 255)
    body = full.copy()
    full.paste(0, (0, 0, image.width, radius + inner + 1 - round((2 * inner + 1) * health / LEVELS)))
    image.paste(colours.health, mask=full)
    if above:
        opacity = image.getchannel("A")
        opacity.paste(_SEE_THROUGH, mask=body)
        image.putalpha(opacity)
        draw.ellipse(_box(radius, radius), outline=colours.lost, width=max(2, radius // 10))
    size = inner * (1.35 if len(sign) == 1 else 1.1)
    draw.text((radius, radius), sign, _SIGN, font(size), "mm", stroke_width=1, stroke_fill=_SIGN)
    return image


def level(share: float) -> int:
    """A share of health or shields as one of ``LEVELS``. Only nothing is 0, and only everything is full."""
    return min(max(int(share * LEVELS), int(share > 0)), LEVELS)


def _box(centre: int, radius: int) -> tuple[int, int, int, int]:
    return centre - radius, centre - radius, centre + radius, centre + radius
