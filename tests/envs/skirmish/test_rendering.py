"""Pictures of battles."""

import numpy as np
import pytest
import yaml

from remix.envs.skirmish.cameras import Camera
from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.fields import DATA
from remix.envs.skirmish.legends import HEALER, signs
from remix.envs.skirmish.maps import load_map, map_names
from remix.envs.skirmish.rendering import draw_battle
from remix.envs.skirmish.sights import all_around
from remix.envs.skirmish.tokens import AGENTS, ENEMIES, LEVELS, level, token
from remix.envs.skirmish.units import load_units

UNITS = load_units("liberty")
GROUND = slice(44, 424)  # rows of a picture


@pytest.fixture
def battle():
    env = Skirmish("MMM2")
    env.reset(np.array([1]))
    return env


def picture(env, **options):
    return draw_battle(env.map, env.types, env.units, 0, 0, **options).astype(int)


def number_of(colour, image, tolerance=12):
    """Pixels of about a colour."""
    wanted = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
    return int((np.abs(image - wanted).max(-1) <= tolerance).sum())


def test_types_have_short_signs_that_differ():
    assert signs(["zealot", "stalker"], UNITS) == {"stalker": "S", "zealot": "Z"}
    assert signs(["zealot", "zergling"], UNITS) == {"zealot": "Za", "zergling": "Zr"}
    assert signs(["marine", "medivac", "marauder"], UNITS) == {
        "marauder": "Ma", "marine": "Mi", "medivac": HEALER,
    }  # fmt: skip
    for names in [UNITS, *({*load_map(name).allies, *load_map(name).enemies} for name in map_names())]:
        found = signs(names, UNITS)
        assert len(set(found.values())) == len(found) == len(set(names))


def test_a_disc_is_as_full_as_its_unit_is_healthy():
    filled = [
        number_of(AGENTS.health, np.asarray(token(20, AGENTS, "", health, None, False))[..., :3].astype(int))
        for health in range(LEVELS + 1)
    ]
    assert filled[0] == 0 and (np.diff(filled) > 0).all()
    assert abs(filled[LEVELS // 2] / filled[-1] - 0.5) < 0.05
    assert [level(share) for share in (0.0, 1e-9, 0.5, 0.999, 1.0)] == [0, 1, 12, 23, 24]


def test_the_smallest_units_are_drawn_too(tmp_path):
    content = yaml.safe_load((DATA / "units" / "liberty.yaml").read_text())
    content["stalker"]["separation_radius"] = 0.01
    (path := tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    env = Skirmish("2s3z", profile=str(path))
    env.reset(np.array([1]))
    assert picture(env).shape == (450, 560, 3)


def test_sides_health_and_shields_are_told_apart():
    env = Skirmish("2s3z")
    env.reset(np.array([1]))
    full = picture(env)[GROUND]
    env.units.shield[0, :5], env.units.health[0, 5:] = 0.0, 1.0
    hurt = picture(env)[GROUND]
    for colour, gone in (
        (AGENTS.shield, True),
        (ENEMIES.shield, False),
        (AGENTS.health, False),
        (ENEMIES.health, True),
    ):
        before, after = number_of(colour, full), number_of(colour, hurt)
        assert before > 50 and (after < 0.3 * before if gone else after > 0.8 * before)


def test_attacks_and_heals_are_seen(battle):
    alone = picture(battle)[GROUND]
    healer = battle.map.allies.index("medivac")
    battle.units.busy[0, [0, healer]] = True
    battle.units.target[0, 0], battle.units.target[0, healer] = 12, 0
    fought = picture(battle)[GROUND]
    assert number_of("#35b04a", alone) == number_of("#ffd23f", alone) == 0
    assert number_of("#35b04a", fought) > 5 and number_of("#ffd23f", fought) > 3
    assert number_of(AGENTS.health, fought) > number_of(AGENTS.health, alone)


def test_what_flies_does_not_hide_what_is_below(battle):
    healer, below = battle.map.allies.index("medivac"), 0
    battle.units.x[0, below], battle.units.y[0, below] = 14.0, 16.0
    battle.units.x[0, healer], battle.units.y[0, healer] = 14.0, 16.0
    with_both = picture(battle)[GROUND]
    battle.units.health[0, healer] = 1.0
    disc = np.abs(with_both - picture(battle)[GROUND]).max(-1) > 20
    battle.units.health[0, healer], battle.units.x[0, below] = 150.0, 18.0
    seen_through = np.abs(with_both - picture(battle)[GROUND]).max(-1) > 20
    assert (disc & seen_through).sum() > 100


def test_the_dead_leave_a_cross_and_lower_the_strength(battle):
    before = picture(battle)
    battle.units.health[0, 10:] = 0.0
    battle.units.shield[0, 10:] = 0.0
    after = picture(battle, camera=Camera())
    assert before.shape == after.shape
    assert number_of(ENEMIES.health, after[:44]) < 0.3 * number_of(ENEMIES.health, before[:44])
    assert number_of(AGENTS.health, after[:44]) == number_of(AGENTS.health, before[:44])


def test_sight_darkens_only_what_no_agent_sees(battle):
    bright, shaded = picture(battle), picture(battle, sight=all_around(10))
    changed = (bright != shaded).any(-1)
    assert changed[GROUND].any() and not changed[:44].any() and not changed[424:].any()
    battle.units.x[0, 0] += 9.0
    farther = picture(battle, sight=all_around(10)), picture(battle)
    assert (farther[0] != farther[1]).any(-1).sum() < changed.sum()


def test_all_pictures_of_an_episode_have_one_size():
    env, camera = Skirmish("2c_vs_64zg"), Camera()
    env.reset(np.array([1]))
    env.units.x[0, 0], env.units.health[0, 5:60] = 31.0, 0.0
    sizes = {draw_battle(env.map, env.types, env.units, 0, step, camera).shape for step in range(3)}
    assert len(sizes) == 1 and next(iter(sizes))[1:] == (560, 3)
