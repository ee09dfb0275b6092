"""Types of units, read from profiles of unit data.

A profile is a YAML file with times in seconds of 16 game loops, and speeds per second. The dataclasses of
this module have times in game loops and speeds per loop. Distances are in map units in both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from remix.envs.skirmish.fields import PLAIN_NAME, Fields, is_plain, names_in, read_fields

LOOPS_PER_SECOND = 16
RACES = ("T", "P", "Z")
ATTRIBUTES = ("armored", "biological", "light", "massive", "mechanical", "structure")
PLANES = ("ground", "air", "colossus")
DELIVERIES = ("instant", "missile", "melee", "line", "suicide")

# The least and the greatest valid number, and the default of a field that may be missing. At the greatest
# speed a unit goes less than one cell in a loop, so that it cannot jump over a wall.
_Limits = dict[str, tuple[float, ...]]
_POINTS, _LENGTH, _SECONDS = (0, 1e5), (0, 64), (0, 1000)
_FASTEST = 1000  # of missiles
_BODY: _Limits = {
    "health": (1, 1e5),
    "shield": (*_POINTS, 0),
    "armor": _POINTS,
    "speed": (0, 10),
    "acceleration": (0, 1000, 0),
    "radius": (0.01, 4),
    "separation_radius": (0.01, 4),
    "sight": (0.01, 64),  # observations divide by it
    "health_regeneration": (*_POINTS, 0),
    "shield_regeneration": (*_POINTS, 0),
    "shield_delay": (*_SECONDS, 0),
    "energy_max": (*_POINTS, 0),
    "energy_regeneration": (*_POINTS, 0),
}
_HEAL: _Limits = {
    "range": _LENGTH,
    "autocast_range": _LENGTH,
    "per_second": (0.01, 1e5),
    "energy_per_health": (0, 1e5),
    "min_energy": _POINTS,
}
_WEAPON: _Limits = {
    "damage": _POINTS,
    "damage_point": _SECONDS,
    "range": _LENGTH,
    "scan_range": _LENGTH,
    "slop": _LENGTH,
}


@dataclass(frozen=True)
class Weapon:
    """How a unit attacks.

    :param damage: points of one hit, before shields and armour.
    :param bonus: extra points against units with an attribute, by the name of the attribute.
    :param hit_times: loops from the shot to each of its one or two hits, without the flight of a missile.
    :param period: loops from one shot to the next.
    :param random_delay: the lowest and the highest number of loops that are added to a period at random.
    :param damage_point: loops for which the unit stands still before it shoots.
    :param range: range of the weapon, from edge to edge.
    :param scan_range: distance, from edge to edge, within which an enemy makes the unit stop and attack.
    :param slop: distance by which the target may leave the range during the damage point.
    :param targets: planes of the units that it can hit.
    :param delivery: how the damage gets to the target. ``instant``, ``missile`` and ``melee`` hit one unit;
        ``line`` is a beam that hits everybody in a rectangle across the shot; ``suicide`` is an explosion of
        the unit itself.
    :param missile_speed: map units per loop, 0 without a missile.
    :param line_length: length of the rectangle of a ``line``, across the shot.
    :param line_width: width of this rectangle, along the shot.
    :param splash_radius: radius of a ``suicide``, from its centre to the edge of a unit that is hit.
    :param explodes_when_killed: whether the unit also explodes when it is killed.
    """

    damage: float
    bonus: dict[str, float]
    hit_times: tuple[float, ...]
    period: float
    random_delay: tuple[float, float]
    damage_point: float
    range: float
    scan_range: float
    slop: float
    targets: frozenset[str]
    delivery: str
    missile_speed: float
    line_length: float
    line_width: float
    splash_radius: float
    explodes_when_killed: bool


@dataclass(frozen=True)
class Heal:
    """How a unit heals others. Ranges are from edge to edge, rates per loop.

    Without an order a healer starts to heal a unit within ``autocast_range`` if it has ``min_energy``.
    """

    range: float
    autocast_range: float
    per_loop: float
    energy_per_loop: float
    min_energy: float


@dataclass(frozen=True)
class UnitType:
    """A type of unit.

    :param race: T (Terran), P (Protoss) or Z (Zerg).
    :param plane: ``ground``, ``air`` or ``colossus``. Units of different planes pass through each other.
    :param speed: map units per loop.
    :param acceleration: map units per loop², 0 for a unit that is at full speed at once.
    :param radius: radius for ranges.
    :param separation_radius: radius for collisions.
    :param sight: distance from centre to centre in which an agent sees with ``use_unit_ranges``.
    :param health_regeneration: points per loop; ``shield_regeneration`` and ``energy_regeneration`` too.
    :param shield_delay: loops without damage after which shields regenerate.
    """

    name: str
    race: str
    health: float
    shield: float
    armor: float
    attributes: frozenset[str]
    plane: str
    speed: float
    acceleration: float
    radius: float
    separation_radius: float
    sight: float
    health_regeneration: float
    shield_regeneration: float
    shield_delay: float
    energy_start: float
    energy_max: float
    energy_regeneration: float
    heal: Heal | None
    weapon: Weapon | None


def profile_names() -> list[str]:
    """The names of the profiles of the package."""
    return names_in("units")


def load_units(profile: str) -> dict[str, UnitType]:
    """The unit types of a profile by name.

    :param profile: one of :func:`profile_names`, or the path of a YAML file of the same form.
    :raises SettingError: the profile does not exist, or its file has a mistake.
    """
    _, fields = read_fields("profile", "units", profile)
    return {name: _unit_type(name, fields.part(name)) for name in fields.names()}


def _unit_type(name: str, fields: Fields) -> UnitType:
    second = LOOPS_PER_SECOND
    if not is_plain(name):
        fields.fail("", name, f"the name of a unit {PLAIN_NAME}")
    if "heal" in fields and "weapon" in fields:
        fields.fail("heal", "...", "must not stand beside weapon: a unit heals or attacks")
    numbers = {key: fields.number(key, *limits) for key, limits in _BODY.items()}
    if "heal" in fields and not numbers["energy_max"]:
        fields.fail("energy_max", 0, "must be above 0, as a unit without energy never heals")
    for key in ("speed", "health_regeneration", "shield_regeneration", "energy_regeneration"):
        numbers[key] /= second
    numbers["acceleration"] /= second**2
    numbers["shield_delay"] *= second
    unit = UnitType(
        name=name,
        race=fields.choice("race", RACES),
        attributes=frozenset(fields.choices("attributes", ATTRIBUTES)),
        plane=fields.choice("plane", PLANES),
        energy_start=fields.number("energy_start", 0, numbers["energy_max"], 0),
        **numbers,
        heal=_heal(fields.part("heal")) if "heal" in fields else None,
        weapon=_weapon(fields.part("weapon")) if "weapon" in fields else None,
    )
    fields.close()
    return unit


def _heal(fields: Fields) -> Heal:
    numbers = {key: fields.number(key, *limits) for key, limits in _HEAL.items()}
    fields.close()
    per_loop = numbers["per_second"] / LOOPS_PER_SECOND
    return Heal(
        range=numbers["range"],
        autocast_range=numbers["autocast_range"],
        per_loop=per_loop,
        energy_per_loop=per_loop * numbers["energy_per_health"],
        min_energy=numbers["min_energy"],
    )


def _weapon(fields: Fields) -> Weapon:
    second = LOOPS_PER_SECOND
    delivery = fields.choice("delivery", DELIVERIES)
    low, high = fields.numbers("random_delay", (0.0, 0.0), sizes=(2,), minimum=-1000, maximum=1000)
    if low > high:
        fields.fail("random_delay", [low, high], "must not end before it starts")
    numbers: dict[str, Any] = {key: fields.number(key, *limits) for key, limits in _WEAPON.items()}
    numbers["damage_point"] *= second
    weapon = Weapon(
        bonus=_bonus(fields),
        hit_times=tuple(second * time for time in fields.numbers("hit_times", (0.0,), (1, 2), *_SECONDS)),
        period=second * fields.number("period", max(0.01, -low), 1000),
        random_delay=(second * low, second * high),
        targets=frozenset(fields.choices("targets", PLANES)),
        delivery=delivery,
        **numbers,
        **_shape(delivery, fields),
    )
    fields.close()
    _check_in_time(fields, weapon)
    return weapon


def _check_in_time(fields: Fields, weapon: Weapon) -> None:
    """Refuse hits that are due only when the weapon shoots again, as the next shot takes their place."""
    second, last = LOOPS_PER_SECOND, max(weapon.hit_times)
    # In the damage point a target gets away by the slop at most, and nobody goes faster than twice its speed.
    way = weapon.range + min(weapon.slop, 2 * _BODY["speed"][1] / second * weapon.damage_point)
    left = max(math.floor(weapon.period + weapon.random_delay[0]) - 1, 0) - last  # loops
    if left < 0:
        shown = [time / second for time in weapon.hit_times]
        expected = f"must be at most {(left + last) / second:g}, before the next shot"
        fields.fail("hit_times", shown, expected)
    if weapon.missile_speed and way / weapon.missile_speed > left:
        least = math.ceil(1000 * second * way / left) / 1000 if left else math.inf
        expected = f"must be at least {least:g} to go {way:g} before the next shot"
        if least > _FASTEST:
            expected = "needs a longer period to arrive before the next shot"
        fields.fail("missile_speed", second * weapon.missile_speed, expected)


def _bonus(fields: Fields) -> dict[str, float]:
    bonus = fields.part("bonus", {})
    extra = {name: bonus.number(name, *_POINTS, 0) for name in ATTRIBUTES}
    bonus.close()
    return extra


def _shape(delivery: str, fields: Fields) -> dict[str, Any]:
    """The fields of :class:`Weapon` that only some deliveries have."""
    line, suicide = delivery == "line", delivery == "suicide"
    missile_speed = fields.number("missile_speed", 0.01, _FASTEST) if delivery == "missile" else 0.0
    return {
        "missile_speed": missile_speed / LOOPS_PER_SECOND,
        "line_length": fields.number("line_length", *_LENGTH) if line else 0.0,
        "line_width": fields.number("line_width", *_LENGTH) if line else 0.0,
        "splash_radius": fields.number("splash_radius", *_LENGTH) if suicide else 0.0,
        "explodes_when_killed": fields.flag("explodes_when_killed", False) if suicide else False,
    }
