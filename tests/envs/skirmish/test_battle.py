"""Whole battles: the same in any batch, and never against the rules."""

import numpy as np
import pytest

from remix.envs.skirmish.kernels.battle import advance
from remix.envs.skirmish.maps import load_map, map_names
from remix.envs.skirmish.state import start
from tests.envs.skirmish.battles import ATTACK_0, STOP, Battle


def snapshot(battle: Battle, e: int):
    return {name: np.array(array[e]) for name, array in battle.units._asdict().items()}


def same(one, other) -> bool:
    return all((one[name] == other[name]).all() for name in one)


@pytest.mark.parametrize("name", ["2s3z", "MMM2", "corridor", "2c_vs_64zg", "2m_vs_1z"])
def test_a_battle_depends_on_its_seed_and_actions_only(name):
    seeds = [5, 3, 8, 3]
    batch = Battle(load_map(name), seeds)
    singles = [Battle(load_map(name), [seed]) for seed in seeds]
    generators = [np.random.default_rng(seed) for seed in seeds]
    for _ in range(40):
        actions = np.concatenate([s.random_actions(g) for s, g in zip(singles, generators, strict=True)])
        batch.play(actions)
        for e, single in enumerate(singles):
            single.play(actions[e])
    states = [snapshot(batch, e) for e in range(4)]
    assert all(same(states[e], snapshot(single, 0)) for e, single in enumerate(singles))
    assert same(states[1], states[3]) and not same(states[0], states[1])


def test_a_range_of_battles_can_be_played_and_others_stay_as_they_are():
    whole, parts = Battle(load_map("2s3z"), range(6)), Battle(load_map("2s3z"), range(6))
    actions = np.full((6, 5), STOP)
    parts.running[4] = False
    for _ in range(15):
        whole.play(actions)
        for first, last in ((0, 2), (2, 6)):
            advance(parts.rules, parts.units, parts.scratch, parts.running, actions, first, last)
    for e in (0, 1, 2, 3, 5):
        assert same(snapshot(whole, e), snapshot(parts, e))
    assert parts.units.loops[4] == 0 and whole.units.loops[4] == 120


def test_rows_start_anew_without_touching_the_others():
    battle, fresh = Battle(load_map("MMM"), [1, 2, 3]), Battle(load_map("MMM"), [1, 7, 3])
    for _ in range(20):
        battle.play(STOP)
    before = snapshot(battle, 0), snapshot(battle, 2)
    start(battle.rules, battle.units, np.array([1]), np.array([7]))
    assert same(snapshot(battle, 1), snapshot(fresh, 1))
    assert same(snapshot(battle, 0), before[0]) and same(snapshot(battle, 2), before[1])


@pytest.mark.parametrize("name", map_names())
def test_numbers_stay_in_their_ranges_under_random_play(name):
    battle = Battle(load_map(name), range(7, 10))
    units, rules = battle.units, battle.rules
    generator = np.random.default_rng(7)
    for _ in range(50):
        dead = units.health == 0
        places, total = battle.places, units.health + units.shield + units.damage_taken
        battle.play(battle.random_actions(generator))
        assert (units.health[dead] == 0).all() and (units.shield[units.health == 0] == 0).all()
        assert (battle.places[dead] == places[dead]).all()
        assert (units.health >= 0).all() and (units.health <= rules.max_health).all()
        assert (units.shield >= 0).all() and (units.shield <= rules.max_shield).all()
        assert (units.energy >= 0).all() and (units.energy <= rules.energy_max).all()
        assert (units.cooldown >= 0).all() and (units.cooldown <= rules.period + rules.delay_high).all()
        assert (units.windup <= rules.damage_point).all()
        # What a unit loses is the damage that it takes; the rest regenerates or is healed.
        gained = units.health + units.shield + units.damage_taken - total
        most = 8 * (rules.health_regeneration + rules.shield_regeneration + rules.heal_rate.max())
        alive = units.health > 0
        assert (gained[alive] >= -1e-9).all()
        assert (gained <= most + 1e-9)[alive].all()
        # Nobody is faster than its own pace plus the most that others can push it.
        moved = np.linalg.norm(battle.places - places, axis=-1)
        assert (moved <= 16 * rules.speed + 1e-9).all()
        idle = units.target < 0
        assert (units.target < battle.n_units).all() and (idle | (units.order >= 2)).all()
    assert (units.loops == 400).all() and all(np.isfinite(array).all() for array in units)


def test_focused_fire_ends_a_battle():
    battle = Battle(load_map("10m_vs_11m"), range(50))
    for _ in range(100):
        avail = battle.available()
        battle.play(
            np.where(
                avail[..., ATTACK_0:].any(-1), ATTACK_0 + avail[..., ATTACK_0:].argmax(-1), avail.argmax(-1)
            )
        )
    assert battle.over().all()
