"""Pictures of battles. Pillow is imported only when a picture is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.maps import BattleMap
from remix.envs.skirmish.state import Units
from remix.envs.skirmish.units import UnitType

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

_SIZE = 560  # pixels of the longer side of the ground
_CAPTION = 26
_SHARPNESS = 2  # pictures are drawn this much larger and then reduced, which smooths edges
_CLOSED, _LOW, _HIGH, _INK, _PAPER = "#4a4640", "#efe9dc", "#d3c7ae", "#2b2b2b", "#ffffff"
_TEAMS = ("#2c6fbb", "#c0392b")
_HEALTH, _SHIELD, _EMPTY = "#3f9b3f", "#5fa8e6", "#b9b2a4"


def draw_battle(
    battle_map: BattleMap, types: Mapping[str, UnitType], units: Units, e: int, step: int
) -> NDArray[np.uint8]:
    """RGB picture ``[height, width, 3]`` of battle ``e`` after ``step`` steps, north on top.

    Agents are blue and enemies red. Letters stand for types, bars for health and shields. A line leads from
    a unit to its target; it is thick while the unit attacks or heals.
    """
    drawing = _Drawing(battle_map, types, units, e)
    drawing.terrain()
    alive = np.flatnonzero(units.health[e] > 0.0).tolist()
    for i in alive:
        drawing.aim(i)
    for i in sorted(alive, key=lambda i: drawing.types[i].plane == "air"):
        drawing.unit(i)
    drawing.caption(step)
    return np.asarray(drawing.picture.reduce(_SHARPNESS))


class _Drawing:
    """A picture of the part of a map around its open ground."""

    def __init__(self, battle_map: BattleMap, types: Mapping[str, UnitType], units: Units, e: int) -> None:
        from PIL import Image, ImageDraw

        self.map, self.units, self.e = battle_map, units, e
        self.types = [types[name] for name in (*battle_map.allies, *battle_map.enemies)]
        cells = np.argwhere(battle_map.terrain.open)
        self.first, self.last = cells.min(0) - 1, cells.max(0) + 2
        columns, rows = self.last - self.first
        self.scale = int(_SIZE * _SHARPNESS / max(columns, rows))
        self.ground_height = int(rows) * self.scale
        size = (int(columns) * self.scale, self.ground_height + _CAPTION * _SHARPNESS)
        self.picture = Image.new("RGB", size, _PAPER)
        self.canvas = ImageDraw.Draw(self.picture)

    def terrain(self) -> None:
        """Draw the cells: closed ones dark, high ground darker than low ground."""
        terrain = self.map.terrain
        lowest, highest = (float(bound(terrain.height[terrain.open])) for bound in (np.min, np.max))
        self.canvas.rectangle((0, 0, self.picture.size[0], self.ground_height), fill=_CLOSED)
        for x, y in np.argwhere(terrain.open):
            high = terrain.height[x, y] > (lowest + highest) / 2
            left, bottom = self._place(float(x), float(y))
            box = (left, bottom - self.scale, left + self.scale, bottom)
            self.canvas.rectangle(box, fill=_HIGH if high else _LOW)

    def aim(self, i: int) -> None:
        """Draw a line from unit i to its target."""
        target = int(self.units.target[self.e, i])
        if target < 0 or self.units.health[self.e, target] <= 0.0:
            return
        width = 2 * _SHARPNESS if self.units.busy[self.e, i] else 1
        self.canvas.line([self._centre(i), self._centre(target)], fill=self._colour(i), width=width)

    def unit(self, i: int) -> None:
        """Draw unit i: a disc of its size with the letters of its type, below bars of health and shields."""
        unit, (x, y) = self.types[i], self._centre(i)
        radius = unit.radius * self.scale
        edge = _INK if unit.plane == "air" else _PAPER
        self.canvas.ellipse((x - radius, y - radius, x + radius, y + radius), self._colour(i), edge, 2)
        letters = (unit.name[0] + unit.name[-1]).capitalize()
        self.canvas.text((x, y), letters, fill=_PAPER, anchor="mm", font=_font(0.4 * self.scale))
        bars = [(self.units.health[self.e, i] / unit.health, _HEALTH)]
        if unit.shield:
            bars.append((self.units.shield[self.e, i] / unit.shield, _SHIELD))
        for number, (share, colour) in enumerate(bars, start=1):
            top = y - radius - number * 3 * _SHARPNESS
            bottom, right = top + 2 * _SHARPNESS, x - radius + 2 * radius * share
            self.canvas.rectangle((x - radius, top, x + radius, bottom), fill=_EMPTY)
            self.canvas.rectangle((x - radius, top, right, bottom), fill=colour)

    def caption(self, step: int) -> None:
        """Write the map, the step, and how many units of each team live."""
        alive, n_agents = self.units.health[self.e] > 0.0, self.map.n_agents
        text = (
            f"{self.map.name}    step {step}/{self.map.episode_limit}    "
            f"agents {alive[:n_agents].sum()}/{n_agents}    "
            f"enemies {alive[n_agents:].sum()}/{self.map.n_enemies}"
        )
        place = (6 * _SHARPNESS, self.ground_height + 6 * _SHARPNESS)
        self.canvas.text(place, text, fill=_INK, font=_font(12 * _SHARPNESS))

    def _colour(self, i: int) -> str:
        return _TEAMS[int(i >= self.map.n_agents)]

    def _centre(self, i: int) -> tuple[float, float]:
        return self._place(float(self.units.x[self.e, i]), float(self.units.y[self.e, i]))

    def _place(self, x: float, y: float) -> tuple[float, float]:
        """The pixel (column, row) of a place on the map, with north on top."""
        return (x - float(self.first[0])) * self.scale, (float(self.last[1]) - y) * self.scale


def _font(size: float) -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)
