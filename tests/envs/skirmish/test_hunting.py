"""Enemies that hunt as SMACv2's do, in battles with known courses."""

import numpy as np
import pytest

from remix.envs.skirmish.kernels.common import HUNT
from remix.envs.skirmish.maps import Order
from tests.envs.skirmish.battles import STOP, Battle, arena

HUNTING = Order("hunt")
FAR = 12.0


def hunt(allies, enemies, **changes):
    """A battle that is played loop by loop, with hunters that are sent in the first loop."""
    battle = Battle(arena(allies, enemies, HUNTING), loops_per_step=1, **changes)
    battle.units.loops[:] = 0
    return battle


def loops(battle, n):
    for _ in range(n):
        battle.play(STOP)


def test_a_hunter_goes_for_the_nearest_agent_and_no_other():
    battle = hunt([("zealot", 10, 16), ("zealot", 10, 25)], [("zealot", 22, 18)])
    loops(battle, 4)
    assert battle.units.target[0, 2] == 0
    battle.units.x[0, 1], battle.units.y[0, 1] = 20.0, 18.0  # comes very near
    loops(battle, 24)
    assert battle.units.target[0, 2] == 0
    while battle.units.health[0, 0] > 0:
        loops(battle, 1)
    assert battle.units.damage_taken[0, 1] == 0


def test_a_hunter_keeps_to_its_prey_whoever_shoots_at_it():
    battle = hunt([("zealot", 11, 16), ("stalker", 24, 25)], [("zealot", 20, 16)])
    loops(battle, 1)
    assert battle.units.target[0, 2] == 0
    for _ in range(110):
        battle.play([STOP, 6])
    assert battle.units.damage_taken[0, 2] > 0 and battle.units.target[0, 2] == 0


@pytest.mark.parametrize("first", range(8))
def test_hunters_without_prey_are_sent_every_eighth_loop(first):
    battle = hunt([("zealot", 5, 16)], [("zealot", 5 + FAR, 16)])
    battle.units.loops[:] = first
    waited = 0
    while battle.units.target[0, 1] < 0:
        assert battle.units.x[0, 1] == 5 + FAR
        loops(battle, 1)
        waited += 1
    assert waited == (8 - first) % 8 + 1


def test_the_clock_starts_anywhere_in_its_period():
    battle = Battle(arena([("zealot", 5, 16)], [("zealot", 17, 16)], HUNTING), seeds=range(200))
    assert set(battle.units.loops) == set(range(8))


def test_prey_in_scan_range_is_taken_at_once():
    battle = hunt([("zealot", 5, 16)], [("stalker", 12, 16)])
    battle.units.loops[:] = 1
    loops(battle, 1)
    assert battle.units.target[0, 1] == 0


def test_after_the_death_of_the_prey_the_next_one_follows():
    battle = hunt([("zergling", 18, 16), ("zergling", 4, 16)], [("zealot", 20, 16)])
    while battle.units.health[0, 0] > 0:
        loops(battle, 1)
    loops(battle, 9)
    assert battle.units.target[0, 2] == 1
    loops(battle, 200)
    assert battle.units.health[0, 1] == 0


def test_a_marauder_whose_nearest_agent_is_a_medivac_stands_still():
    battle = hunt([("medivac", 14, 16), ("marine", 4, 16)], [("marauder", 22, 16)])
    loops(battle, 80)
    assert (battle.units.x[0, 2], battle.units.target[0, 2]) == (22, -1)
    battle.units.x[0, 1] = 16.0  # a marine comes into its scan range
    loops(battle, 1)
    assert battle.units.target[0, 2] == 1


def test_medivacs_stay_and_heal_who_is_hurt_near_them():
    battle = hunt([("zealot", 4, 16)], [("medivac", 22, 16), ("medivac", 27, 16), ("marine", 22, 18)])
    battle.units.health[0, 3] = 20
    battle.units.target[0, 3] = 0
    loops(battle, 1)
    assert battle.units.target[0, 1] == 3
    loops(battle, 200)
    assert battle.units.health[0, 3] > 20 or battle.units.energy[0, 1] < 50
    battle = hunt([("zealot", 4, 16)], [("medivac", 22, 16)])
    loops(battle, 100)
    assert (battle.units.x[0, 1], battle.units.y[0, 1]) == (22, 16)


def test_hunting_is_a_matter_of_centres_and_of_lower_numbers():
    battle = hunt([("zergling", 6, 20), ("zergling", 6, 12), ("colossus", 5.5, 16)], [("zealot", 22, 16)])
    loops(battle, 1)
    assert battle.units.target[0, 3] == 0  # 16.49 away like 1; the colossus is 16.5 away, but broader


@pytest.mark.parametrize("flip", [False, True])
def test_neither_side_is_better_off(flip):
    """Mirrored armies that both hunt: swapped and mirrored battles are the same, loop by loop."""
    rng = np.random.default_rng(5)
    names = ["stalker", "zealot", "colossus", "zealot", "stalker"]
    places = [(rng.uniform(3, 14), rng.uniform(3, 29)) for _ in names]
    others = [(32 - x, y if not flip else 32 - y) for x, y in places]
    allies = [(name, x, y) for name, (x, y) in zip(names, places, strict=True)]
    enemies = [(name, x, y) for name, (x, y) in zip(names, others, strict=True)]
    battle = Battle(arena(allies, enemies, HUNTING), delay_low=np.zeros(10), delay_high=np.zeros(10))
    units = battle.units
    units.order[:, :5] = HUNT
    units.loops[:] = 0
    units.side[:, 5:] = units.side[:, :5] if flip else -units.side[:, :5]
    for _ in range(60):
        battle.play(0)  # nobody is given another order
        np.testing.assert_allclose(units.x[0, 5:], 32 - units.x[0, :5], rtol=0, atol=1e-9)
        np.testing.assert_allclose(units.health[0, 5:], units.health[0, :5], rtol=0, atol=1e-9)
    assert units.damage_taken.sum() > 0
