"""Profiles of unit types: their numbers in game loops, and what is wrong with profiles that cannot work."""

import pickle

import numpy as np
import pytest
import yaml

from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.fields import DATA
from remix.envs.skirmish.units import load_units, profile_names
from remix.settings.errors import SettingError

LIBERTY = load_units("liberty")
# Loops from shot to shot, damage point in loops, and how far a unit goes in the 8 loops of a step.
TIMES = {
    "marine": (13.7728, 0.8, 1.125),
    "marauder": (24, 0, 1.125),
    "stalker": (23.04, 2.672, 1.47655),
    "zealot": (19.2, 0, 1.125),
    "colossus": (35.2, 1.3312, 1.125),
    "zergling": (11.136, 2.672, 1.47655),
    "baneling": (13.328, 0, 1.25),
    "hydralisk": (13.28, 3.328, 1.125),
    "spine_crawler": (25.6, 5.3312, 0),
}
# Health, shield, armour, ranges' and collisions' radius, damage and range.
STRENGTHS = {
    "marine": (45, 0, 0, 0.375, 0.375, 6, 5),
    "marauder": (125, 0, 1, 0.5625, 0.5, 10, 6),
    "stalker": (80, 80, 1, 0.625, 0.625, 10, 6),
    "zealot": (100, 50, 1, 0.5, 0.375, 8, 0.1),
    "colossus": (200, 150, 1, 1, 0.75, 20, 6),
    "zergling": (35, 0, 0, 0.375, 0.375, 5, 0.1),
    "baneling": (30, 0, 0, 0.375, 0.375, 20, 0.25),
    "hydralisk": (80, 0, 0, 0.625, 0.5, 12, 5),
    "spine_crawler": (300, 0, 2, 0.875, 0.875, 25, 7),
}


def weapon_of(name, units=LIBERTY):
    weapon = units[name].weapon
    assert weapon is not None
    return weapon


def test_profiles():
    assert profile_names() == ["liberty", "lotv", "smaclite"]
    assert set(LIBERTY) == {*TIMES, "medivac"} == set(load_units("lotv"))
    assert set(load_units("smaclite")) == set(LIBERTY) - {"hydralisk"}


@pytest.mark.parametrize("name", TIMES)
def test_times_are_in_loops(name):
    unit, weapon = LIBERTY[name], weapon_of(name)
    assert (weapon.period, weapon.damage_point, 8 * unit.speed) == pytest.approx(TIMES[name])
    assert unit.acceleration == 0
    assert weapon.random_delay == ((0, 0) if name == "baneling" else (-1, 2))


@pytest.mark.parametrize("name", STRENGTHS)
def test_strengths(name):
    unit, weapon = LIBERTY[name], weapon_of(name)
    body = (unit.health, unit.shield, unit.armor, unit.radius, unit.separation_radius)
    assert (*body, weapon.damage, weapon.range) == STRENGTHS[name]


def test_regeneration():
    for unit in LIBERTY.values():
        assert unit.health_regeneration == pytest.approx(0.0170875 if unit.race == "Z" else 0)
        assert (unit.shield_regeneration, unit.shield_delay) == ((0.125, 160) if unit.race == "P" else (0, 0))


def test_the_medivac():
    unit = LIBERTY["medivac"]
    assert unit.weapon is None and unit.plane == "air"
    assert unit.speed == 0.171875 and unit.acceleration == pytest.approx(0.0090332, abs=1e-7)
    assert (unit.energy_start, unit.energy_max, unit.energy_regeneration) == (50, 200, 0.03515625)
    heal = unit.heal
    assert heal is not None
    assert (heal.range, heal.autocast_range, heal.per_loop, heal.min_energy) == (4, 6, 0.5625, 5)
    assert heal.energy_per_loop == pytest.approx(0.185625)


def test_special_weapons():
    weapon = weapon_of("zealot")
    assert weapon.hit_times == pytest.approx((0, 4.48)) and weapon.targets == {"ground", "colossus"}
    weapon = weapon_of("colossus")
    assert (weapon.hit_times, weapon.line_length, weapon.line_width, weapon.slop) == ((6, 6), 2.8, 0.3, 0)
    weapon = weapon_of("baneling")
    assert weapon.explodes_when_killed and weapon.splash_radius == 2.2
    assert (weapon.bonus["light"], weapon.bonus["structure"], weapon.bonus["armored"]) == (15, 60, 0)
    assert weapon_of("stalker").missile_speed == 1.171875
    assert weapon_of("marine").missile_speed == 0


def test_later_profiles_differ_where_they_should():
    later, lite = load_units("lotv"), load_units("smaclite")
    assert later["zealot"] == LIBERTY["zealot"] != lite["zealot"]
    assert weapon_of("stalker", later).damage == 13 and weapon_of("stalker", later).period == pytest.approx(
        29.92
    )
    assert weapon_of("colossus", later).bonus["light"] == 5 and weapon_of("colossus", later).range == 7
    assert later["hydralisk"].health == 90 and later["medivac"].speed == 2.5 / 16
    assert 8 * lite["marine"].speed == 1.575 and lite["colossus"].plane == "ground"
    assert weapon_of("baneling", lite).damage == 80 and not weapon_of("baneling", lite).explodes_when_killed
    for unit in lite.values():
        assert unit.radius == unit.separation_radius
        assert unit.weapon is None or unit.weapon.random_delay == (0, 0)


def test_units_can_be_sent_to_other_processes():
    assert pickle.loads(pickle.dumps(LIBERTY)) == LIBERTY


def test_a_healer_needs_energy(tmp_path):
    content = yaml.safe_load((DATA / "units" / "liberty.yaml").read_text())
    content["medivac"].update(energy_start=0, energy_max=0)
    (path := tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(SettingError, match=r"medivac.energy_max=0: must be above 0, as a unit without"):
        load_units(str(path))


@pytest.mark.parametrize("speed", [5.334, 9])
def test_the_slowest_missile_arrives_before_the_next_shot(tmp_path, speed):
    content = yaml.safe_load((DATA / "units" / "liberty.yaml").read_text())
    content["stalker"]["weapon"].update(missile_speed=speed, random_delay=[-0.0625, -0.0625])
    (path := tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    scenario = {
        "episode_limit": 60,
        "terrain": "plain_band",
        "order": {"kind": "hold"},
        "allies": [{"unit": "stalker", "count": 1, "positions": [[10, 16]]}],
        "enemies": [{"unit": "stalker", "count": 1, "positions": [[15.9, 16]]}],
    }
    env = Skirmish("duel", profile=str(path), scenario=scenario)
    env.reset(np.arange(1))
    for _ in range(9):  # three shots of 23 loops each
        env.step(np.array([[6]]))
    assert env.units.damage_taken.tolist() == [[42, 42]]


@pytest.mark.parametrize("name", ["libertty", "mine.yaml", None, 4])
def test_unknown_profiles_are_named_with_the_nearest_ones(name):
    with pytest.raises(
        SettingError, match=rf"^profile={name}: must be one of liberty, lotv, smaclite, or the path"
    ):
        load_units(name)


@pytest.mark.parametrize(
    ("unit", "field", "value", "message"),
    [
        ("marine", "health", None, "marine.health is missing"),
        ("marine", "health", 0, "marine.health=0: must be a number between 1 and 100000"),
        ("marine", "speed", -1, "marine.speed=-1: must be a number between 0 and 10"),
        ("marine", "radius", "big", "marine.radius=big: must be a number between 0.01 and 4"),
        ("marine", "race", "X", "marine.race=X: must be one of P, T, Z"),
        ("marine", "race", True, "marine.race=True: must be one of P, T, Z"),
        ("marine", "plane", "water", "marine.plane=water: must be one of "),
        ("marine", "attributes", ["lite"], "marine.attributes=lite: must be one of light, "),
        ("marine", "attributes", "light", "marine.attributes=light: must be a list"),
        ("marine", "helth", 3, "marine.helth=3: unknown field, must be one of health, "),
        ("marine", "weapon", 3, "marine.weapon=3: must be fields with names"),
        ("marine", "weapon.period", 0, "marine.weapon.period=0: must be a number between 0.0625 and 1000"),
        ("marine", "weapon.delivery", "mail", "marine.weapon.delivery=mail: must be one of "),
        ("marine", "weapon.targets", ["ground", "ground"], "must not repeat itself"),
        ("marine", "weapon.random_delay", [2], "random_delay=[2]: must be a list of 2 numbers"),
        (
            "marine",
            "weapon.random_delay",
            [2, 1],
            "[2.0, 1.0]: must not end before",
        ),
        ("marine", "weapon.missile_speed", 5, "marine.weapon.missile_speed=5: unknown field"),
        (
            "zealot",
            "weapon.hit_times",
            [0, 1, 2],
            "hit_times=[0, 1, 2]: must be a list of 1 or 2",
        ),
        (
            "zealot",
            "weapon.hit_times",
            [0, -1],
            "hit_times=-1: must be a number between 0 and 1000",
        ),
        ("stalker", "weapon.missile_speed", None, "stalker.weapon.missile_speed is missing"),
        ("stalker", "weapon.bonus", {"heavy": 3}, "stalker.weapon.bonus.heavy=3: unknown field"),
        ("stalker", "weapon.bonus", {"light": "a"}, "stalker.weapon.bonus.light=a: must be a number"),
        ("baneling", "weapon.explodes_when_killed", 1, "must be true or false"),
        ("medivac", "energy_start", 500, "medivac.energy_start=500: must be a number between 0 and 200"),
        ("medivac", "heal.range", None, "medivac.heal.range is missing"),
        ("marine", "sight", 0, "marine.sight=0: must be a number between 0.01 and 64"),
        ("stalker", "weapon.missile_speed", 2, "missile_speed=2.0: must be at least 5.334 to go 7 before"),
        ("stalker", "weapon.period", 0.0625, "missile_speed=18.75: needs a longer period to arrive before"),
        ("zealot", "weapon.hit_times", [0, 1.2], "hit_times=[0.0, 1.2]: must be at most 1.0625, before the"),
    ],
)
def test_mistakes_in_a_profile_are_named(tmp_path, unit, field, value, message):
    content = yaml.safe_load((DATA / "units" / "liberty.yaml").read_text())
    *parents, last = field.split(".")
    fields = content[unit]
    for parent in parents:
        fields = fields[parent]
    fields[last] = value
    if value is None:
        del fields[last]
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(SettingError) as failure:
        load_units(str(path))
    assert str(failure.value).startswith(f"profile={path}: ") and message in str(failure.value)
    assert "\n" not in str(failure.value)
