"""SMACv2's battles: properties of all scenarios, and rules that no recorded frame shows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from remix.envs.battles import RewardOptions
from remix.envs.skirmish.drawn import DrawnSkirmish
from remix.envs.skirmish.fields import DATA
from remix.envs.skirmish.kernels.common import HUNT
from remix.envs.skirmish.maps import Order
from remix.envs.skirmish.scenarios import scenario_names
from remix.envs.smacv2 import DrawnViewOptions
from tests.envs.skirmish.battles import Battle, arena

STOP, EAST, WEST, ATTACK = 1, 4, 5, 6
_MADE: dict[str, DrawnSkirmish] = {}


def environment(name: str) -> DrawnSkirmish:
    """The environment with published settings, made once."""
    if name not in _MADE:
        _MADE[name] = DrawnSkirmish(name)
    return _MADE[name]


def draw_actions(avail, rng, eager=0.5):
    """Available actions ``[E, N]``; agents that can attack do so with a probability of ``eager``."""
    score = np.where(avail, rng.random(avail.shape), -1.0)
    score[..., ATTACK:] += avail[..., ATTACK:] * (rng.random((*avail.shape[:2], 1)) < eager)
    return score.argmax(-1)


def frames(env, seeds, choices, steps):
    """Copies of everything that an environment returns, from reset on, of ``steps`` steps."""
    rng, observation = np.random.default_rng(choices), env.reset(np.array(seeds))
    result = [[np.array(view) for view in observation]]
    for _ in range(steps):
        step = env.step(draw_actions(result[-1][2], rng))
        ends = (step.reward, step.terminated, step.truncated, *step.info.values())
        result.append([np.array(array) for array in (*step.observation, *ends)])
    return result


def put(env, e=0, **places):
    """Put all units of a battle on places ``(x, y)`` by name: ``agents``, ``enemies``."""
    n = env.scenario.n_agents
    for team, units in (("agents", slice(0, n)), ("enemies", slice(n, None))):
        if team in places:
            rows = np.array(places[team], float)
            env.units.x[e, units], env.units.y[e, units] = rows.T
            env.units.order_x[e, units], env.units.order_y[e, units] = rows.T


# --- All scenarios ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", scenario_names())
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**62), choices=st.integers(0, 2**32), eager=st.sampled_from([0.0, 0.5, 1.0]))
def test_battles_keep_the_rules(name, seed, choices, eager):
    env = environment(name)
    scenario, units, n = env.scenario, env.units, env.scenario.n_agents
    rng, observation = np.random.default_rng(choices), env.reset(np.array([seed, seed + 1]))
    units = env.units
    kind, rules = env._match.handicaps.kind, env._match.rules
    by_rank = np.array(scenario.types)[kind[:, :n]]
    assert all(row.tolist() == sorted(row) for row in by_rank)
    shared = min(n, scenario.n_enemies)
    assert (np.sort(kind[:, :n]) == np.sort(kind[:, n : n + shared])).all()
    running = np.ones(2, bool)
    for _ in range(25):
        avail = observation.avail_actions
        alive, before = units.health[:, :n] > 0, units.health.copy()
        assert avail.any(-1).all() and (avail[..., 0] == ~alive).all()
        assert (avail[..., STOP] == alive).all()
        obs, state = np.array(observation.obs), np.array(observation.state)
        assert np.isfinite(obs).all() and np.isfinite(state).all()
        assert not obs[~alive].any() and obs[alive].any(-1).all()
        own = obs[..., -5:][alive]  # place and type
        places = np.stack([units.x[:, :n], units.y[:, :n]], -1)[alive] / 32
        np.testing.assert_allclose(own[:, :2], places, rtol=0, atol=1e-6)
        assert (own[:, 2:].argmax(-1) == kind[:, :n][alive]).all() and (own[:, 2:].sum(-1) == 1).all()
        step = env.step(draw_actions(avail, rng, eager))
        observation = step.observation
        assert (step.reward >= 0).all()
        assert (step.reward[~running] == 0).all()
        dead = before <= 0
        assert (units.health[dead] == 0).all()
        assert (units.health <= rules.max_health).all() and (units.shield <= rules.max_shield).all()
        assert (units.x >= 2).all() and (units.x <= 30).all()
        ended = step.terminated | step.truncated
        enemies = (units.health[:, n:] > 0) & ~rules.healer[:, n:]
        won = step.info["battle_won"] == 1
        assert (won == (~enemies.any(1) & (units.health[:, :n] > 0).any(1))).all()
        assert (won[running] <= ended[running]).all()
        running &= ~ended


@pytest.mark.parametrize("name", ["protoss_5_vs_5", "terran_10_vs_11", "zerg_20_vs_23"])
def test_a_battle_is_the_same_alone_and_in_a_batch(name):
    env = environment(name)
    views = DrawnViewOptions(prob_obs_enemy=0.5)
    for env in (environment(name), DrawnSkirmish(name, views=views)):
        env.reset(np.array([7]))
        rng = np.random.default_rng(3)
        alone = []
        for _ in range(15):
            actions = draw_actions(env._step.observation.avail_actions, rng)
            step = env.step(actions)
            alone.append((actions, step.observation.obs[0].copy(), float(step.reward[0])))
        env.reset(np.array([1, 7, 3]))
        for actions, obs, reward in alone:
            together = env._step.observation.avail_actions.argmax(-1)
            together[1] = actions[0]
            step = env.step(together)
            np.testing.assert_array_equal(step.observation.obs[1], obs)
            assert float(step.reward[1]) == reward


def test_equal_seeds_give_equal_episodes_and_others_do_not():
    env = environment("terran_5_vs_5")
    one, again, other = (frames(env, seeds, 5, 10) for seeds in ([1, 2], [1, 2], [3, 4]))
    assert all((a == b).all() for x, y in zip(one, again, strict=True) for a, b in zip(x, y, strict=True))
    assert (one[0][0] != other[0][0]).any()


def test_teams_and_places_do_not_depend_on_views_and_rewards():
    plain = environment("terran_10_vs_11")
    other = DrawnSkirmish(
        "terran_10_vs_11", views=DrawnViewOptions(conic_fov=True, prob_obs_enemy=0.3), reward_team="own"
    )
    for env in (plain, other):
        env.reset(np.arange(8))
    for name in ("x", "y", "health"):
        np.testing.assert_array_equal(getattr(plain.units, name), getattr(other.units, name))


@pytest.mark.parametrize("race", ["protoss", "terran", "zerg"])
def test_neither_side_is_better_off_where_both_hunt(race):
    """Mirrored starts; the agents are given the enemies' order and no other."""
    env, results = environment(f"{race}_5_vs_5"), []
    env.reset(np.arange(400))
    mirrored = np.flatnonzero(env._drawn.x[:, :5].max(1) < 15)
    for e in mirrored[:150]:
        fighters = env.map_of(int(e))
        names = fighters.allies + fighters.enemies
        units = list(zip(names, env.units.x[e], env.units.y[e], strict=True))
        battle = Battle(arena(units[:5], units[5:], Order("hunt")), seeds=[int(e)])
        battle.units.order[:, :5] = HUNT
        for _ in range(120):
            battle.play(0)
        alive = (battle.units.health[0] > 0) & ~battle.rules.healer
        results.append(int(alive[:5].any()) - int(alive[5:].any()))
    wins, losses = results.count(1), results.count(-1)
    assert wins + losses > 90
    assert binomtest(wins, wins + losses, 0.5).pvalue > 1e-3


@pytest.mark.parametrize("name", ["protoss_5_vs_5", "terran_10_vs_10", "zerg_10_vs_11"])
def test_random_play_hardly_wins(name):
    """As in SMACv2, where it wins 0 to 3 % and returns 3 to 10."""
    env, rng, n = environment(name), np.random.default_rng(0), 100
    observation, running, total = env.reset(np.arange(n)), np.ones(n, bool), np.zeros(n)
    while running.any():
        step = env.step(draw_actions(observation.avail_actions, rng, 0.0))
        total += step.reward
        observation, running = step.observation, running & ~(step.terminated | step.truncated)
    assert step.info["battle_won"].mean() <= 0.05
    assert 2 < total.mean() < 10


@pytest.mark.parametrize("profile", ["lotv", "smaclite"])
def test_other_profiles_of_units(profile):
    env = DrawnSkirmish("protoss_5_vs_5", profile=profile)
    frames(env, [1, 2], 3, 40)
    assert env.units.damage_taken.any()


def test_pictures_show_who_was_drawn():
    env = environment("terran_5_vs_5")
    env.reset(np.array([0, 1]))
    pictures = [env.render(e) for e in range(2)]
    assert pictures[0].shape == pictures[1].shape and (pictures[0] != pictures[1]).any()


def test_an_action_that_is_not_available_is_refused():
    env = environment("zerg_5_vs_5")
    env.reset(np.arange(2))
    actions = np.full((2, 5), STOP)
    actions[1, 3] = 0
    with pytest.raises(ValueError, match="agent 3 cannot perform 0 in battle 1"):
        env.step(actions)
    with pytest.raises(ValueError, match="actions have shape"):
        env.step(actions[:1])


# --- Who sees whom ----------------------------------------------------------------------------------------


def shown_enemies(env, obs):
    """Which enemies the agents see, ``[E, N, M]``: all rows of others are zero."""
    m, width = env.scenario.n_enemies, env._encoding.basic.enemy_width
    return obs[..., 4 : 4 + m * width].reshape(*obs.shape[:2], m, width)[..., 1] > 0


def in_sight(env):
    """Which living enemies are in the sight of which living agents, ``[E, N, M]``."""
    n, units = env.scenario.n_agents, env.units
    gaps = np.hypot(units.x[:, :n, None] - units.x[:, None, n:], units.y[:, :n, None] - units.y[:, None, n:])
    sight = env._encoding.sight[env._match.handicaps.kind[:, :n]]
    alive = units.health > 0
    return (gaps < sight[..., None]) & alive[:, :n, None] & alive[:, None, n:]


@pytest.mark.parametrize("name", ["protoss_5_vs_5", "terran_20_vs_23"])
@pytest.mark.parametrize("erasure", ["all", "row"])
def test_an_unknown_enemy_hides_those_before_it(name, erasure):
    env = DrawnSkirmish(name, views=DrawnViewOptions(enemy_erasure=erasure))
    obs = env.reset(np.arange(60)).obs
    near = in_sight(env)
    unknown = ~near.any(1)  # to the whole team, after the second pass
    hidden = np.flip(np.logical_or.accumulate(np.flip(unknown, 1), 1), 1) if erasure == "all" else unknown
    expected = near & ~hidden[:, None]
    np.testing.assert_array_equal(shown_enemies(env, obs), expected)
    assert (near & ~expected).any() == (erasure == "all")


@pytest.mark.parametrize("probability", [0.0, 0.5])
def test_only_some_hear_of_an_enemy_that_another_one_has_seen(probability):
    views = DrawnViewOptions(prob_obs_enemy=probability, enemy_erasure="row")
    env = DrawnSkirmish("terran_10_vs_10", views=views)
    obs = env.reset(np.arange(100)).obs
    near, shown = in_sight(env), shown_enemies(env, obs)
    finders = near.sum(1)
    seen = shown.sum(1)[finders > 0]
    assert (seen >= 1).mean() == 1.0  # the finder at least
    many = finders >= 5
    share = (shown.sum(1)[many] - 1) / (finders[many] - 1)
    assert share.mean() == pytest.approx(probability, abs=0.05)


def test_cones_are_turned_by_actions():
    views = DrawnViewOptions(conic_fov=True, num_fov_actions=4, enemy_erasure="row")
    env = DrawnSkirmish("protoss_5_vs_5", views=views)
    env.reset(np.array([1]))
    put(env, agents=[(16, 10 + k) for k in range(5)], enemies=[(16, 25 + k / 2) for k in range(5)])
    turned = None
    for direction in range(4):
        env.units.x[0, :5], env.units.y[0, :5] = 16.0, [10, 12, 14, 16, 18]
        turned = env.step(np.full((1, 5), ATTACK + direction)).observation.obs
        look = turned[0, :, -5:-3]
        assert look[0] == pytest.approx(
            [round(np.cos(direction * np.pi / 2)), round(np.sin(direction * np.pi / 2))]
        )
    assert turned is not None


# --- Actions and handicaps --------------------------------------------------------------------------------


def own_scenario(tmp_path, base="protoss_5_vs_5", **capabilities):
    lines = (DATA / "scenarios" / f"{base}.yaml").read_text("utf-8")
    path = tmp_path / "own.yaml"
    path.write_text(lines + "".join(f"  {name}: {value}\n" for name, value in capabilities.items()), "utf-8")
    return str(path)


def test_who_gets_no_new_order_goes_on():
    """With all targets available an attack out of reach gives none: the unit walks on."""
    env = DrawnSkirmish("protoss_5_vs_5", views=DrawnViewOptions(action_mask=False))
    env.reset(np.array([1]))
    put(env, agents=[(8, 6 + 4 * k) for k in range(5)], enemies=[(27, 6 + 4 * k) for k in range(5)])
    env.step(np.full((1, 5), EAST))
    goals, before = env.units.order_x[0, :5].copy(), env.units.x[0, :5].copy()
    assert env._step.observation.avail_actions[0, :, ATTACK:].all()
    env.step(np.full((1, 5), ATTACK))
    assert (env.units.order_x[0, :5] == goals).all() and (env.units.x[0, :5] > before).all()
    offered = env._step.observation.obs[0, :, 4 : 4 + 5 * 9 : 9]
    assert not offered.any()  # the first entry of a row tells the truth


def fight(env, seed=4, steps=12):
    """Both teams face each other and shoot; returns the rewards."""
    env.reset(np.array([seed]))
    n, m = env.scenario.n_agents, env.scenario.n_enemies
    put(env, agents=[(12, 8 + 2 * k) for k in range(n)], enemies=[(16, 8 + 2 * k) for k in range(m)])
    env.step(np.full((1, n), STOP))
    rewards = []
    for _ in range(steps):
        avail = env._step.observation.avail_actions
        attack = avail[..., ATTACK:].argmax(-1) + ATTACK
        step = env.step(np.where(avail[..., ATTACK:].any(-1), attack, avail.argmax(-1)))
        rewards.append(float(step.reward[0]))
        if step.terminated[0]:
            break
    return np.array(rewards)


def test_attacks_fail_as_often_as_their_probability_says(tmp_path):
    never = "{dist_type: fixed, items: [[0, 0, 0, 0, 0]]}"
    env = DrawnSkirmish(own_scenario(tmp_path, attack=never))
    assert not fight(env).any() and env.units.damage_taken[0, 5:].sum() == 0
    always = "{dist_type: fixed, items: [[1, 1, 1, 1, 1]]}"
    assert fight(DrawnSkirmish(own_scenario(tmp_path, attack=always))).any()


def test_agents_die_below_their_share_of_health(tmp_path):
    levels = "{dist_type: fixed, items: [[0.9, 0.9, 0.9, 0.9, 0.9]]}"
    env = DrawnSkirmish(own_scenario(tmp_path, base="terran_5_vs_5", health=levels))
    fight(env)
    shares = env.units.health[0, :5] / env._match.rules.max_health[0, :5]
    assert (shares == 0).any() and ((shares == 0) | (shares > 0.5)).all()
    assert env._step.info["dead_allies"][0] == (shares == 0).sum()
    plain = DrawnSkirmish("terran_5_vs_5")
    fight(plain)
    assert plain._step.info["dead_allies"][0] < env._step.info["dead_allies"][0]


# --- Rewards and ends -------------------------------------------------------------------------------------


def test_healing_enemies_pay_nothing():
    """SMAC would pay for it."""
    env = environment("zerg_5_vs_5")
    env.reset(np.array([3]))
    put(env, agents=[(4, 4 + k) for k in range(5)], enemies=[(28, 20 + k) for k in range(5)])
    env.units.health[0, 5:] -= 10
    assert env.step(np.full((1, 5), STOP)).reward[0] == 0
    assert (env.units.health[0, 5:] > env._match.rules.max_health[0, 5:] - 10).all()


def test_rewards_are_scaled_by_average_or_own_enemies():
    strengths = {}
    for team in ("average", "own"):
        env = DrawnSkirmish("protoss_5_vs_5", reward_team=team)
        rewards = [fight(env, seed).sum() for seed in range(6)]
        rules = env._match.rules
        strengths[team] = rewards, env._match.scale.copy(), (rules.max_health + rules.max_shield)[0, 5:].sum()
    assert strengths["average"][1] == pytest.approx(20 / (250 + 5 * (0.45 * 160 + 0.45 * 150 + 0.1 * 350)))
    assert strengths["own"][1] == pytest.approx(20 / (250 + strengths["own"][2]))
    assert strengths["average"][0] != strengths["own"][0]


def test_unscaled_rewards_are_points():
    env = DrawnSkirmish("protoss_5_vs_5", rewards=RewardOptions(reward_scale=False), reward_team="own")
    fight(env)
    assert env._match.scale == 1.0


@pytest.mark.parametrize("survivors", [("medivac",), ("medivac", "marine")])
def test_any_number_of_medivacs_alone_gives_up(survivors):
    env = environment("terran_10_vs_10")
    names: tuple[str, ...] = ()
    seed = 0
    while names.count("medivac") < 2 or "marine" not in names:
        seed += 1
        env.reset(np.array([seed]))
        names = env.map_of(0).enemies
    dead = [k for k, name in enumerate(names, start=10) if name not in survivors]
    env.units.health[0, dead] = env.units.shield[0, dead] = 0
    put(env, agents=[(4, 4 + 2 * k) for k in range(10)], enemies=[(27, 5 + 2 * k) for k in range(10)])
    step = env.step(np.full((1, 10), STOP))
    assert step.terminated[0] == (survivors == ("medivac",)) == step.info["battle_won"][0]


@pytest.mark.parametrize("cut", [False, True])
def test_the_limit_is_an_end_or_a_cut(cut, tmp_path):
    text = (DATA / "scenarios" / "zerg_5_vs_5.yaml").read_text("utf-8")
    path = tmp_path / "short.yaml"
    path.write_text(text.replace("episode_limit: 200", "episode_limit: 3"), "utf-8")
    env = DrawnSkirmish(str(path), continuing_episode=cut)
    env.reset(np.array([3]))
    put(env, agents=[(4, 4 + k) for k in range(5)], enemies=[(28, 20 + k) for k in range(5)])
    for _ in range(3):
        step = env.step(np.full((1, 5), STOP))
    assert (step.terminated[0], step.truncated[0]) == (not cut, cut)
    assert env.step(np.full((1, 5), STOP)).reward[0] == 0
