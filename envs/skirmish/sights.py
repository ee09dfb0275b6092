"""What agents see of a battle, for pictures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.views import SIGHT_RANGE


class Sight(NamedTuple):
    """How far each of N agents sees and where to.

    ``distance [N]`` in map units. ``heading [N]`` in degrees from the east against the clock, and ``width``
    in degrees of the cone around it; 360 for all around.
    """

    distance: NDArray[np.float64]
    heading: NDArray[np.float64]
    width: float = 360.0


def all_around(n_agents: int) -> Sight:
    """What agents see in SMAC, all of them equally far."""
    return Sight(np.full(n_agents, SIGHT_RANGE), np.zeros(n_agents))
