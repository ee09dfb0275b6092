"""The terrain of a map: where units can go, and how high the ground is.

A terrain is a text file of 32 rows of 32 cells, the northern row first. A cell is ``.`` low ground, ``^``
high ground, ``/`` a ramp between them, ``%`` a cliff between them, which only colossi cross, or ``#`` closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.fields import DATA, Fields
from remix.envs.skirmish.kernels.paths import Ground, shortest_paths
from remix.envs.skirmish.plain_yaml import read_text
from remix.settings.errors import one_of

SIZE = 32  # every map has this many cells in both directions
# Closed cells within this distance of an edge are as high as the ground inside, and nobody flies there.
BORDER = 2
CLOSED, LOW, HIGH, RAMP, CLIFF = "#.^/%"

# Heights in the game's map of heights, one byte each. SMAC shows them divided by 255.
_OUTSIDE_HEIGHT, _LOW_HEIGHT, _HIGH_HEIGHT = 135, 191, 207


@dataclass(frozen=True, eq=False)
class Terrain:
    """A grid of X x Y = 32 x 32 cells. Its arrays are indexed ``[x, y]`` from the south-western corner.

    :param name: name of its file.
    :param ground: where ground units can go, and how they find their way.
    :param crossable: where colossi can go, bool ``[X, Y]``.
    :param height: height of each cell between 0 and 1, float64 ``[X, Y]``.
    """

    name: str
    ground: Ground
    crossable: NDArray[np.bool_]
    height: NDArray[np.float64]

    @property
    def open(self) -> NDArray[np.bool_]:
        """The cells that ground units can enter, bool ``[X, Y]``."""
        return self.ground.open

    @property
    def flyable(self) -> NDArray[np.bool_]:
        """The cells that flyers can enter, bool ``[X, Y]``.

        They do not enter the two outermost cells, except where these are open ground.
        """
        xs, ys = np.nonzero(self.open)
        air = np.zeros_like(self.open)
        air[
            min(BORDER, xs.min()) : max(SIZE - BORDER, xs.max() + 1),
            min(BORDER, ys.min()) : max(SIZE - BORDER, ys.max() + 1),
        ] = True
        return air

    @property
    def next_cell(self) -> NDArray[np.int16]:
        """The next cell on the shortest way from each cell to each other, ``[C, C]``, see :class:`Ground`."""
        return self.ground.next_cell


def terrain_names() -> list[str]:
    """The names of the terrains of the package."""
    return sorted(path.stem for path in (DATA / "terrain").glob("*.txt"))


def load_terrain(fields: Fields, folder: Path) -> Terrain:
    """The terrain in the field ``terrain`` of a map: the name of one, or its rows.

    :param fields: the fields of the map.
    :param folder: folder of the map's file. A terrain in a file of the user's own must be in the same folder.
    :raises SettingError: there is no such terrain, or its file has a mistake.
    """
    name = fields.text_or_rows("terrain")
    if isinstance(name, tuple):
        mistake = _mistake(list(name))
        if mistake:
            fields.fail("terrain", f"{len(name)} rows", mistake)
        return build_terrain("own terrain", name)
    path = DATA / "terrain" / f"{name}.txt"
    if name not in terrain_names():
        path = folder / name
        if path.suffix != ".txt" or not path.exists():
            fields.fail("terrain", name, f"{one_of(terrain_names(), name)}, or a .txt file beside the map")
    try:
        rows = read_text(path).split()
    except ValueError as error:
        fields.fail("terrain", name, f"cannot be read ({error})")
    mistake = _mistake(rows)
    if mistake:
        fields.fail("terrain", name, mistake)
    return build_terrain(path.stem, tuple(rows))


def _mistake(rows: list[str]) -> str:
    """What is wrong with the rows of a terrain, as a phrase; "" if nothing is."""
    if len(rows) != SIZE:
        return f"must have {SIZE} rows, not {len(rows)}"
    for number, row in enumerate(rows, start=1):
        if len(row) != SIZE:
            return f"row {number} must have {SIZE} cells, not {len(row)}"
        wrong = set(row) - {CLOSED, LOW, HIGH, RAMP, CLIFF}
        if wrong:
            return f"row {number} has an unknown cell {min(wrong)!r}, must be one of # . ^ / %"
    if not set("".join(rows)) & {LOW, HIGH, RAMP}:
        return "has no open cell"
    return ""


@lru_cache(maxsize=32)
def build_terrain(name: str, rows: tuple[str, ...]) -> Terrain:
    """The terrain of 32 ``rows`` of 32 cells each. As in the files the northern row is the first."""
    cells = np.array([list(row) for row in reversed(rows)]).T
    free = np.ascontiguousarray(np.isin(cells, (LOW, HIGH, RAMP)))
    ground = Ground(free, _margins(free), shortest_paths(free), _is_convex(free))
    crossable = np.ascontiguousarray(free | (cells == CLIFF))
    return Terrain(name, ground, crossable, _heights(cells))


def _margins(free: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The field ``margin [X, Y]`` of :class:`Ground`: distances between the nearest points of two cells."""
    walled = np.pad(free, 1)  # beyond the edges all cells are closed
    closed = np.argwhere(~walled) - 1
    here = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE), indexing="ij"), axis=-1)
    gap = np.maximum(np.abs(here[:, :, None, :] - closed) - 1, 0)
    return np.sqrt((gap**2).sum(-1).min(-1).astype(np.float64))


def _is_convex(free: NDArray[np.bool_]) -> bool:
    """Whether the open cells fill a rectangle."""
    return bool(free[np.ix_(free.any(1), free.any(0))].all()) and all(
        np.ptp(np.flatnonzero(line)) + 1 == np.count_nonzero(line) for line in (free.any(0), free.any(1))
    )


def _heights(cells: NDArray[np.str_]) -> NDArray[np.float64]:
    """The height of each cell, float64 ``[X, Y]``. Ramps rise evenly from low to high ground."""
    heights = np.full(cells.shape, float(_OUTSIDE_HEIGHT))
    heights[(cells == LOW) | (cells == CLIFF)] = _LOW_HEIGHT
    heights[cells == HIGH] = _HIGH_HEIGHT
    for i, j in np.argwhere(cells == RAMP):
        low, high = (_steps_to(cells == kind, i, j) for kind in (LOW, HIGH))
        heights[i, j] = _LOW_HEIGHT + (_HIGH_HEIGHT - _LOW_HEIGHT) * low / (low + high)
    inside = np.clip(np.arange(SIZE), BORDER, SIZE - 1 - BORDER)
    return np.where(cells == CLOSED, heights[np.ix_(inside, inside)], heights) / 255


def _steps_to(kind: NDArray[np.bool_], i: int, j: int) -> float:
    """The number of steps along rows and columns from cell (i, j) to the nearest cell of ``kind [X, Y]``."""
    return float(np.abs(np.argwhere(kind) - (i, j)).sum(-1).min(initial=2 * SIZE))
