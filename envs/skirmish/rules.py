"""The constants of the battles of one map, as arrays for the compiled rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.common import (
    AS_SMAC,
    AS_SMACLITE,
    ATTACK_GROUP,
    ATTACK_MOVE,
    HOLD,
    HUNT,
)
from remix.envs.skirmish.kernels.paths import Ground
from remix.envs.skirmish.maps import BattleMap
from remix.envs.skirmish.terrain import Terrain
from remix.envs.skirmish.units import DELIVERIES, PLANES, UnitType, Weapon

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_ORDERS = {
    "attack_move": ATTACK_MOVE,
    "attack_move_segment": ATTACK_MOVE,
    "hold": HOLD,
    "attack_units": ATTACK_GROUP,
    "hunt": HUNT,
}


class Rules(NamedTuple):
    """What never changes in the battles of a map. Arrays are ``[U]``, by unit, unless said otherwise.

    Distances are in map units, times in game loops, rates per loop.

    - Units: ``team`` is 0 for agents and 1 for enemies. ``plane`` is an index of ``units.PLANES``.
    - Weapons: ``delivery`` is an index of ``units.DELIVERIES``. ``reach`` and ``scan`` are ranges of the
      weapon or the heal, from edge to edge. The first ``n_hits`` of ``hit_times [U, 2]`` count.
    - Pairs ``[U, U]``: ``damage[i, j]`` is that of one hit of unit i on unit j, before shields and armour.
      ``can_hit[i, j]`` is for enemies, ``can_heal[i, j]`` for friends.
    - Enemies: ``enemy_order`` is their order. Its goal lies on the segment ``goal_x [2]``, ``goal_y [2]``.
    - Rules: ``targeting`` is AS_SMAC or AS_SMACLITE. A hit takes at least ``least_damage`` from the health,
      however thick the armour is.
    - Map ``[plane, X, Y]``: ``passable`` marks cells that units may enter, ``interior`` those of them whose
      eight neighbours are passable, too. ``ground`` is how ground units find their way.
    """

    n_agents: int
    team: Integers
    start_x: Floats
    start_y: Floats
    max_health: Floats
    max_shield: Floats
    armor: Floats
    radius: Floats
    separation: Floats
    plane: Integers
    speed: Floats
    acceleration: Floats
    health_regeneration: Floats
    shield_regeneration: Floats
    shield_delay: Floats
    energy_start: Floats
    energy_max: Floats
    energy_regeneration: Floats
    healer: Flags
    heal_rate: Floats
    heal_cost: Floats
    heal_minimum: Floats
    can_heal: Flags
    armed: Flags
    reach: Floats
    scan: Floats
    slop: Floats
    period: Floats
    damage_point: Floats
    delay_low: Floats
    delay_high: Floats
    delivery: Integers
    missile_speed: Floats
    n_hits: Integers
    hit_times: Floats
    line_length: Floats
    line_width: Floats
    splash: Floats
    explodes: Flags
    damage: Floats
    can_hit: Flags
    enemy_order: int
    goal_x: Floats
    goal_y: Floats
    targeting: int
    least_damage: float
    move_amount: float
    loops_per_step: int
    passable: Flags
    interior: Flags
    ground: Ground


def make_rules(
    battle_map: BattleMap,
    units: Mapping[str, UnitType],
    as_smaclite: bool = False,
    move_amount: float = 2.0,
    loops_per_step: int = 8,
) -> Rules:
    """The rules of the battles of a map.

    :param units: the unit types by name.
    :param as_smaclite: whether units choose targets, move and count damage as in SMAClite
        (Michalski et al., 2023) instead of SMAC (Samvelyan et al., 2019).
    :param move_amount: map units that a move action tries to go.
    :param loops_per_step: game loops of one step of the environment.
    """
    types = [units[name] for name in (*battle_map.allies, *battle_map.enemies)]
    team = np.repeat([0, 1], [battle_map.n_agents, battle_map.n_enemies]).astype(np.int64)
    starts = np.concatenate([battle_map.ally_positions, battle_map.enemy_positions])
    order = battle_map.order
    point = order.point or (0.0, 0.0)
    end = order.second_point or point
    passable = _passable(battle_map.terrain)
    return Rules(
        n_agents=battle_map.n_agents,
        team=team,
        start_x=np.ascontiguousarray(starts[:, 0], np.float64),
        start_y=np.ascontiguousarray(starts[:, 1], np.float64),
        **_bodies(types),
        **_heals(types, team),
        **_weapons(types, whole_loops=as_smaclite),
        **_pairs(types, team),
        enemy_order=_ORDERS[order.kind],
        goal_x=np.array([point[0], end[0]], np.float64),
        goal_y=np.array([point[1], end[1]], np.float64),
        targeting=AS_SMACLITE if as_smaclite else AS_SMAC,
        least_damage=0.0 if as_smaclite else 0.5,
        move_amount=float(move_amount),
        loops_per_step=int(loops_per_step),
        passable=passable,
        interior=np.stack([_interior(cells) for cells in passable]),
        ground=battle_map.terrain.ground,
    )


def _column(types: list[UnitType], value: Callable[[UnitType], float]) -> Floats:
    return np.array([value(unit) for unit in types], np.float64)


def _bodies(types: list[UnitType]) -> dict[str, Any]:
    names = {
        "max_health": "health",
        "max_shield": "shield",
        "armor": "armor",
        "radius": "radius",
        "separation": "separation_radius",
        "speed": "speed",
        "acceleration": "acceleration",
        "health_regeneration": "health_regeneration",
        "shield_regeneration": "shield_regeneration",
        "shield_delay": "shield_delay",
        "energy_start": "energy_start",
        "energy_max": "energy_max",
        "energy_regeneration": "energy_regeneration",
    }
    columns: dict[str, Any] = {
        column: np.array([getattr(unit, name) for unit in types], np.float64)
        for column, name in names.items()
    }
    columns["plane"] = np.array([PLANES.index(unit.plane) for unit in types], np.int64)
    return columns


def healing_pairs(types: Sequence[UnitType], team: Integers) -> Flags:
    """Who can heal whom, bool ``[U, U]``. Healers heal biological friends, no buildings and not themselves.

    :param types: the U types of all units.
    :param team: the team of each unit, ``[U]``.
    """
    healer = np.array([unit.heal is not None for unit in types])
    curable = np.array(
        ["biological" in unit.attributes and "structure" not in unit.attributes for unit in types]
    )
    friends = (team[:, None] == team) & ~np.eye(len(types), dtype=bool)
    return healer[:, None] & curable & friends


def _heals(types: list[UnitType], team: Integers) -> dict[str, Any]:
    def column(name: str) -> Floats:
        return _column(types, lambda unit: getattr(unit.heal, name) if unit.heal else 0.0)

    return {
        "healer": np.array([unit.heal is not None for unit in types]),
        "heal_rate": column("per_loop"),
        "heal_cost": column("energy_per_loop"),
        "heal_minimum": column("min_energy"),
        "can_heal": healing_pairs(types, team),
    }


def _weapons(types: list[UnitType], whole_loops: bool) -> dict[str, Any]:
    """The fields of :class:`Rules` that describe weapons, by name, each ``[U]`` or ``[U, 2]``.

    :param whole_loops: whether periods are rounded up to whole loops, as in SMAClite. Otherwise a unit that
        shot a part of a loop late makes its next shot earlier by that part.
    """

    def column(value: Callable[[Weapon], float]) -> Floats:
        return _column(types, lambda unit: value(unit.weapon) if unit.weapon else 0.0)

    hits = [unit.weapon.hit_times if unit.weapon else () for unit in types]
    period = column(lambda weapon: weapon.period)
    reach, scan = column(lambda weapon: weapon.range), column(lambda weapon: weapon.scan_range)
    for i, unit in enumerate(types):
        if unit.heal is not None:
            reach[i], scan[i] = unit.heal.range, unit.heal.autocast_range
    return {
        "armed": np.array([unit.weapon is not None for unit in types]),
        "reach": reach,
        "scan": scan,
        "slop": column(lambda weapon: weapon.slop),
        "period": np.ceil(period) if whole_loops else period,
        "damage_point": column(lambda weapon: weapon.damage_point),
        "delay_low": column(lambda weapon: weapon.random_delay[0]),
        "delay_high": column(lambda weapon: weapon.random_delay[1]),
        "delivery": column(lambda weapon: DELIVERIES.index(weapon.delivery)).astype(np.int64),
        "missile_speed": column(lambda weapon: weapon.missile_speed),
        "n_hits": np.array([len(times) for times in hits], np.int64),
        "hit_times": np.array([(*times, 0.0, 0.0)[:2] for times in hits], np.float64),
        "line_length": column(lambda weapon: weapon.line_length),
        "line_width": column(lambda weapon: weapon.line_width),
        "splash": column(lambda weapon: weapon.splash_radius),
        "explodes": column(lambda weapon: weapon.explodes_when_killed).astype(np.bool_),
    }


def _pairs(types: list[UnitType], team: Integers) -> dict[str, Any]:
    """``damage [U, U]`` and ``can_hit [U, U]`` of :class:`Rules`, by attacker and victim."""
    damage = np.zeros((len(types), len(types)))
    can_hit = np.zeros((len(types), len(types)), np.bool_)
    for i, attacker in enumerate(types):
        weapon = attacker.weapon
        for j, victim in enumerate(types):
            if weapon is not None and team[i] != team[j]:
                extra = [weapon.bonus.get(attribute, 0.0) for attribute in victim.attributes]
                damage[i, j] = weapon.damage + sum(extra)
                can_hit[i, j] = victim.plane in weapon.targets
    return {"damage": damage, "can_hit": can_hit}


def _passable(terrain: Terrain) -> Flags:
    """The cells that units of each plane may enter, bool ``[plane, X, Y]``."""
    return np.stack([terrain.open, terrain.flyable, terrain.crossable])


def _interior(cells: Flags) -> Flags:
    """The cells ``[plane, X, Y]`` whose eight neighbours are all passable, too."""
    padded = np.pad(cells, 1)
    width, height = cells.shape
    windows = [padded[i : i + width, j : j + height] for i in range(3) for j in range(3)]
    return np.logical_and.reduce(windows)
