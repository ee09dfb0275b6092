"""Types of units, read from profiles of unit data.

A profile is a YAML file in human units: times in seconds of 16 game loops, speeds per second. In
the dataclasses here times are in game loops and speeds per loop, distances in map units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from remix.envs.skirmish.fields import PLAIN_NAME, Fields, is_plain, names_in, read_fields

LOOPS_PER_SECOND = 16
RACES = ("T", "P", "Z")
ATTRIBUTES = ("armored", "biological", "light", "massive", "mechanical", "structure")
PLANES = ("ground", "air", "colossus")
DELIVERIES = ("instant", "missile", "melee", "line", "suicide")

# Least and greatest number, and what stands for one that is missing. At the greatest speed a unit
# goes less than a cell in a loop, so that it jumps over nothing.
_Limits = dict[str, tuple[float, ...]]
_POINTS, _LENGTH, _SECONDS = (0, 1e5), (0, 64), (0, 1000)
_BODY: _Limits = {
    "health": (1, 1e5),
    "shield": (*_POINTS, 0),
    "armor": _POINTS,
    "speed": (0, 10),
    "acceleration": (0, 1000, 0),
    "radius": (0.01, 4),
    "separation_radius": (0.01, 4),
    "sight": _LENGTH,
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

    :param damage: of one hit, before shields and armour.
    :param bonus: extra damage to units with an attribute, for every attribute.
    :param hit_times: loops from the shot to each of its one or two hits, beside the flight of a missile.
    :param period: loops from shot to shot.
    :param random_delay: lowest and highest number of loops that are added to the period at random.
    :param damage_point: loops for which the unit stands still before it shoots.
    :param range: from edge to edge.
    :param scan_range: the same, within which an enemy makes the unit stop walking and attack.
    :param slop: how far out of range the target may get during the damage point.
    :param targets: planes that it reaches.
    :param delivery: ``instant``; ``missile``; ``melee``; ``line``, a beam that hits everybody in a
        rectangle across the shot; or ``suicide``, an explosion of the unit itself.
    :param missile_speed: per loop, 0 without missile.
    :param line_length: of the rectangle of a ``line``, across the shot.
    :param line_width: of the same, along the shot.
    :param splash_radius: of a ``suicide``, from its centre to the edge of who is hit.
    :param explodes_when_killed: whether the unit explodes also when it is shot.
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
    """How a unit heals others: ranges from edge to edge, rates per loop.

    ``min_energy`` is what it needs to start healing without an order, on somebody in ``autocast_range``.
    """

    range: float
    autocast_range: float
    per_loop: float
    energy_per_loop: float
    min_energy: float


@dataclass(frozen=True)
class UnitType:
    """A type of unit.

    :param race: T, P or Z.
    :param plane: ``ground``, ``air`` or ``colossus``; units of different planes pass through each other.
    :param speed: per loop.
    :param acceleration: per loop², 0 for a unit that is at full speed at once.
    :param radius: for ranges.
    :param separation_radius: for collisions.
    :param sight: from centre to centre; no rule depends on it, as observations have a sight of their own.
    :param health_regeneration: per loop, and so ``shield_regeneration`` and ``energy_regeneration``.
    :param shield_delay: loops without damage before shields regenerate.
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
    """Profiles that come with the package."""
    return names_in("units")


def load_units(profile: str) -> dict[str, UnitType]:
    """Unit types by name.

    :param profile: one of :func:`profile_names`, or the path of a YAML file like theirs.
    :raises SettingError: for a profile that does not exist or holds a mistake.
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
    return weapon


def _bonus(fields: Fields) -> dict[str, float]:
    bonus = fields.part("bonus", {})
    extra = {name: bonus.number(name, *_POINTS, 0) for name in ATTRIBUTES}
    bonus.close()
    return extra


def _shape(delivery: str, fields: Fields) -> dict[str, Any]:
    """Fields that only some deliveries have."""
    line, suicide = delivery == "line", delivery == "suicide"
    missile_speed = fields.number("missile_speed", 0.01, 1000) if delivery == "missile" else 0.0
    return {
        "missile_speed": missile_speed / LOOPS_PER_SECOND,
        "line_length": fields.number("line_length", *_LENGTH) if line else 0.0,
        "line_width": fields.number("line_width", *_LENGTH) if line else 0.0,
        "splash_radius": fields.number("splash_radius", *_LENGTH) if suicide else 0.0,
        "explodes_when_killed": fields.flag("explodes_when_killed", False) if suicide else False,
    }
