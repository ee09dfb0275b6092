"""What holds in every battle on every map, whoever does what, from wherever it starts.

Hypothesis draws seeds, starts and actions. The rewards, ends, masks and observations are worked out
again here from the places and strengths of the units, in plain NumPy.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remix.envs.battles import ViewOptions
from remix.envs.skirmish.encoding import sizes
from remix.envs.skirmish.maps import map_names
from tests.envs.skirmish.frames import Plan, World, begin, play

LIMIT = 25  # steps of an episode here
SHOOT, SIGHT = 6.0, 9.0
REST = 1e-9  # what may be due to rounding

INTEGERS = st.integers(0, 2**32 - 1)
PLANS = st.builds(
    Plan,
    seeds=st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1)),
    scattered=st.none() | INTEGERS,
    strengths=st.sampled_from([(1.0, 1.0), (0.97, 0.97), (0.5, 0.5), (0.1, 0.1), (1.0, 0.05)]),
    choices=st.sampled_from([5, LIMIT])
    .flatmap(lambda n: st.lists(INTEGERS, min_size=n, max_size=n))
    .map(tuple),
    eager=st.sampled_from([0.0, 0.5, 1.0]),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("maps"), LIMIT)


def gaps(x, y):
    """Distances between the centres of all units ``[E, U, U]``."""
    return np.hypot(x[:, :, None] - x[:, None], y[:, :, None] - y[:, None])


# --- Units ------------------------------------------------------------------------------------------------


def check_strengths_are_in_their_ranges(frame, rules, env):
    after = frame.after
    for name, most in (
        ("health", rules.max_health),
        ("shield", rules.max_shield),
        ("energy", rules.energy_max),
    ):
        assert (after[name] >= 0).all() and (after[name] <= most).all()
    assert (after["shield"][after["health"] == 0] == 0).all()
    assert all(np.isfinite(array).all() for array in (*after.values(), frame.obs, frame.state, frame.reward))


def check_the_dead_stay_dead_and_where_they_are(frame, rules, env):
    dead = frame.before["health"] == 0
    assert (frame.after["health"][dead] == 0).all()
    assert all((frame.after[name][dead] == frame.before[name][dead]).all() for name in ("x", "y"))
    fallen = frame.after["health"][:, : env.map.n_agents] == 0
    offered = frame.avail_actions
    assert (offered[..., 0] == fallen).all() and not offered[..., 1:][fallen].any()
    assert not frame.obs[fallen].any()


def check_nobody_is_where_it_may_not_be(frame, rules, env):
    columns, rows = frame.after["x"].astype(int), frame.after["y"].astype(int)
    alive = frame.after["health"] > 0
    assert ((frame.after["x"] >= 0) & (frame.after["y"] >= 0))[alive].all()
    assert rules.passable[rules.plane, columns, rows][alive].all()


def check_nobody_is_faster_than_it_can_be(frame, rules, env):
    """A unit goes by its own speed, and others push it by no more than that."""
    moved = np.hypot(frame.after["x"] - frame.before["x"], frame.after["y"] - frame.before["y"])
    assert (moved <= 2 * rules.loops_per_step * rules.speed + REST).all()


def check_friends_who_fight_do_not_rest_on_each_other(frame, rules, env):
    """Friends who pass each other may overlap, and so may enemies who fight.

    A friend that neither fights nor is stuck lets others come up to 0.6 of the usual distance, and both
    may come nearer by the steps of one loop. Then they are pushed apart, but those who fight stay where
    they are, and others may be wedged in between.
    """
    i, j = np.nonzero(np.triu((rules.plane[:, None] == rules.plane) & (rules.team[:, None] == rules.team), 1))
    apart = gaps(frame.after["x"], frame.after["y"])[:, i, j] / (rules.separation[i] + rules.separation[j])
    alive = frame.after["health"] > 0
    rests = alive & (frame.after["x"] == frame.before["x"]) & (frame.after["y"] == frame.before["y"])
    rests &= frame.running[:, None] & (frame.after["busy"] > 0) & (frame.before["busy"] > 0)
    assert (apart[rests[:, i] & rests[:, j]] >= 1 - 1e-4).all()  # starts are rounded
    assert (apart[alive[:, i] & alive[:, j]] > 0.05).all(), "two units stand at one place"


def check_damage_is_what_units_lose(frame, rules, env):
    """Beside it there is only what grows back and what is healed, and banelings that blow themselves up."""
    total = {
        when: data["health"] + data["shield"] for when, data in (("a", frame.after), ("b", frame.before))
    }
    gained = total["a"] - total["b"] + frame.after["damage_taken"] - frame.before["damage_taken"]
    rate = rules.health_regeneration + rules.shield_regeneration + rules.heal_rate.max()
    alive = frame.after["health"] > 0
    assert (gained[alive] >= -REST).all() and (gained <= rules.loops_per_step * rate + REST)[alive].all()
    assert (frame.after["damage_taken"] >= frame.before["damage_taken"]).all()


# --- Rewards and ends -------------------------------------------------------------------------------------


def losses(frame, columns):
    """Points that units have lost in the step, less those that they regained, and how many died ``[E]``."""
    before, after = frame.before, frame.after
    lost = (before["health"] + before["shield"] - after["health"] - after["shield"])[:, columns].sum(1)
    died = (before["health"][:, columns] > 0) & (after["health"][:, columns] == 0)
    return lost, died.sum(1)


def outcome(frame, rules, e):
    """1, -1 or 0 for a victory, a defeat or neither, and whether the battle has ended."""
    n, alive = rules.n_agents, frame.after["health"][e] > 0
    agents, enemies = alive[:n].sum(), alive[n:].sum()
    fighters, hostile_fighters = (alive & ~rules.healer)[:n].sum(), (alive & ~rules.healer)[n:].sum()
    if rules.healer.any():  # healers alone cannot go on
        if fighters == 0:
            return -1, True
        if enemies == 0 or (enemies == 1 and hostile_fighters == 0):
            return 1, True
        return 0, False
    if agents == 0 or enemies == 0:
        return int(agents > 0) - int(enemies > 0), True
    return 0, False


def check_rewards_are_what_the_units_say(frame, rules, env, only_positive):
    n = rules.n_agents
    damage, kills = losses(frame, slice(n, None))
    own_damage, own_deaths = losses(frame, slice(0, n))
    reward = damage + 10 * kills
    reward = np.abs(reward) if only_positive else reward - 0.5 * (own_damage + 10 * own_deaths)
    for e in range(len(reward)):
        won = outcome(frame, rules, e)[0] == 1
        expected = (reward[e] + 200 * won) * frame.running[e]
        assert frame.reward[e] == pytest.approx(expected, abs=1e-3)
        assert frame.reward[e] >= 0 or not only_positive


def check_battles_end_when_a_side_is_dead_or_the_time_is_over(frame, rules, env):
    n, dead = rules.n_agents, frame.after["health"] == 0
    for e in np.flatnonzero(frame.running):
        result, ended = outcome(frame, rules, e)
        assert frame.terminated[e] == ended
        assert frame.truncated[e] == (not ended and frame.steps == LIMIT)
        assert frame.info["battle_won"][e] == (result == 1)
        assert frame.info["dead_allies"][e] == dead[e, :n].sum()
        assert frame.info["dead_enemies"][e] == dead[e, n:].sum()


def check_ended_battles_rest(frame, rules, env):
    over = ~frame.running
    assert not frame.reward[over].any() and not (frame.terminated | frame.truncated)[over].any()
    assert all((frame.after[name][over] == frame.before[name][over]).all() for name in frame.after)


# --- Views ------------------------------------------------------------------------------------------------


def check_what_is_offered(frame, rules, env):
    """Stop; moves to where the ground is open one unit ahead; targets up to 6 away from centre to centre."""
    n, (x, y) = rules.n_agents, (frame.after["x"], frame.after["y"])
    alive, ground = frame.after["health"] > 0, np.pad(env.map.terrain.open, 2)
    assert (frame.avail_actions[..., 1] == alive[:, :n]).all()
    for action, dx, dy in ((2, 0, 1), (3, 0, -1), (4, 1, 0), (5, -1, 0)):
        cells = np.trunc(x[:, :n] + dx).astype(int) + 2, np.trunc(y[:, :n] + dy).astype(int) + 2
        assert (frame.avail_actions[..., action] == (ground[cells] & alive[:, :n])).all()
    near = (gaps(x, y)[:, :n] <= SHOOT) & alive[:, None] & alive[:, :n, None]
    for i in range(n):
        targets = near[:, i, :n] & ~rules.healer[:n] if rules.healer[i] else near[:, i, n:]
        offered = frame.avail_actions[:, i, 6:]
        assert (offered[:, : targets.shape[1]] == targets).all()
        assert not offered[:, targets.shape[1] :].any()


def check_who_is_seen(frame, rules, env):
    """The rows of an observation are those of living units less than 9 away; the others are zero."""
    layout, n = sizes(env.map, ViewOptions()), rules.n_agents
    n_enemies, width = layout.enemies
    alive, x, y = frame.after["health"] > 0, frame.after["x"], frame.after["y"]
    seen = (gaps(x, y)[:, :n] < SIGHT) & alive[:, None] & alive[:, :n, None]
    for i in range(n):
        obs, at = frame.obs[:, i], layout.move + n_enemies * width
        hostile = obs[:, layout.move : at].reshape(-1, n_enemies, width)
        check_rows(frame, rules, seen, i, range(n, x.shape[1]), hostile, env.map.enemy_race == "P")
        assert (hostile[..., 0] == (frame.avail_actions[:, i, 6 : 6 + n_enemies] & seen[:, i, n:])).all()
        others, width_of_ally = layout.allies
        friends = obs[:, at : at + others * width_of_ally].reshape(-1, others, width_of_ally)
        rest = [j for j in range(n) if j != i]
        check_rows(frame, rules, seen, i, rest, friends, env.map.ally_race == "P")
        assert (friends[..., 0] == seen[:, i, rest]).all()


def check_rows(frame, rules, seen, i, units, rows, shields):
    units, after = list(units), frame.after
    dx, dy = (after[axis][:, units] - after[axis][:, [i]] for axis in ("x", "y"))
    columns = [
        np.hypot(dx, dy) / SIGHT,
        dx / SIGHT,
        dy / SIGHT,
        after["health"][:, units] / rules.max_health[units],
    ]
    if shields:
        columns.append(after["shield"][:, units] / np.maximum(rules.max_shield[units], 1))
    expected = np.stack(columns, -1) * seen[:, i, units, None]
    np.testing.assert_allclose(rows[..., 1 : 1 + len(columns)], expected, atol=1e-5)
    assert not rows[~seen[:, i, units]].any()


# --- Together ---------------------------------------------------------------------------------------------

CHECKS = (
    check_strengths_are_in_their_ranges,
    check_the_dead_stay_dead_and_where_they_are,
    check_nobody_is_where_it_may_not_be,
    check_nobody_is_faster_than_it_can_be,
    check_friends_who_fight_do_not_rest_on_each_other,
    check_damage_is_what_units_lose,
    check_battles_end_when_a_side_is_dead_or_the_time_is_over,
    check_ended_battles_rest,
    check_what_is_offered,
    check_who_is_seen,
)


@pytest.mark.parametrize("name", map_names())
@settings(max_examples=12, deadline=None)
@given(PLANS, st.booleans())
def test_rules_hold_whatever_happens(world, name, plan, only_positive):
    env, rules = world.environment(name, only_positive)
    frames = play(env, rules, plan)
    for frame in frames:
        for check in CHECKS:
            check(frame, rules, env)
        check_rewards_are_what_the_units_say(frame, rules, env, only_positive)
    if only_positive:
        check_return(frames, rules, env)


def check_return(frames, rules, env):
    """A return is that of a victory over everybody at most, and what has grown back pays no more than twice.

    Once when it grows, as rewards lose their sign, and once when it is shot away.
    """
    n, loops = rules.n_agents, rules.loops_per_step * len(frames)
    rate = rules.health_regeneration[n:] + rules.shield_regeneration[n:] + rules.heal_rate[n:]
    most = (rules.max_health + rules.max_shield)[n:].sum() + 10 * env.map.n_enemies + 200
    total = sum((frame.reward.astype(float) for frame in frames), np.zeros(2))
    assert (total <= most + 2 * loops * rate.sum() + 1e-2).all()


@pytest.mark.parametrize("name", map_names())
@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 2**63 - 1),
    others=st.tuples(INTEGERS, INTEGERS),
    choices=st.lists(INTEGERS, max_size=LIMIT),
)
def test_a_battle_is_the_same_in_any_batch(world, name, seed, others, choices):
    """Played alone, alone once more, and between two battles in which the agents do something else."""
    env, rules = world.environment(name)
    plan = Plan((seed,), None, (0.5, 0.5), tuple(choices), 0.5)
    alone, again = play(env, rules, plan), play(env, rules, plan)
    assert len(alone) == len(again)
    assert all(same(one, other) for one, other in zip(alone, again, strict=True))
    step = begin(env, rules, replace(plan, seeds=(others[0], seed, others[1])))
    for frame in alone:
        actions = step.observation.avail_actions.argmax(-1)
        actions[1] = frame.actions[0]
        step = env.step(actions)
        assert (step.observation.obs[1] == frame.obs[0]).all()
        assert (step.observation.state[1] == frame.state[0]).all()
        assert (step.reward[1], step.terminated[1]) == (frame.reward[0], frame.terminated[0])
        assert all((getattr(env.units, key)[1] == frame.after[key][0]).all() for key in frame.after)


def same(one, other):
    """Whether two frames are equal bit for bit."""
    shown = ("actions", "obs", "state", "avail_actions", "reward", "terminated", "truncated")
    equal = [(getattr(one, name) == getattr(other, name)).all() for name in shown]
    return all(equal) and all((one.after[name] == other.after[name]).all() for name in one.after)
