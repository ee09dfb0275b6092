"""Duels whose course is known: how many attacks and hits it takes, and how long."""

import numpy as np
import pytest

from remix.envs.skirmish.maps import Order
from tests.envs.skirmish.battles import Battle, arena

SEEDS = range(200)

# attacker, victim, attacks, loops with damage, loops from the first to the last of them on average
DUELS = [
    ("marine", "marine", 8, 8, 7 * 14.27),
    ("marauder", "marine", 5, 5, 4 * 24.5),
    ("marauder", "marauder", 7, 7, 6 * 24.5),
    ("stalker", "zealot", 17, 17, 16 * 23.54),
    ("stalker", "stalker", 12, 12, 11 * 23.54),
    ("zealot", "stalker", 11, 22, 10 * 19.7 + 4.5),
    ("zealot", "zealot", 11, 21, 10 * 19.7),
    ("zealot", "zergling", 3, 5, 2 * 19.7),
    ("zergling", "zealot", 35, 35, 34 * 11.64),
    ("hydralisk", "zealot", 14, 14, 13 * 13.78),
    ("colossus", "zergling", 1, 1, 0.0),  # both hits of an attack of a colossus land at once
    ("colossus", "zealot", 4, 4, 3 * 35.7),
    ("spine_crawler", "stalker", 6, 6, 5 * 26.1),
    ("stalker", "spine_crawler", 25, 25, 24 * 23.54),
]


def duel(attacker: str, victim: str) -> Battle:
    """``attacker``, who holds its place, against ``victim``, who lets it happen, in contact."""
    battle = Battle(
        arena([(victim, 10, 10)], [(attacker, 11, 10)]),
        SEEDS,
        loops_per_step=1,
        health_regeneration=np.zeros(2),
        shield_regeneration=np.zeros(2),
    )
    distance = battle.rules.radius.sum() + battle.rules.reach[1] / 2
    battle.units.x[:, 1] = 10 + distance
    return battle


@pytest.mark.parametrize(("attacker", "victim", "attacks", "hits", "loops"), DUELS)
def test_attacks_hits_and_time_of_a_duel(attacker, victim, attacks, hits, loops):
    battle = duel(attacker, victim)
    units, n = battle.units, len(SEEDS)
    n_attacks, n_hits = np.zeros(n, int), np.zeros(n, int)
    first, last = np.full(n, -1), np.full(n, -1)
    for loop in range(1000):
        alive, before, cooldown = (
            units.health[:, 0] > 0,
            units.damage_taken[:, 0].copy(),
            units.cooldown[:, 1].copy(),
        )
        battle.play()
        n_attacks += alive & (units.cooldown[:, 1] > cooldown)
        hit = units.damage_taken[:, 0] > before
        n_hits += hit
        first[hit & (first < 0)] = loop
        last[hit] = loop
        if not (units.health[:, 0] > 0).any():
            break
    assert (units.health[:, 0] == 0).all()
    assert (n_attacks == attacks).all() and (n_hits == hits).all()
    # A shot falls in the loop after it is due, half a loop later on average than the real numbers say.
    intervals = attacks - 1
    spread = 4 * np.sqrt((intervals * 0.75 + 0.1) / n)
    assert (last - first).mean() == pytest.approx(loops + 0.5 * (intervals > 0), abs=0.3 + spread)


def test_a_baneling_takes_35_points_of_a_zealots_shield():
    battle = Battle(arena([("zealot", 10, 10)], [("baneling", 11, 10)]))
    battle.play()
    assert battle.units.shield[0, 0] == 15 and battle.units.health[0, 0] == 100
    assert battle.units.health[0, 1] == 0


@pytest.mark.parametrize(("profile", "loop", "step"), [("liberty", 59, 8), ("smaclite", 42, 6)])
def test_a_marine_comes_into_range_of_another_one_14_away(profile, loop, step):
    battle = Battle(
        arena([("marine", 9, 16)], [("marine", 23, 16)], Order("attack_move", (9.0, 16.0))),
        profile=profile,
        loops_per_step=1,
    )
    loops = 0
    while battle.units.x[0, 1] - battle.units.x[0, 0] > 5.75 + 1e-5:
        battle.play()
        loops += 1
    assert loops == loop and (loops + 7) // 8 == step


@pytest.mark.parametrize("agents", [("colossus", "marine"), ("marine", "colossus")])
def test_a_unit_under_a_colossus_is_nearer_to_it_than_to_one_beside(agents):
    """From edge to edge: whose circle reaches over a unit is nearer than whose merely touches it."""
    places = {"colossus": (16.0, 16.0), "marine": (16.5, 16.0)}
    battle = Battle(arena([(name, *places[name]) for name in agents], [("zergling", 16.0, 16.0)]))
    battle.play()
    assert battle.units.target[0, 2] == agents.index("colossus")
