"""Pictures of battles. Pillow is imported only when a picture is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import cos, hypot, pi, sin

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.boards import (
    GROUND_TOP,
    HEALING,
    SHARPNESS,
    SPARK,
    WIDTH,
    Board,
    Strength,
)
from remix.envs.skirmish.cameras import Camera, Frame
from remix.envs.skirmish.legends import signs
from remix.envs.skirmish.maps import BattleMap
from remix.envs.skirmish.sights import Sight
from remix.envs.skirmish.state import Units
from remix.envs.skirmish.terrain import Terrain
from remix.envs.skirmish.tokens import AGENTS, ENEMIES, Colours, level, token
from remix.envs.skirmish.units import UnitType

_CLOSED, _CLIFF, _LOW, _HIGH = "#4a4640", "#8d8372", "#efe9dc", "#d9ceb8"
_LEAST_RADIUS = 3 * SHARPNESS  # of a unit, in pixels
Pixel = tuple[float, float]  # column and row, with fractions
_SHADE = 0.72  # brightness of what no agent sees


def draw_battle(
    battle_map: BattleMap,
    types: Mapping[str, UnitType],
    units: Units,
    e: int,
    step: int,
    camera: Camera | None = None,
    sight: Sight | None = None,
) -> NDArray[np.uint8]:
    """RGB picture ``[height, width, 3]`` of battle ``e`` after ``step`` steps, north on top.

    Agents are blue and enemies red. A unit is a disc that is as full as the unit is healthy, in a ring of its
    shields. A line leads from a unit that attacks to its target, a green one from a unit that heals. All
    pictures of a map have the same size.

    :param camera: follows the fight from picture to picture; None for one that looks at this picture alone.
    :param sight: of the agents; where none of them sees, the ground is dark. None leaves all of it bright.
    """
    picture = _Battle(battle_map, types, units, e)
    picture.look(camera or Camera(), step)
    picture.ground()
    if sight is not None:
        picture.shade(sight)
    picture.fallen()
    picture.attacks()
    picture.tokens()
    picture.sparks()
    return picture.finished(step)


class _Battle:
    """A picture of a battle in the making."""

    def __init__(self, battle_map: BattleMap, types: Mapping[str, UnitType], units: Units, e: int) -> None:
        self.map, self.units, self.e = battle_map, units, e
        names = (*battle_map.allies, *battle_map.enemies)
        self.types, self.signs = [types[name] for name in names], signs(names, types)
        self.board = Board(self.signs, types)
        alive = units.health[e] > 0.0
        self.alive, self.dead = np.flatnonzero(alive).tolist(), np.flatnonzero(~alive).tolist()

    def look(self, camera: Camera, step: int) -> None:
        """Choose what is seen."""
        x, y = self.units.x[self.e, self.alive], self.units.y[self.e, self.alive]
        self.frame = camera.follow(self.e, step, x, y, _extent(self.map.terrain))
        self.scale = WIDTH * SHARPNESS / self.frame.width

    def ground(self) -> None:
        """Draw the cells."""
        terrain, draw = self.map.terrain, self.board.draw
        lowest, highest = (float(bound(terrain.height[terrain.open])) for bound in (np.min, np.max))
        draw.rectangle(self.board.ground, _CLOSED)
        for x, y in np.argwhere(terrain.crossable).tolist():
            high = terrain.height[x, y] > (lowest + highest) / 2
            colour = (_HIGH if high else _LOW) if terrain.open[x, y] else _CLIFF
            (left, top), (right, bottom) = self._place(x, y + 1), self._place(x + 1, y)
            draw.rectangle((round(left), round(top), round(right) - 1, round(bottom) - 1), colour)

    def shade(self, sight: Sight) -> None:
        """Darken the ground that no living agent sees, and draw the edges of cones."""
        from PIL import Image, ImageDraw

        picture = self.board.image
        seen = Image.new("L", picture.size, 0)
        draw = ImageDraw.Draw(seen)
        for i in self.alive:
            if i < self.map.n_agents:
                (x, y), radius = self._centre(i), float(sight.distance[i]) * self.scale
                middle, half = -float(sight.heading[i]), sight.width / 2  # Pillow's angles go with the clock
                draw.pieslice(_around(x, y, radius), middle - half, middle + half, 255)
        dark = picture.point(lambda value: int(value * _SHADE))
        picture.paste(Image.composite(picture, dark, seen))

    def fallen(self) -> None:
        """Draw a small cross where a unit has died."""
        for i in self.dead:
            (x, y), r = self._centre(i), 0.5 * self._radius(i)
            for slope in (1, -1):
                self.board.draw.line(
                    (x - r, y - slope * r, x + r, y + slope * r), self._colours(i).health, 2 * SHARPNESS
                )

    def attacks(self) -> None:
        """Draw a line from every unit that attacks or heals to its target."""
        for i, start, end in self._shots():
            healing = self.types[i].heal is not None
            colour = HEALING if healing else self._colours(i).health
            self.board.draw.line((*start, *end), colour, round((2.5 if healing else 2) * SHARPNESS))

    def tokens(self) -> None:
        """Draw the living units, those that stand or fly above others last."""
        heights = ("ground", "colossus", "air")
        for i in sorted(self.alive, key=lambda i: heights.index(self.types[i].plane)):
            unit, (x, y), radius = self.types[i], self._centre(i), max(round(self._radius(i)), _LEAST_RADIUS)
            shield = level(self.units.shield[self.e, i] / unit.shield) if unit.shield else None
            health = level(self.units.health[self.e, i] / unit.health)
            above = unit.plane != "ground"
            image = token(radius, self._colours(i), self.signs[unit.name], health, shield, above)
            self.board.image.paste(image, (round(x) - radius, round(y) - radius), image)

    def sparks(self) -> None:
        """Draw where attacks and heals arrive."""
        for i, _, end in self._shots():
            self._spark(end, HEALING if self.types[i].heal else SPARK)

    def finished(self, step: int) -> NDArray[np.uint8]:
        """The picture, with what is written above and below the ground."""
        n, subtitle = self.map.n_agents, f"step {step}/{self.map.episode_limit}"
        sides = self._strength(slice(n)), self._strength(slice(n, None))
        return self.board.finished(self.map.name, subtitle, *sides)

    def _strength(self, side: slice) -> Strength:
        full = sum(unit.health + unit.shield for unit in self.types[side])
        health, shield = (points[self.e, side] for points in (self.units.health, self.units.shield))
        alive = health > 0.0
        left = float(health[alive].sum()) / full, float(shield[alive].sum()) / full
        return Strength(int(alive.sum()), len(alive), *left)

    def _shots(self) -> Iterator[tuple[int, Pixel, Pixel]]:
        """Units that attack or heal, each with the ends of its line: its centre and the target's edge.

        Lines are moved to their left a little, so that those of two who attack each other are both seen.
        """
        busy, targets = self.units.busy[self.e], self.units.target[self.e]
        for i in self.alive:
            if busy[i] and targets[i] >= 0:
                (x, y), (goal_x, goal_y) = self._centre(i), self._centre(int(targets[i]))
                length = max(hypot(goal_x - x, goal_y - y), 1e-6)
                ahead_x, ahead_y = (goal_x - x) / length, (goal_y - y) / length
                left_x, left_y = 1.5 * SHARPNESS * ahead_y, -1.5 * SHARPNESS * ahead_x
                way = max(length - self._radius(int(targets[i])), 0.0)
                start = x + left_x, y + left_y
                yield i, start, (start[0] + way * ahead_x, start[1] + way * ahead_y)

    def _spark(self, place: Pixel, colour: str) -> None:
        (x, y), size = place, min(max(0.16 * self.scale, 3 * SHARPNESS), 5 * SHARPNESS)
        corners = [(size if k % 2 == 0 else 0.4 * size, k * pi / 4) for k in range(8)]
        self.board.draw.polygon([(x + r * cos(angle), y + r * sin(angle)) for r, angle in corners], colour)

    def _colours(self, i: int) -> Colours:
        return AGENTS if i < self.map.n_agents else ENEMIES

    def _radius(self, i: int) -> float:
        """The radius in which no other unit of its plane is, in pixels."""
        return self.types[i].separation_radius * self.scale

    def _centre(self, i: int) -> Pixel:
        return self._place(float(self.units.x[self.e, i]), float(self.units.y[self.e, i]))

    def _place(self, x: float, y: float) -> Pixel:
        """The pixel (column, row) of a place on the map, with north on top."""
        row = (self.frame.north - y) * self.scale + GROUND_TOP * SHARPNESS
        return (x - self.frame.west) * self.scale, row


def _extent(terrain: Terrain) -> Frame:
    """The part of a terrain that can be entered, and a cell around it."""
    cells = np.argwhere(terrain.open)
    (west, south), (east, north) = (cells.min(0) - 1).tolist(), (cells.max(0) + 2).tolist()
    return Frame((west + east) / 2, (south + north) / 2, east - west, north - south)


def _around(x: float, y: float, radius: float) -> tuple[float, float, float, float]:
    return x - radius, y - radius, x + radius, y + radius
