"""SMACv2's own interface: what is called how, what it returns, and that its battles are ours."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import numpy as np
import pytest

from remix.envs.skirmish.drawn import DrawnSkirmish
from remix.envs.skirmish.scenarios import load_scenario, scenario_names
from remix.envs.skirmish.smacv2_env import StarCraftCapabilityEnvWrapper
from remix.envs.smacv2 import DrawnBattles, DrawnViewOptions
from remix.envs.starcraft_v2 import capability_config
from remix.settings.errors import SettingError
from tests.envs.skirmish.test_starcraft2_env import DEFAULTS, draw

# What SMACv2's constructors have and SMAC's has not.
NEW: dict[str, Any] = {
    "obs_own_pos": False,
    "obs_starcraft": True,
    "conic_fov": False,
    "num_fov_actions": 12,
    "use_unit_ranges": False,
    "min_attack_range": 2,
    "kill_unit_step_mul": 2,
    "fully_observable": False,
    "prob_obs_enemy": 1.0,
    "action_mask": True,
}
PUBLISHED: dict[str, Any] = {"obs_own_pos": True, "use_unit_ranges": True, "min_attack_range": 2}


def config_of(name: str) -> dict[str, Any]:
    return capability_config(load_scenario(name))


def make(name: str = "terran_5_vs_5", **settings: Any) -> StarCraftCapabilityEnvWrapper:
    """A published scenario."""
    race, settings = name.split("_")[0], {"capability_config": config_of(name), **PUBLISHED, **settings}
    return StarCraftCapabilityEnvWrapper(map_name=f"10gen_{race}", **settings)


def test_the_constructor_is_that_of_smacv2() -> None:
    parameters = inspect.signature(StarCraftCapabilityEnvWrapper).parameters
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters.values())
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    ours = {"profile": "liberty", "reward_team": "average", "enemy_erasure": "all"}
    assert defaults == DEFAULTS | NEW | ours | {"capability_config": inspect.Parameter.empty}


def test_the_loop_of_smacv2s_readme() -> None:
    distribution_config = {
        "n_units": 5,
        "n_enemies": 5,
        "team_gen": {
            "dist_type": "weighted_teams",
            "unit_types": ["marine", "marauder", "medivac"],
            "exception_unit_types": ["medivac"],
            "weights": [0.45, 0.45, 0.1],
            "observe": True,
        },
        "start_positions": {
            "dist_type": "surrounded_and_reflect",
            "p": 0.5,
            "n_enemies": 5,
            "map_x": 32,
            "map_y": 32,
        },
    }
    before = copy.deepcopy(distribution_config)
    env = StarCraftCapabilityEnvWrapper(
        capability_config=distribution_config,
        map_name="10gen_terran",
        debug=True,
        conic_fov=False,
        obs_own_pos=True,
        use_unit_ranges=True,
        min_attack_range=2,
    )
    env_info, rng = env.get_env_info(), np.random.default_rng(0)
    n_actions, n_agents = env_info["n_actions"], env_info["n_agents"]
    for _ in range(2):
        obs, state = env.reset()
        terminated, episode_reward, steps = False, 0.0, 0
        while not terminated:
            obs, state = env.get_obs(), env.get_state()
            assert [view.shape for view in obs] == [(env_info["obs_shape"],)] * n_agents
            assert state.shape == (env_info["state_shape"],) and state.dtype == obs[0].dtype == np.float32
            actions = []
            for agent_id in range(n_agents):
                avail_actions = env.get_avail_agent_actions(agent_id)
                assert type(avail_actions) is list and len(avail_actions) == n_actions
                avail_actions_ind = np.nonzero(np.array(avail_actions))[0]
                actions.append(rng.choice(avail_actions_ind))
            reward, terminated, info = env.step(actions)
            assert type(reward) is float and type(terminated) is bool
            assert set(info) == {"battle_won", "dead_allies", "dead_enemies"}
            episode_reward, steps = episode_reward + reward, steps + 1
        assert episode_reward >= 0 and steps <= env_info["episode_limit"] == 200
    stats = env.get_stats()
    assert set(stats) == {"battles_won", "battles_game", "battles_draw", "win_rate", "timeouts", "restarts"}
    assert stats["battles_game"] == 2
    assert distribution_config == before, "SMACv2 writes into it"
    env.close()


@pytest.mark.parametrize(
    "settings", [{}, {"conic_fov": True, "obs_last_action": True}, {"prob_obs_enemy": 0.0}]
)
@pytest.mark.parametrize("name", ["protoss_10_vs_11", "terran_5_vs_5", "zerg_5_vs_5"])
def test_its_battles_are_those_of_our_own_environment(name: str, settings: dict[str, Any]) -> None:
    env, rng, seeds = make(name, seed=5, **settings), np.random.default_rng(0), np.random.default_rng(5)
    battles = DrawnBattles(name, **settings)
    for _ in range(2):
        obs, state = env.reset()
        seen = battles.reset(seeds.integers(2**63, size=1))
        terminated = False
        while not terminated:
            np.testing.assert_array_equal(obs, seen.obs[0])
            np.testing.assert_array_equal(state, seen.state[0])
            np.testing.assert_array_equal(env.get_avail_actions(), seen.avail_actions[0])
            actions = draw(env, rng)
            reward, terminated, info = env.step(actions)
            step = battles.step(np.array([actions]))
            assert reward == step.reward[0] and terminated == bool(step.terminated[0] | step.truncated[0])
            assert info == {key: values[0] for key, values in step.info.items()}
            obs, state, seen = env.get_obs(), env.get_state(), step.observation


@pytest.mark.parametrize("name", scenario_names())
def test_published_configurations_have_their_sizes(name: str) -> None:
    env, scenario = make(name), load_scenario(name)
    spec, info = DrawnSkirmish(name).spec, env.get_env_info()
    assert (info["obs_shape"], info["state_shape"]) == (spec.obs_size, spec.state_size)
    assert (info["n_agents"], info["n_actions"], info["cap_shape"]) == (spec.n_agents, spec.n_actions, 3)
    assert len(info["agent_features"]) == env.get_ally_num_attributes()
    assert len(info["enemy_features"]) == env.get_enemy_num_attributes()
    assert len(env.get_obs_feature_names()) == spec.obs_size
    assert env.get_state_feature_names()[0] == "ally_health_0" and scenario.n_enemies == env.n_enemies
    assert env.get_obs_feature_names()[-1] == "own_unit_type_bit_2"


HANDICAPS = {
    "attack": {"dist_type": "per_agent_uniform", "lower_bound": [0.5], "upper_bound": [1.0], "observe": True},
    "health": {
        "dist_type": "per_agent_uniform",
        "lower_bound": [0.1],
        "upper_bound": [0.3],
        "observe": False,
    },
}


def test_capabilities_are_those_that_the_state_shows() -> None:
    env = make("zerg_5_vs_5", seed=1, capability_config=config_of("zerg_5_vs_5") | HANDICAPS)
    env.reset()
    assert env.get_env_info()["agent_features"] == [
        *("health", "energy/cooldown", "rel_x", "rel_y", "attack_probability", "total_health"),
        *("type_0", "type_1", "type_2"),
    ]
    rows = env.get_state_dict()["allies"]
    assert env.get_cap_size() == 5
    np.testing.assert_array_equal(env.get_capabilities().reshape(5, 5), rows[:, 4:])
    assert env.get_capabilities().dtype == np.float32


def test_units_ranges_and_targets() -> None:
    env, rng = make("terran_5_vs_5", seed=3, conic_fov=True, num_fov_actions=8), np.random.default_rng(0)
    assert env.n_actions_no_attack == 14 and env.env is env and env.env.map_type == "terran_gen"
    alphabet = ("baneling", "colossus", "hydralisk", "marauder", "marine", "medivac")
    sights, reaches = {"marine": 9, "marauder": 10, "medivac": 11}, {"marine": 5, "marauder": 6, "medivac": 4}
    env.reset()
    assert (env.fov_directions == [1, 0]).all()
    terminated = False
    while not terminated:
        for i, unit in env.agents.items():
            name = unit.type.name
            assert unit.unit_type == 2000 + alphabet.index(name) and unit.owner == 1
            assert (env.unit_sight_range(i), env.unit_shoot_range(i)) == (sights[name], reaches[name])
            assert env.get_unit_type_id(unit, True) == ["marine", "marauder", "medivac"].index(name)
            if unit.health > 0:
                targets = env.agents if unit.type.heal else env.enemies
                can = [env.get_can_shoot(i, target) for target in targets.values()]
                assert can == [bool(a) for a in env.get_avail_agent_actions(i)[14:]]
                assert env.get_true_avail_agent_actions(i) == env.get_avail_agent_actions(i)
        actions = draw(env, rng)
        _, terminated, _ = env.step(actions)
        for i, action in enumerate(actions):
            if 6 <= action < 14:
                angle = 2 * np.pi * (action - 6) / 8
                assert env.fov_directions[i] == pytest.approx([np.cos(angle), np.sin(angle)], abs=1e-9)
    assert env.get_visibility_matrix().shape == (5, 10)


def test_the_lower_number_decides_whether_agents_see_each_other() -> None:
    env = make("terran_5_vs_5", seed=0)
    env.reset()
    units, kind = env._env.units, env._drawn_env.drawn.kind
    units.health[:] = 0.0
    for first, second in (("marine", "marauder"), ("marauder", "marine")):
        kind[0, :2] = [env._drawn_env.scenario.types.index(name) for name in (first, second)]
        units.x[0, [0, 1, 5]], units.y[0, [0, 1, 5]], units.health[0, [0, 1, 5]] = [5, 14.5, 14.5], 9, 20
        seen = env.get_visibility_matrix()
        assert seen[0, 1] == seen[1, 0] == seen[0, 5] == (first == "marauder")
        assert seen[1, 5] and seen.sum() == 1 + 3 * (first == "marauder")


def test_actions_out_of_reach_are_told_from_available_ones() -> None:
    env = make("protoss_5_vs_5", seed=2, action_mask=False)
    env.reset()
    available, true = (
        np.array([ask(i) for i in range(5)])
        for ask in (env.get_avail_agent_actions, env.get_true_avail_agent_actions)
    )
    assert available[:, 6:].all() and (true <= available).all() and not true[:, 6:].all()
    np.testing.assert_array_equal(true[:, :6], available[:, :6])


CROWD = {
    "n_units": 150,
    "n_enemies": 100,
    "team_gen": {"dist_type": "weighted_teams", "unit_types": ["medivac", "marine"], "weights": [0.5, 0.5]},
}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"map_name": "8m"}, "map_name=8m: must be one of 10gen_"),
        ({"obs_instead_of_state": True}, "obs_instead_of_state=True: must be False without StarCraft"),
        ({"obs_starcraft": False}, "obs_starcraft=False: must be True without StarCraft"),
        ({"heuristic_ai": True}, "heuristic_ai=True: must be False without StarCraft"),
        ({"kill_unit_step_mul": 4}, "kill_unit_step_mul=4: must be 2 without StarCraft"),
        ({"capability_config": 3}, "capability_config=3: must be a mapping"),
        ({"capability_config": {"n_units": 5, "n_enemies": 5}}, "capability_config={...}: team_gen is miss"),
        ({"capability_config": CROWD}, "capability_config={...}: n_units and n_enemies must be 205 in sum"),
        ({"map_name": "10gen_zerg", "profile": "smaclite"}, "map_name=10gen_zerg: types=hydralisk: must be"),
        ({"conic_fov": 3}, "conic_fov=3: must be true or false"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(settings: dict[str, Any], message: str) -> None:
    settings = {"map_name": "10gen_terran", "capability_config": config_of("terran_5_vs_5")} | settings
    with pytest.raises(SettingError) as refused:
        StarCraftCapabilityEnvWrapper(**settings)
    assert str(refused.value).startswith(message) and "\n" not in str(refused.value)


def test_configurations_may_hold_arrays_tuples_and_sets() -> None:
    config = config_of("terran_5_vs_5")
    config["team_gen"] |= {"weights": np.array([0.45, 0.45, 0.1]), "exception_unit_types": {"medivac"}}
    config["team_gen"]["unit_types"] = tuple(config["team_gen"]["unit_types"])
    one, other = make(seed=4, capability_config=config), make(seed=4)
    np.testing.assert_array_equal(one.reset()[1], other.reset()[1])


def test_the_scale_of_rewards_is_that_of_average_enemies() -> None:
    assert make("terran_5_vs_5").max_reward == pytest.approx(706, rel=0.02)
    assert DrawnViewOptions().enemy_erasure == "all"
