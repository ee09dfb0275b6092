"""Single units with the attributes that code written for SMAC reads."""

from __future__ import annotations

from typing import NamedTuple

from remix.envs.skirmish.drawn import DrawnSkirmish
from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.units import UnitType

FIRST_AGENT_TYPE = 2000
"""Number of the first type of agents. In the game agents are of types that the map defines, which the game
numbers; here the number is made up."""

GAME_TYPES = {
    "colossus": 4,
    "baneling": 9,
    "marine": 48,
    "marauder": 51,
    "medivac": 54,
    "zealot": 73,
    "stalker": 74,
    "spine_crawler": 98,
    "zergling": 105,
    "hydralisk": 107,
}
"""StarCraft's numbers of the types of enemies."""

_UNKNOWN = 0  # the number of all types that the game does not have


class Position(NamedTuple):
    """A place in map units from the south-western corner; ``z`` is 0."""

    x: float
    y: float
    z: float = 0.0


class UnitView:
    """A unit of a battle in its present state.

    :param env: the environment; the unit is in its battle 0.
    :param number: number of the unit, agents first.
    :param kind: its type.
    :param agent_type: number of the type among those of agents; None for an enemy.
    """

    def __init__(
        self, env: Skirmish | DrawnSkirmish, number: int, kind: UnitType, agent_type: int | None
    ) -> None:
        self._env, self._number, self.type = env, number, kind
        self.tag, self.owner = number + 1, 2 if agent_type is None else 1
        enemy_type = GAME_TYPES.get(kind.name, _UNKNOWN)
        self.unit_type = enemy_type if agent_type is None else FIRST_AGENT_TYPE + agent_type
        self.health_max, self.shield_max = kind.health, kind.shield
        self.energy_max = kind.energy_max

    @property
    def pos(self) -> Position:
        """Its place; for a dead unit the place where it died."""
        units = self._env.units
        return Position(float(units.x[0, self._number]), float(units.y[0, self._number]))

    @property
    def health(self) -> float:
        """Its health in points, 0 for a dead unit."""
        return float(self._env.units.health[0, self._number])

    @property
    def shield(self) -> float:
        """Its shield in points."""
        return float(self._env.units.shield[0, self._number])

    @property
    def energy(self) -> float:
        """Its energy in points. Only healers have energy."""
        return float(self._env.units.energy[0, self._number])

    @property
    def weapon_cooldown(self) -> float:
        """The game loops until it can shoot again."""
        return float(self._env.units.cooldown[0, self._number])

    def __repr__(self) -> str:
        place = self.pos
        return f"{self.type.name} {self.tag} at ({place.x:.2f}, {place.y:.2f}), health {self.health:g}"
