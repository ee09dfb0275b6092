"""Single units with the attributes that code written for SMAC reads."""

from __future__ import annotations

from typing import NamedTuple

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
    """

    def __init__(self, env: Skirmish, number: int) -> None:
        self._env, self._number = env, number
        n_agents = env.map.n_agents
        names = (*env.map.allies, *env.map.enemies)
        self.type: UnitType = env.types[names[number]]
        self.tag, self.owner = number + 1, 1 if number < n_agents else 2
        if self.owner == 1:
            places = {name: bit for bit, name in enumerate(dict.fromkeys(env.map.allies))}
            self.unit_type = FIRST_AGENT_TYPE + (env.map.ally_onehot or places)[self.type.name]
        else:
            self.unit_type = GAME_TYPES.get(self.type.name, _UNKNOWN)
        self.health_max, self.shield_max = self.type.health, self.type.shield
        self.energy_max = self.type.energy_max

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
