"""Every map as it ships, with the units and rules of every profile: both sides find each other and fight."""

from __future__ import annotations

import numpy as np
import pytest

from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.maps import Order, load_map, map_names
from remix.envs.skirmish.units import load_units, profile_names
from remix.settings.errors import SettingError
from tests.envs.skirmish.battles import NORTH, SOUTH, STOP, Battle, arena

FIRST_TARGET = 6


def playable():
    """All pairs of a map and a profile that has its units."""
    pairs = []
    for name in map_names():
        for profile in profile_names():
            if {*load_map(name).allies, *load_map(name).enemies} <= load_units(profile).keys():
                pairs.append((name, profile))
    return pairs


def at_random(env, avail, rng):
    return (avail * rng.random(avail.shape)).argmax(-1)


def strike_back(env, avail, rng):
    """Wait for the enemies, or go to one that holds its place; attack the nearest when somebody is hurt."""
    units, n = env.units, env.spec.n_agents
    dx, dy = (array[:, None, n:] - array[:, :n, None] for array in (units.x, units.y))
    nearest = np.where(avail[..., FIRST_TARGET:], np.hypot(dx, dy), np.inf)
    hurt = (units.damage_taken[:, :n] > 0).any(1)[:, None] & np.isfinite(nearest).any(-1)
    otherwise = np.where(dy[..., 0] > 0, NORTH, SOUTH) if env.map.order.kind == "hold" else STOP
    return np.where(avail[..., 0], 0, np.where(hurt, FIRST_TARGET + nearest.argmin(-1), otherwise))


def check(env, step, running):
    obs, state, avail = step.observation
    assert all(np.isfinite(array).all() for array in (obs, state, step.reward, *step.info.values()))
    alive = env.units.health[:, : env.spec.n_agents] > 0
    assert (avail[..., 0] == ~alive).all() and (avail[..., STOP] == alive).all()
    assert not avail[..., 1:][~alive].any()
    assert not (step.terminated & step.truncated).any()
    assert not (step.terminated | step.truncated)[~running].any()


def damage(env, choose):
    """Damage that agents and enemies have taken in two battles, which end by the limit at the latest."""
    rng, observation, running = np.random.default_rng(3), env.reset(np.arange(2)), np.ones(2, bool)
    for _ in range(env.spec.episode_limit):
        step = env.step(choose(env, observation.avail_actions, rng))
        check(env, step, running)
        observation, running = step.observation, running & ~(step.terminated | step.truncated)
    assert not running.any()
    taken = env.units.damage_taken.sum(0)
    return np.array([taken[: env.spec.n_agents].sum(), taken[env.spec.n_agents :].sum()])


@pytest.mark.parametrize(("name", "profile"), playable())
def test_both_sides_fight(name, profile):
    env = Skirmish(name, profile)
    assert (damage(env, strike_back) > 0).all()
    assert damage(env, at_random).any()


def test_only_units_that_a_profile_lacks_keep_a_map_from_it():
    missing = {(name, profile) for name in map_names() for profile in profile_names()} - set(playable())
    assert missing == {("6h_vs_8z", "smaclite")}
    with pytest.raises(SettingError, match="hydralisk"):
        Skirmish("6h_vs_8z", "smaclite")


@pytest.mark.parametrize("profile", profile_names())
@pytest.mark.parametrize("start", [(24.0, 6.0), (6.0, 24.0), (24.0, 24.0)])
@pytest.mark.parametrize("order", ["attack_units", "attack_move", "attack_move_segment"])
def test_enemies_carry_out_their_order_wherever_the_agents_are(profile, order, start):
    """Also those without a weapon: healers go where their friends go."""
    place = None if order == "attack_units" else start
    end = (start[0] + 1, start[1]) if order == "attack_move_segment" else None
    enemies = [("zealot", 14.0, 14.0), ("medivac", 16.0, 16.0)]
    battle = Battle(
        arena([("marine", *start)], enemies, Order(order, place, end)),
        profile=profile,
        as_smaclite=profile == "smaclite",
    )
    for _ in range(40):
        battle.play(np.where(battle.units.health[:, :1] > 0, STOP, 0))
        if battle.units.health[0, 0] == 0:
            break
    assert battle.units.health[0, 0] == 0
    assert np.linalg.norm(battle.places[0, 2] - start) < 6


@pytest.mark.parametrize("profile", profile_names())
def test_who_can_hit_nobody_follows_all_the_same(profile):
    """Zealots below a flyer: they cannot hurt it, but do not lose it either."""
    battle = Battle(
        arena([("medivac", 20.0, 20.0)], [("zealot", 12.0, 12.0)], Order("attack_units")),
        profile=profile,
        as_smaclite=profile == "smaclite",
    )
    for _ in range(30):
        battle.play(STOP)
    assert np.linalg.norm(battle.places[0, 1] - battle.places[0, 0]) < 1
    assert battle.units.damage_taken.sum() == 0
