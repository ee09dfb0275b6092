"""Shots and what they do: times, ranges, splash, explosions, healing."""

import numpy as np
import pytest

from remix.envs.skirmish.maps import Order
from tests.envs.skirmish.battles import ATTACK_0, EAST, STOP, Battle, arena


def loops_of(battle: Battle, value, n_loops: int, actions=STOP):
    """``value()`` after each of ``n_loops`` single loops."""
    values = []
    for _ in range(n_loops):
        battle.play(actions)
        values.append(value())
    return values


def test_shields_regenerate_after_exactly_160_loops():
    battle = Battle(arena([("zealot", 10, 10)], [("marine", 15, 10)]), loops_per_step=1)
    units = battle.units
    while units.shield[0, 0] == 50:
        battle.play()
    units.health[0, 1] = 0  # that was its last shot
    shields = loops_of(battle, lambda: units.shield[0, 0], 161)
    assert shields[:159] == [44] * 159
    assert shields[159:] == [44.125, 44.25]


def test_shields_recover_one_point_per_step_up_to_their_maximum():
    battle = Battle(arena([("stalker", 10, 10)], [("zealot", 28, 28)]))
    battle.units.shield[0, 0] = 78.5
    assert loops_of(battle, lambda: battle.units.shield[0, 0], 3) == [79.5, 80, 80]


def test_missiles_fly_for_their_distance_at_their_speed():
    battle = Battle(arena([("marine", 10, 10)], [("marauder", 15.9375, 10)]), loops_per_step=1)
    damage = loops_of(battle, lambda: battle.units.damage_taken[0, 0], 6)
    assert damage == [0, 0, 0, 0, 10, 10]  # 5 from edge to edge, 1.25 per loop


def test_a_missile_follows_its_target_and_is_wasted_on_a_dead_one():
    battle = Battle(
        arena([("marine", 10, 10), ("marine", 10.5, 10)], [("marauder", 15.9375, 10)]),
        (0, 1),
        loops_per_step=1,
    )
    units = battle.units
    battle.play()
    target = units.hit_target[0, 2]
    units.x[0, target] = 3.0
    units.health[1, target] = 0.0
    damage = loops_of(battle, lambda: units.damage_taken.sum(1).tolist(), 5)
    assert damage[-1] == [10, 0]


@pytest.mark.parametrize(("moved", "hits"), [(0.95, True), (1.05, False)])
def test_an_attack_goes_on_within_the_slop_and_is_given_up_beyond(moved, hits):
    battle = Battle(arena([("zealot", 10, 10)], [("hydralisk", 16.125, 10)]), loops_per_step=1)
    units = battle.units
    battle.play()  # the target is just in range, the damage point lasts 3.3 loops
    assert units.windup[0, 1] > 0 and units.cooldown[0, 1] > 0
    units.x[0, 0] -= moved
    battle.play()
    assert (units.windup[0, 1] > 0) == hits and (units.cooldown[0, 1] > 0) == hits
    assert (loops_of(battle, lambda: units.damage_taken[0, 0], 9)[-1] > 0) == hits


def test_a_new_order_gives_up_the_attack_but_the_same_one_does_not():
    battle = Battle(arena([("stalker", 10, 10)], [("zealot", 15, 10), ("zealot", 15, 12)]), loops_per_step=1)
    units = battle.units
    battle.play(ATTACK_0)
    aiming = units.windup[0, 0]
    battle.play(ATTACK_0)
    assert units.windup[0, 0] == aiming - 1
    battle.play(ATTACK_0 + 1)
    assert units.windup[0, 0] == aiming and units.target[0, 0] == 2  # aims anew
    battle.play(STOP)
    assert units.windup[0, 0] == -1 and units.cooldown[0, 0] == 0 and units.target[0, 0] == -1


@pytest.mark.parametrize(("case", "damage"), [("near", 16), ("slop", 16), ("far", 8), ("dead", 8)])
def test_the_second_hit_of_a_zealot_needs_it_alive_and_the_target_near(case, damage):
    battle = Battle(arena([("stalker", 10, 10)], [("zealot", 11.1, 10)]), loops_per_step=1)
    units = battle.units
    battle.play()
    assert units.damage_taken[0, 0] == 8
    units.x[0, 0] -= {"near": 0, "slop": 0.9, "far": 1.5, "dead": 0}[case]
    if case == "dead":
        units.health[0, 1] = 0
    taken = loops_of(battle, lambda: units.damage_taken[0, 0], 5)
    assert taken == [8, 8, 8, 8, damage]


def test_the_beam_of_a_colossus_touches_five_zerglings_in_a_row():
    row = [("zergling", 16.0, 10 + 0.75 * k) for k in range(-4, 5)]
    armed = np.arange(11) == 0
    battle = Battle(arena([("colossus", 10, 10), ("zealot", 15.5, 11)], row), armed=armed, speed=np.zeros(11))
    for _ in range(2):
        battle.play([ATTACK_0 + 4, STOP])
    assert (battle.units.health[0, 2:] == 0).tolist() == [False] * 2 + [True] * 5 + [False] * 2
    assert (battle.units.damage_taken[0, :2] == 0).all()  # and no friends


def test_the_beam_comes_down_where_its_target_died():
    battle = Battle(
        arena([("colossus", 10, 10)], [("zergling", 16, 10), ("zergling", 16, 10.9)]), loops_per_step=1
    )
    while battle.units.hit_time[0, 0, 0] < 0:
        battle.play(ATTACK_0)
    battle.units.health[0, 1] = 0
    loops_of(battle, lambda: None, 8)
    assert battle.units.health[0, 2] == 0


def explosive(health: float, **changes) -> Battle:
    """Banelings of both sides in a row, in reach of their neighbours only, the first one of an enemy."""
    places = [10 + 2.3 * k for k in range(6)]
    allies = [("baneling", x, 10) for x in places[1::2]]
    enemies = [("baneling", x, 10) for x in places[::2]]
    battle = Battle(arena(allies, [*enemies, ("marine", 25, 25)]), loops_per_step=1, **changes)
    battle.units.health[0, :6] = health
    return battle


@pytest.mark.parametrize(("health", "dead"), [(20, 6), (21, 1)])
def test_banelings_set_each_other_off_within_one_loop(health, dead):
    battle = explosive(health)
    battle.units.hit_time[0, 3, 0], battle.units.hit_target[0, 3] = 0.0, 0  # enemy 0 blows itself up
    battle.play()
    assert (battle.units.health[0, :6] == 0).sum() == dead
    assert battle.units.health[0, 6] == 45


def test_a_killed_baneling_explodes_but_not_in_smaclite():
    units = [("zealot", 10, 10), ("marine", 15, 10)], [("baneling", 11.5, 10)]
    for as_smaclite, profile, damage in ((False, "liberty", 35), (True, "smaclite", 0)):
        battle = Battle(
            arena(*units), loops_per_step=1, profile=profile, as_smaclite=as_smaclite, scan=np.zeros(3)
        )
        battle.units.health[0, 2] = 1
        loops_of(battle, lambda: None, 3, [STOP, ATTACK_0])
        assert battle.units.health[0, 2] == 0 and battle.units.damage_taken[0, 0] == damage


def test_two_units_can_kill_each_other_in_the_same_loop():
    battle = Battle(
        arena([("marine", 10, 10)], [("marine", 14, 10)]), loops_per_step=1, delay_high=-np.ones(2)
    )
    battle.units.health[:] = 6
    alive = loops_of(battle, lambda: (battle.units.health[0] > 0).tolist(), 3, ATTACK_0)
    assert alive == [[True, True], [False, False], [False, False]]


def test_every_hit_takes_half_a_point_at_least():
    battle = Battle(arena([("zergling", 10, 10)], [("marine", 12, 10)]), armor=np.full(2, 20.0))
    battle.play()
    assert battle.units.damage_taken[0, 0] == 0.5


def test_the_first_shots_wait_for_nothing_and_the_next_for_the_period():
    battle = Battle(arena([("stalker", 10, 10)], [("marauder", 15, 10)]), range(100), loops_per_step=1)
    battle.play()
    cooldown = battle.units.cooldown[:, 1]
    assert (cooldown >= 23).all() and (cooldown <= 26).all()
    assert cooldown.std() == pytest.approx(np.sqrt(0.75), rel=0.2)


def medics(**changes) -> Battle:
    allies = [("marine", 10, 10), ("marine", 12, 10), ("medivac", 11, 12)]
    battle = Battle(arena(allies, [("marine", 28, 28)]), loops_per_step=1, **changes)
    battle.units.health[0, :2] = 20, 30
    return battle


def test_a_medivac_heals_whom_it_is_told_to_at_9_points_a_second():
    battle = medics()
    loops_of(battle, lambda: None, 16, [STOP, STOP, ATTACK_0 + 1])
    assert battle.units.health[0, :2].tolist() == [20, 39]
    energy = 50 + 16 * 0.03515625 - 9 * 0.33
    assert battle.units.energy[0, 2] == pytest.approx(energy) and battle.units.busy[0, 2]
    loops_of(battle, lambda: None, 16, [STOP, STOP, ATTACK_0 + 1])
    assert battle.units.health[0, 1] == 45
    energy += 16 * 0.03515625 - 6 * 0.33
    assert battle.units.energy[0, 2] == pytest.approx(energy) and not battle.units.busy[0, 2]


def test_an_idle_medivac_of_the_agents_heals_nobody_and_one_without_energy_stops():
    battle = medics()
    loops_of(battle, lambda: None, 16)
    assert battle.units.health[0, 0] == 20
    battle.units.energy[0, 2] = 0.5
    loops_of(battle, lambda: None, 16, [STOP, STOP, ATTACK_0])
    gained = (0.5 + 15 * 0.03515625) / 0.33  # what it had and what came in is all it can spend
    assert battle.units.health[0, 0] == pytest.approx(20 + gained)


def test_an_enemy_medivac_heals_the_most_hurt_friend_near_it():
    enemies = [("marine", 10, 10), ("marauder", 11, 10), ("marine", 12, 12), ("medivac", 11, 12)]
    battle = Battle(arena([("marine", 28, 28)], enemies), loops_per_step=1)
    battle.units.health[0, 1:4] = 30, 50, 45
    loops_of(battle, lambda: None, 4)
    assert battle.units.health[0, 1:4].tolist() == [30, 52.25, 45]  # 40 % is less than 67 %
    battle.units.energy[0, 4], battle.units.target[0, 4] = 3.0, -1
    loops_of(battle, lambda: None, 4)
    assert battle.units.health[0, 2] == 52.25  # too little energy to begin anew


def test_two_medivacs_do_not_heal_the_same_unit_at_once():
    enemies = [("marine", 10, 10), ("medivac", 9, 12), ("medivac", 11, 12)]
    battle = Battle(arena([("marine", 28, 28)], enemies), loops_per_step=1)
    battle.units.health[0, 1] = 20
    battle.play()
    assert battle.units.health[0, 1] == 20.5625


def test_an_order_that_the_weapon_cannot_carry_out_is_refused():
    battle = Battle(arena([("marauder", 10, 10)], [("medivac", 14, 10)]))
    battle.play(EAST)
    battle.play(ATTACK_0)
    assert battle.units.x[0, 0] == pytest.approx(12)  # the agent went on to the goal of its move
    assert battle.units.damage_taken[0, 1] == 0


def test_enemies_answer_fire_from_outside_their_scan_range_and_call_friends():
    enemies = [("zealot", 17.1, 10), ("zealot", 19, 10), ("zealot", 17, 20)]
    battle = Battle(arena([("stalker", 10, 10)], enemies, Order("attack_move", (17.0, 10.0))))
    for _ in range(3):
        battle.play(ATTACK_0)
    assert battle.units.target[0].tolist() == [1, 0, 0, -1]
