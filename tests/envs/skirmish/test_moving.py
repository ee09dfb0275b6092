"""Movement: speeds, obstacles, terrain and paths."""

import numpy as np
import pytest

from remix.envs.skirmish.maps import Order, load_map, map_names
from tests.envs.skirmish.battles import EAST, NORTH, SOUTH, STOP, WEST, Battle, arena, terrain_of

FAR_ENEMY = [("spine_crawler", 28.0, 28.0)]


@pytest.mark.parametrize(
    ("unit", "distance"),
    [("marine", 1.125), ("stalker", 1.47655), ("zergling", 1.47655), ("baneling", 1.25), ("colossus", 1.125)],
)
@pytest.mark.parametrize(("action", "dx", "dy"), [(EAST, 1, 0), (WEST, -1, 0), (NORTH, 0, 1), (SOUTH, 0, -1)])
def test_a_move_action_goes_one_step_at_full_speed(unit, distance, action, dx, dy):
    battle = Battle(arena([(unit, 10, 10)], FAR_ENEMY))
    battle.play(action)
    assert battle.places[0, 0] == pytest.approx([10 + distance * dx, 10 + distance * dy])


def test_a_medivac_gains_speed_and_loses_it_when_it_turns_back_or_stops():
    battle = Battle(arena([("medivac", 5, 10), ("marine", 5, 5)], FAR_ENEMY))

    def step(action):
        before = battle.units.x[0, 0]
        battle.play([action, STOP])
        return battle.units.x[0, 0] - before

    assert step(EAST) == pytest.approx(0.289, abs=1e-3)
    steps = [step(EAST) for _ in range(3)]
    assert steps[-1] == pytest.approx(1.375) and steps == sorted(steps)
    assert step(WEST) == pytest.approx(-0.289, abs=1e-3)
    assert step(STOP) == 0
    assert step(WEST) == pytest.approx(-0.289, abs=1e-3)


def test_a_move_action_ends_after_two_units_of_length():
    battle = Battle(arena([("stalker", 10, 10)], FAR_ENEMY), loops_per_step=30)
    battle.play(EAST)
    assert battle.places[0, 0] == pytest.approx([12, 10])


def test_an_attacker_walks_into_range_and_stops_there():
    battle = Battle(arena([("marine", 10, 10)], [("zealot", 20, 10)]), scan=np.zeros(2))
    for _ in range(5):
        battle.play(6)
    assert battle.units.x[0, 0] == pytest.approx(20 - 5 - 0.375 - 0.5)
    assert battle.units.damage_taken[0, 1] > 0 and battle.units.busy[0, 0]


def test_units_walk_around_whoever_stands_in_the_way():
    battle = Battle(arena([("marine", 10, 10)], [("spine_crawler", 13, 10.1)]), reach=np.zeros(2))
    for _ in range(6):
        battle.play(EAST)
        assert np.linalg.norm(np.diff(battle.places[0], axis=0)) >= 0.375 + 0.875 - 0.02
    assert battle.units.x[0, 0] > 14


def test_an_idle_unit_makes_way_for_a_friend():
    battle = Battle(arena([("marine", 10, 10), ("marine", 11, 10)], FAR_ENEMY))
    for _ in range(3):
        battle.play([EAST, STOP])
    assert battle.units.x[0, 0] > 12.5
    assert np.linalg.norm(np.diff(battle.places[0, :2], axis=0)) >= 0.74


def test_flyers_and_colossi_pass_over_ground_units():
    units = [("medivac", 10, 10), ("colossus", 10, 14), ("marine", 12, 10), ("marine", 12, 14)]
    battle = Battle(arena(units, FAR_ENEMY))
    for _ in range(6):
        battle.play([EAST, EAST, STOP, STOP])
    assert (battle.units.y[0, :2] == [10, 14]).all()
    assert (battle.units.x[0, 2:4] == 12).all()


def outside(battle: Battle):
    """How far the centre of the unit furthest outside is from the cells that its plane may enter."""
    rules = battle.rules
    cells = battle.places.astype(int)
    inside = rules.passable[rules.plane, cells[..., 0], cells[..., 1]]
    return ~inside & (battle.units.health > 0)


def overlaps(battle: Battle):
    """Distances of all living pairs of one plane as parts of the distance at which they touch, ``[E, P]``."""
    rules = battle.rules
    i, j = np.nonzero(np.triu(rules.plane[:, None] == rules.plane, 1))
    gaps = np.linalg.norm(battle.places[:, i] - battle.places[:, j], axis=-1)
    alive = (battle.units.health[:, i] > 0) & (battle.units.health[:, j] > 0)
    return np.where(alive, gaps / (rules.separation[i] + rules.separation[j]), 1.0)


@pytest.mark.parametrize("name", map_names())
def test_under_random_play_everybody_stays_on_the_map_and_overlaps_stay_small(name):
    battle = Battle(load_map(name), range(4))
    generator = np.random.default_rng(1)
    tight = []
    for _ in range(60):
        battle.play(battle.random_actions(generator))
        assert not outside(battle).any()
        tight.append(overlaps(battle))
    touching = np.array(tight)[(np.array(tight) < 1.05) & (np.array(tight) != 1)]
    assert touching.min() > 0.08
    assert np.mean(touching < 0.8) < 0.2  # the worst are the crowds of bane_vs_bane, the others below 0.1


def test_units_driven_into_a_wall_slide_along_it():
    battle = Battle(arena([("marine", 10, 10)], FAR_ENEMY, terrain=terrain_of("3m")))
    for _ in range(5):
        battle.play(SOUTH)
    assert battle.units.y[0, 0] == pytest.approx(7 + 0.375 / 2, abs=1e-5)
    battle.play(EAST)
    assert battle.units.x[0, 0] == pytest.approx(11.125)


def test_zerglings_alone_find_the_way_to_the_other_room_of_the_corridor():
    corridor = load_map("corridor")
    battle = Battle(corridor)
    battle.units.health[0, :6] = 0
    for _ in range(60):
        battle.play(0)
        assert not outside(battle).any()
    gaps = np.linalg.norm(battle.places[0, 6:] - np.array(corridor.order.point), axis=-1)
    assert gaps.min() < 0.6 and gaps.max() < 6  # those who come later wait behind the others


def test_zerglings_climb_the_ramps_to_the_colossi():
    battle = Battle(load_map("2c_vs_64zg"), loops_per_step=1)
    battle.units.health[:] = 1e6
    on_ramp = np.zeros(64, bool)
    for _ in range(400):
        battle.play(STOP)
        x, y = battle.places[0, 2:].T
        on_ramp |= (((x > 4) & (x < 7)) | ((x > 25) & (x < 28))) & (y > 13) & (y < 19)
        if (y > 13).all() and ((x > 8) & (x < 25)).all():
            break
    assert on_ramp.all() and (y > 13).all()
    assert battle.units.damage_taken[0, :2].sum() > 0


def test_colossi_step_over_the_cliff_and_no_further():
    battle = Battle(load_map("2c_vs_64zg"), speed=np.r_[1.0, 1.0, np.zeros(64)] * 0.14)
    battle.units.y[0, 0] = 14.0
    for _ in range(12):
        battle.play(SOUTH)
        assert not outside(battle).any()
    assert battle.units.y[0, 0] < 7


def test_enemies_wait_at_the_goal_of_their_attack():
    battle = Battle(arena([("marine", 4, 4)], [("zealot", 20, 20)], Order("attack_move", (24.0, 20.0))))
    for _ in range(8):
        battle.play(STOP)
    assert 23.4 < battle.units.x[0, 1] <= 24
    place = battle.places[0, 1].copy()
    battle.play(STOP)
    assert (battle.places[0, 1] == place).all()


def test_a_medivac_stays_behind_its_army():
    army = [("marauder", 22, 16), ("medivac", 25, 16), ("marine", 23, 17)]
    battle = Battle(arena([("marine", 3, 28)], army, Order("attack_move", (4.0, 16.0))))
    for _ in range(14):
        battle.play(STOP)
        x = battle.units.x[0]
        assert x[2] >= min(x[1], x[3]) - 0.3 and x[2] - x[1] < 5


def test_the_zealot_of_2m_vs_1z_walks_to_a_point_of_its_own_in_every_episode():
    battle = Battle(load_map("2m_vs_1z"), range(50))
    x, y = battle.units.order_x[:, 2], battle.units.order_y[:, 2]
    assert (y == 12).all() and (x >= 13).all() and (x <= 19).all()
    assert len(np.unique(x)) == 50 and x.std() == pytest.approx(6 / np.sqrt(12), rel=0.2)
