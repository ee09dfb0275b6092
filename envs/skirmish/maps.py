"""Maps. A map says who fights whom, where, and what the enemies are ordered to do.

A map is a YAML file with the fields of :class:`BattleMap`. What can be computed from them is not stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish import sources
from remix.envs.skirmish.arranging import Place, around
from remix.envs.skirmish.fields import Fields, names_in
from remix.envs.skirmish.terrain import SIZE, Terrain, load_terrain
from remix.envs.skirmish.units import UnitType, load_units

MOST_UNITS = 256  # units of one team
LONGEST = 10_000  # steps of one battle
OWN = "own"  # the kind of armies of a map that does not say it
ORDERS = ("attack_move", "attack_move_segment", "hold", "attack_units", "hunt")


@dataclass(frozen=True)
class Order:
    """What all enemies are ordered to do at the start of a battle.

    :param kind: one of five orders. ``attack_move``: go to a point and fight on the way.
        ``attack_move_segment``: the same, to a point that each battle draws evenly from a segment.
        ``hold``: stay. ``attack_units``: chase the agents wherever they are. ``hunt``, as in SMACv2: every
        half second each enemy that has nothing to do goes for the agent nearest to it, and for no other
        until that one is dead.
    :param point: (x, y) in map units, the point or one end of the segment.
    :param second_point: (x, y) in map units, the other end of the segment.
    """

    kind: str
    point: tuple[float, float] | None = None
    second_point: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class BattleMap:
    """A map. Agents are numbered in the order of ``allies``, enemies in the order of ``enemies``.

    :param episode_limit: steps after which a battle ends.
    :param map_type: SMAC's name for the kind of armies, e.g. ``stalkers_and_zealots``.
    :param allies: unit type of each agent.
    :param enemies: unit type of each enemy.
    :param ally_onehot: place of each type in the one-hot type of agents; empty if each team has one type.
    :param enemy_onehot: the same for the enemies. SMAC numbers some types in another order there.
    :param ally_race: race of the agents, T, P or Z. It is P if any of them is Protoss, because views show
        shields then.
    :param ally_positions: where the agents start, float64 ``[N, 2]`` in map units from the south-west.
    :param enemy_positions: the same for the enemies, ``[U - N, 2]``.
    """

    name: str
    episode_limit: int
    map_type: str
    allies: tuple[str, ...]
    enemies: tuple[str, ...]
    ally_onehot: dict[str, int]
    enemy_onehot: dict[str, int]
    ally_race: str
    enemy_race: str
    ally_positions: NDArray[np.float64]
    enemy_positions: NDArray[np.float64]
    terrain: Terrain
    order: Order

    @property
    def n_agents(self) -> int:
        """N, the number of agents."""
        return len(self.allies)

    @property
    def n_enemies(self) -> int:
        """The number of enemies at the start."""
        return len(self.enemies)

    @property
    def unit_type_bits(self) -> int:
        """The length of a one-hot unit type, 0 if each team has one type of units."""
        return max(len(self.ally_onehot), len(self.enemy_onehot))


@dataclass(frozen=True)
class _Team:
    units: tuple[str, ...]
    positions: NDArray[np.float64]
    race: str


def map_names() -> list[str]:
    """The names of the maps of the package."""
    return names_in(sources.FIXED)


def load_map(name: str | Path, profile: str = "liberty", content: Any = None) -> BattleMap:
    """Read and check a map.

    :param name: one of :func:`map_names`, or the path of a YAML file of the same form.
    :param profile: unit data (:func:`remix.envs.skirmish.units.load_units`) with all units of the map.
    :param content: the fields of such a file, of a map that is called ``name``.
    :raises SettingError: the map does not exist, or has a mistake.
    """
    types = load_units(profile)
    known_as, folder, fields = sources.find(sources.FIXED, name, content)
    terrain = load_terrain(fields, folder)
    allies = _team(fields, "allies", types, terrain, [])
    there = [(types[unit], place) for unit, place in zip(allies.units, allies.positions, strict=True)]
    enemies = _team(fields, "enemies", types, terrain, there)
    ally_onehot = _onehot(fields, "ally_types", allies.units)
    enemy_onehot = _onehot(fields, "enemy_types", enemies.units)
    if ally_onehot or enemy_onehot:  # if one team shows its types, the other one does, too
        ally_onehot, enemy_onehot = (
            onehot or {team.units[0]: 0} for onehot, team in ((ally_onehot, allies), (enemy_onehot, enemies))
        )
    if not any(types[unit].weapon for unit in allies.units):
        fields.fail("allies", allies.units[0], "at least one agent must have a weapon")
    if all(types[unit].heal for unit in enemies.units):
        fields.fail("enemies", enemies.units[0], "healers alone are no enemies")
    _check_ways(fields, types, terrain, allies, enemies)
    battle_map = BattleMap(
        name=known_as,
        episode_limit=fields.whole("episode_limit", 1, LONGEST),
        map_type=fields.text("map_type", default=OWN),
        allies=allies.units,
        enemies=enemies.units,
        ally_onehot=ally_onehot,
        enemy_onehot=enemy_onehot,
        ally_race=allies.race,
        enemy_race=enemies.race,
        ally_positions=allies.positions,
        enemy_positions=enemies.positions,
        terrain=terrain,
        order=read_order(fields.part("order", {"kind": "hunt"})),
    )
    fields.close()
    return battle_map


def _team(
    fields: Fields,
    side: str,
    types: Mapping[str, UnitType],
    terrain: Terrain,
    others: Sequence[tuple[UnitType, Place]],
) -> _Team:
    """Read a team.

    :param others: units of the other team, next to which those stand that have no places of their own.
    """
    units: list[str] = []
    positions: list[Place] = []
    for group in fields.parts(side):
        unit = group.choice("unit", types)
        count = group.whole("count", 1, MOST_UNITS)
        if len(units) + count > MOST_UNITS:
            fields.fail(side, len(units) + count, f"must be {MOST_UNITS} units at most")
        friends = [(types[name], place) for name, place in zip(units, positions, strict=True)]
        places = _places(group, unit, count, types[unit], terrain, [*others, *friends])
        group.close()
        units += [unit] * count
        positions += places
    races = [types[unit].race for unit in units]
    return _Team(tuple(units), np.array(positions, np.float64), "P" if "P" in races else races[0])


def _places(
    group: Fields,
    name: str,
    count: int,
    unit: UnitType,
    terrain: Terrain,
    others: Sequence[tuple[UnitType, Place]],
) -> list[Place]:
    """The places of a group: its ``positions``, or those ``around`` a point."""
    if "around" in group:
        if "positions" in group:
            group.fail("positions", "...", "must be left out, as the group stands around a point")
        point = _point(group, "around")
        places = around(point, count, unit, terrain, others)
        if len(places) < count:
            group.fail("count", count, f"{terrain.name} has room for {len(places)} of {name} at most")
        return places
    places = group.rows("positions", 2, 0, np.nextafter(SIZE, 0))
    if len(places) != count:
        group.fail("count", count, f"must be the number of positions, {len(places)}")
    for place in places:
        if not _can_stand(unit, terrain, place):
            group.fail("positions", list(place), f"lies in a cell closed to a {name}")
    return places


def _check_ways(
    fields: Fields, types: Mapping[str, UnitType], terrain: Terrain, allies: _Team, enemies: _Team
) -> None:
    """Check that some unit of one team can walk to some unit of the other."""
    areas = [set(_areas(types, terrain, team)) for team in (allies, enemies)]
    if areas[0].isdisjoint(areas[1]) and _ANYWHERE not in areas[0] | areas[1]:
        fields.fail("enemies", enemies.units[0], "no way leads from one team to the other")


_ANYWHERE = -1


def _areas(types: Mapping[str, UnitType], terrain: Terrain, team: _Team) -> Iterator[int]:
    """The area in which each unit of a team can walk, as a number. Units with the same number can meet."""
    for unit, (x, y) in zip(team.units, team.positions.astype(int).tolist(), strict=True):
        on_ground = types[unit].plane == "ground"
        # An area has the number of its lowest cell: the lowest to which there is a way from this one.
        yield int((terrain.next_cell[x * SIZE + y] >= 0).argmax()) if on_ground else _ANYWHERE


def _can_stand(unit: UnitType, terrain: Terrain, place: tuple[float, ...]) -> bool:
    allowed = {"ground": terrain.open, "air": terrain.flyable, "colossus": terrain.crossable}
    return bool(allowed[unit.plane][int(place[0]), int(place[1])])


def _onehot(fields: Fields, name: str, units: tuple[str, ...]) -> dict[str, int]:
    """The places of a team's types in a one-hot vector. Only a team of one type may leave them out."""
    present = sorted(set(units))
    listed = fields.choices(name, present, default=())
    missing = [unit for unit in present if unit not in listed]
    if missing and (listed or len(present) > 1):
        fields.fail(name, list(listed), f"must have every type of the team, also {missing[0]}")
    return {unit: place for place, unit in enumerate(listed)}


def read_order(fields: Fields) -> Order:
    """The order that a mapping in a file describes."""
    kind = fields.choice("kind", ORDERS)
    point = _point(fields, "point") if kind.startswith("attack_move") else None
    second_point = _point(fields, "second_point") if kind == "attack_move_segment" else None
    fields.close()
    return Order(kind, point, second_point)


def _point(fields: Fields, name: str) -> tuple[float, float]:
    x, y = fields.numbers(name, sizes=(2,), minimum=0, maximum=np.nextafter(SIZE, 0))
    return x, y
