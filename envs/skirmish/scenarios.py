"""Scenarios: battles whose teams and places are drawn anew for each episode, as in SMACv2.

A scenario is a YAML file with the fields of :class:`Scenario`, of which ``capability_config`` is written as
in the configurations of SMACv2 (Ellis et al., 2023).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from remix.envs.skirmish import sources
from remix.envs.skirmish.fields import Fields, names_in
from remix.envs.skirmish.maps import LONGEST, MOST_UNITS, OWN, Order, read_order
from remix.envs.skirmish.terrain import SIZE, Terrain, load_terrain
from remix.envs.skirmish.units import UnitType, load_units

TEAM_KINDS = ("weighted_teams", "all_teams")
START_KINDS = ("together", "reflect_position", "surrounded", "surrounded_and_reflect")
TRAIT_KINDS = ("per_agent_uniform", "fixed")
_LEAST_USUAL = 1e-6  # weight of the types of which teams may consist: others are drawn again
_LEAST_SIZE = 4  # of the ground for places, of which the middle takes up that much


@dataclass(frozen=True)
class Teams:
    """How the types of units are drawn. The enemies are those of the agents, and more if there are more.

    :param kind: ``weighted_teams``, every unit by itself; or ``all_teams``, every multiset alike.
    :param unit_types: types to choose from.
    :param weights: probability of each, with ``weighted_teams``.
    :param exceptions: types that do not make up a whole team: it is drawn again.
    :param observe: whether agents see the types of other agents.
    """

    kind: str
    unit_types: tuple[str, ...]
    weights: tuple[float, ...]
    exceptions: frozenset[str]
    observe: bool


@dataclass(frozen=True)
class Starts:
    """How places are drawn on a ground of ``width`` by ``height`` map units.

    :param kind: ``reflect_position``, agents anywhere in the western half and enemies as their mirror
        images; ``surrounded``, agents in the middle and up to four groups of enemies on the diagonals;
        ``surrounded_and_reflect``, one of them; or ``together``, each team at one point.
    :param p: probability of ``reflect_position`` in ``surrounded_and_reflect``.
    """

    kind: str
    p: float
    width: float
    height: float


@dataclass(frozen=True)
class Trait:
    """How a number is drawn for every agent: evenly from ``low`` to ``high``, or as one of the ``items``.

    An item has a number for every agent and is shuffled. ``observe``: whether other agents see the numbers.
    """

    low: float
    high: float
    items: tuple[tuple[float, ...], ...]
    observe: bool


@dataclass(frozen=True, eq=False)
class Scenario:
    """Who may fight whom, where, and what is drawn for an episode.

    :param episode_limit: steps after which a battle is cut.
    :param map_type: SMACv2's name for the kind of armies, e.g. ``protoss_gen``.
    :param types: types of units in the order of their entries in one-hot types.
    :param race: of the units; P if any of them is Protoss, as shields are shown then.
    :param order: what the enemies are ordered to do.
    :param mask: probability with which an agent sees strength and type of an enemy; None: always.
    :param attack: probability with which attacks and heals of an agent take place; None: 1.
    :param health: share of its health at which an agent dies; None: 0.
    """

    name: str
    episode_limit: int
    map_type: str
    types: tuple[str, ...]
    race: str
    terrain: Terrain
    order: Order
    n_agents: int
    n_enemies: int
    teams: Teams
    starts: Starts
    mask: float | None = None
    attack: Trait | None = None
    health: Trait | None = None


def scenario_names() -> list[str]:
    """Scenarios that come with the package: the published ones of SMACv2."""
    return names_in(sources.DRAWN)


def load_scenario(name: str | Path, profile: str = "liberty", content: Any = None) -> Scenario:
    """Read and check a scenario.

    :param name: one of :func:`scenario_names`, or the path of a YAML file like theirs.
    :param profile: unit data, which must have the units of the scenario.
    :param content: the fields of such a file, of a scenario that is called ``name``.
    :raises SettingError: for a scenario that does not exist or holds a mistake.
    """
    known_as, folder, fields = sources.find(sources.DRAWN, name, content)
    return read_scenario(fields, known_as, folder, load_units(profile))


def read_scenario(fields: Fields, name: str, folder: Path, units: Mapping[str, UnitType]) -> Scenario:
    """:func:`load_scenario` from fields.

    :param folder: where a terrain of the user's own is.
    """
    types = fields.choices("types", units)
    if not types:
        fields.fail("types", [], "must have at least one type of units")
    races = [units[unit].race for unit in types]
    config = fields.part("capability_config")
    n_agents, n_enemies = (config.whole(team, 1, MOST_UNITS) for team in ("n_units", "n_enemies"))
    scenario = Scenario(
        name=name,
        episode_limit=fields.whole("episode_limit", 1, LONGEST),
        map_type=fields.text("map_type", default=OWN),
        types=types,
        race="P" if "P" in races else races[0],
        terrain=_open_terrain(fields, folder),
        order=read_order(fields.part("order", {"kind": "hunt"})),
        n_agents=n_agents,
        n_enemies=n_enemies,
        teams=_teams(config, types, units, n_agents, n_enemies),
        starts=_starts(config),
        mask=_mask(config),
        attack=_trait(config, "attack", n_agents, 1.0),
        health=_trait(config, "health", n_agents, float(np.nextafter(1, 0))),
    )
    config.close()
    fields.close()
    return scenario


def _open_terrain(fields: Fields, folder: Path) -> Terrain:
    """The terrain, on which whoever is drawn a place anywhere can walk to everybody else."""
    terrain = load_terrain(fields, folder)
    cells = np.flatnonzero(terrain.open)
    cut_off = cells[terrain.next_cell[cells[0], cells] < 0]
    if cut_off.size:
        x, y = divmod(int(cut_off[0]), SIZE)
        expected = f"no way leads to cell ({x}, {y}): with drawn places all open ground must hang together"
        fields.fail("terrain", terrain.name, expected)
    return terrain


def _teams(
    config: Fields, types: tuple[str, ...], units: Mapping[str, UnitType], n_agents: int, n_enemies: int
) -> Teams:
    fields = config.part("team_gen")
    kind = fields.choice("dist_type", TEAM_KINDS)
    unit_types = fields.choices("unit_types", types)
    weights = (1.0,) * len(unit_types)
    if kind == "weighted_teams":
        weights = fields.numbers("weights", sizes=(len(unit_types),), minimum=0, maximum=1)
        _check_sum(fields, weights)
    elif n_agents != n_enemies:
        config.fail("n_enemies", n_enemies, f"must be n_units, {n_agents}, with {kind}")
    exceptions = fields.choices("exception_unit_types", unit_types, default=())
    possible = [unit for unit, weight in zip(unit_types, weights, strict=True) if weight]
    usual = [unit for unit in possible if unit not in exceptions]
    if sum(weight for unit, weight in zip(unit_types, weights, strict=True) if unit in usual) < _LEAST_USUAL:
        expected = f"must leave a type that teams may consist of, with a weight of at least {_LEAST_USUAL:g}"
        fields.fail("exception_unit_types", list(exceptions), expected)
    if not any(units[unit].weapon for unit in usual):
        fields.fail("unit_types", list(unit_types), "at least one type must have a weapon")
    teams = Teams(kind, unit_types, weights, frozenset(exceptions), fields.flag("observe", True))
    fields.close()
    return teams


def _check_sum(fields: Fields, weights: tuple[float, ...]) -> None:
    total = sum(weights)
    if not abs(total - 1) <= 1e-6:
        near = [round(weight / total, 3) for weight in weights] if total else [1.0, *weights[1:]]
        fields.fail("weights", list(weights), f"must sum to 1, not {total:g}, e.g. {near}")


def _starts(config: Fields) -> Starts:
    fields = config.part("start_positions", {"dist_type": "together"})
    kind = fields.choice("dist_type", START_KINDS)
    either, together = kind == "surrounded_and_reflect", kind == "together"
    p = fields.number("p", 0, 1) if either else float(kind == "reflect_position")
    width, height = float(SIZE), float(SIZE)
    if not together:
        width, height = (fields.number(side, _LEAST_SIZE, SIZE, SIZE) for side in ("map_x", "map_y"))
    fields.close()
    return Starts(kind, p, width, height)


def _mask(config: Fields) -> float | None:
    if "enemy_mask" not in config:
        return None
    fields = config.part("enemy_mask")
    fields.choice("dist_type", ("mask",))
    probability = fields.number("mask_probability", 0, 1)
    fields.close()
    return probability


def _trait(config: Fields, name: str, n_agents: int, most: float) -> Trait | None:
    if name not in config:
        return None
    fields = config.part(name)
    low = high = 0.0
    items: tuple[tuple[float, ...], ...] = ()
    if fields.choice("dist_type", TRAIT_KINDS) == "fixed":
        if fields.flag("test_mode", False):
            fields.fail("test_mode", True, "must be false: an episode depends on its seed only")
        items = tuple(fields.rows("items", n_agents, 0, most))
        if not items:
            fields.fail("items", [], "must be a list of at least one list")
    else:
        bounds = (fields.numbers(name, None, (1,), 0, 1) for name in ("lower_bound", "upper_bound"))
        (low,), (high,) = bounds
        if low > high:
            fields.fail("lower_bound", [low], f"must not exceed upper_bound, {high:g}")
        if low > most:
            fields.fail("lower_bound", [low], "must be less than 1")
    trait = Trait(low, high, items, fields.flag("observe", True))
    fields.close()
    return trait
