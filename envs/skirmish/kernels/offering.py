"""Compiled masks: the actions that agents may take, as in SMAC."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.compiler import lean
from remix.envs.skirmish.kernels.views import (
    ATTACK,
    EAST,
    NO_OP,
    NORTH,
    SHOOT_RANGE,
    SOUTH,
    STOP,
    WEST,
    Encoding,
)


@lean
def offer(
    encoding: Encoding,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    health: NDArray[np.float64],
    i: int,
    avail: NDArray[np.bool_],
) -> None:
    """Write to ``avail [A]`` which actions agent ``i`` may take. A dead agent may only do nothing."""
    avail[:] = False
    if health[i] <= 0.0:
        avail[NO_OP] = True
        return
    avail[STOP] = True
    offer_moves(encoding.open, encoding.move_amount / 2, x[i], y[i], avail)
    first = 0 if encoding.heals[i] else encoding.n_agents
    _offer_targets(encoding.aims[i], x, y, health, i, first, avail[ATTACK:])


@lean
def offer_moves(free: NDArray[np.bool_], ahead: float, x: float, y: float, avail: NDArray[np.bool_]) -> None:
    """Write which moves are available: the point ``ahead`` lies in an open cell of ``free [X, Y]``."""
    avail[NORTH] = _is_free(free, x, y + ahead)
    avail[SOUTH] = _is_free(free, x, y - ahead)
    avail[EAST] = _is_free(free, x + ahead, y)
    avail[WEST] = _is_free(free, x - ahead, y)


@lean
def _is_free(free: NDArray[np.bool_], x: float, y: float) -> bool:
    """Whether the cell of a point is free. As in SMAC coordinates are rounded towards zero."""
    i, j = int(x), int(y)
    return 0 <= i < free.shape[0] and 0 <= j < free.shape[1] and bool(free[i, j])


@lean
def _offer_targets(
    aims: NDArray[np.bool_],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    health: NDArray[np.float64],
    i: int,
    first: int,
    targets: NDArray[np.bool_],
) -> None:
    """Write which units from number ``first`` on agent ``i`` may aim at: the living in its range."""
    for k in range(targets.size):
        dx, dy = x[first + k] - x[i], y[first + k] - y[i]
        targets[k] = aims[k] & (health[first + k] > 0.0) & (dx * dx + dy * dy <= SHOOT_RANGE**2)
