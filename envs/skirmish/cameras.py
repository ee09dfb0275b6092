"""The part of a map that a picture shows. It follows the fight and moves without jumps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHAPE = 19 / 28  # height of a frame per width
_LEAST_WIDTH = 11.0  # map units
_MARGIN = 1.0  # map units around the units in sight
_ROOM = 1.12  # of a new frame, so that it does not have to move again at once
_TOO_WIDE = 1.3  # times what is needed, from which on the camera comes nearer
_PACE = 0.35  # share of the remaining way that the camera goes in a step
_NEAR_ENOUGH = 0.2  # map units from where it stops


@dataclass(frozen=True)
class Frame:
    """A rectangle of the map, in map units: its centre and its sides."""

    x: float
    y: float
    width: float
    height: float

    @property
    def west(self) -> float:
        """Its western edge."""
        return self.x - self.width / 2

    @property
    def north(self) -> float:
        """Its northern edge."""
        return self.y + self.height / 2


class Camera:
    """Keeps all living units of one battle in the frame.

    It stands still as long as the units are in its frame and fill a good part of it. Otherwise it moves a
    part of the way with every step. It starts anew with another battle or an earlier step.
    """

    def __init__(self) -> None:
        self._battle = self._step = -1
        self._now = self._goal = np.zeros(3)  # x, y and width of the frame

    def follow(
        self, battle: int, step: int, x: NDArray[np.float64], y: NDArray[np.float64], ground: Frame
    ) -> Frame:
        """The frame after a step, in which the units at ``x``, ``y [U]`` are.

        :param ground: what there is to see at all; the frame only leaves it where it is too small.
        """
        needed = self._around(x, y) if x.size else np.array([ground.x, ground.y, ground.width])
        if step == 0 or step < self._step or battle != self._battle:
            self._now = self._goal = self._with_room(needed, ground)
        elif step > self._step:
            if not self._covers(needed) or self._goal[2] > _TOO_WIDE * max(needed[2], _LEAST_WIDTH):
                self._goal = self._with_room(needed, ground)
            near = np.abs(self._goal - self._now).max() < _NEAR_ENOUGH
            self._now = self._goal if near else self._now + _PACE * (self._goal - self._now)
            self._now = self._widened(needed)
        self._battle, self._step = battle, step
        centre_x, centre_y, width = self._now.tolist()
        return Frame(centre_x, centre_y, width, width * SHAPE)

    def _around(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """The smallest frame around places."""
        width = max(np.ptp(x) + 2 * _MARGIN, (np.ptp(y) + 2 * _MARGIN) / SHAPE)
        return np.array([(x.min() + x.max()) / 2, (y.min() + y.max()) / 2, width])

    def _with_room(self, needed: NDArray[np.float64], ground: Frame) -> NDArray[np.float64]:
        """A frame with room around what is needed, moved on to the ground."""
        width = max(needed[2] * _ROOM, _LEAST_WIDTH)
        slack_x, slack_y = (
            max(0.0, (length - side) / 2)
            for length, side in ((ground.width, width), (ground.height, width * SHAPE))
        )
        x = np.clip(needed[0], ground.x - slack_x, ground.x + slack_x)
        y = np.clip(needed[1], ground.y - slack_y, ground.y + slack_y)
        return np.array([x, y, width])

    def _covers(self, needed: NDArray[np.float64]) -> bool:
        """Whether the frame to which the camera is going has all in it."""
        return bool(self._missing(self._goal, needed) <= 0.0)

    def _widened(self, needed: NDArray[np.float64]) -> NDArray[np.float64]:
        """The present frame, made as wide as it takes to have all in it."""
        x, y, width = self._now
        return np.array([x, y, width + max(0.0, self._missing(self._now, needed))])

    def _missing(self, frame: NDArray[np.float64], needed: NDArray[np.float64]) -> float:
        """By how much a frame would have to be wider to have all in it."""
        away_x, away_y = np.abs(frame[:2] - needed[:2])
        return float(needed[2] - frame[2] + 2 * max(away_x, away_y / SHAPE))
