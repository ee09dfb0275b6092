"""The scripted agents of SMAC: each attacks the enemy that is nearest, until that is dead."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import islice

from remix.envs.skirmish.kernels.views import ATTACK, EAST, NO_OP, NORTH, SOUTH, WEST
from remix.envs.skirmish.unit_views import UnitView


class ScriptedAgents:
    """Scripted agents. Each attacks the nearest enemy until it is dead.

    A healer heals the nearest hurt agent instead. Marauders do not attack flyers that can only heal.

    :param only_available: whether the agents keep to available actions. They then move towards a target that
        they cannot attack or heal yet; otherwise they choose to attack it from any distance.
    """

    def __init__(self, only_available: bool) -> None:
        self._only_available = only_available
        self._targets: dict[int, int] = {}

    def reset(self) -> None:
        """Forget the targets of all agents."""
        self._targets.clear()

    def actions(
        self, agents: Mapping[int, UnitView], enemies: Mapping[int, UnitView], avail: Sequence[Sequence[int]]
    ) -> list[int]:
        """The actions of all agents, N numbers. Those that are dead or have no target do nothing."""
        return [self._action(i, agents, enemies, avail[i]) for i in range(len(agents))]

    def _action(
        self,
        i: int,
        agents: Mapping[int, UnitView],
        enemies: Mapping[int, UnitView],
        avail: Sequence[int],
    ) -> int:
        unit = agents[i]
        if unit.health <= 0:
            return NO_OP
        heals = unit.type.heal is not None
        others = dict(islice((agents if heals else enemies).items(), len(avail) - ATTACK))
        kept = self._targets.get(i)
        if kept is None or not _is_target(unit, others[kept]):
            near = [(_distance(unit, other), k) for k, other in others.items() if _is_target(unit, other)]
            if not near:
                self._targets.pop(i, None)
                return NO_OP
            kept = self._targets[i] = min(near)[1]
        if self._only_available and not avail[ATTACK + kept]:
            return _towards(unit, others[kept])
        return ATTACK + kept


def _is_target(unit: UnitView, other: UnitView) -> bool:
    if other.health <= 0:
        return False
    if unit.type.heal is not None:
        return other.type.heal is None and other.health < other.health_max
    return not (unit.type.name == "marauder" and other.type.heal is not None)


def _distance(one: UnitView, other: UnitView) -> float:
    return math.hypot(other.pos.x - one.pos.x, other.pos.y - one.pos.y)


def _towards(unit: UnitView, other: UnitView) -> int:
    """The move along the axis in which the other unit is further away; north or south if both are equal."""
    dx, dy = other.pos.x - unit.pos.x, other.pos.y - unit.pos.y
    if abs(dx) > abs(dy):
        return EAST if dx > 0 else WEST
    return NORTH if dy > 0 else SOUTH
