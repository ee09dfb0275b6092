"""SMAC's own interface: what is called how, what it returns, and how episodes end."""

import inspect
from typing import Any

import numpy as np
import pytest
import torch

from remix.envs.battles import Battles, ViewOptions
from remix.envs.skirmish.encoding import make_encoding
from remix.envs.skirmish.fields import DATA
from remix.envs.skirmish.maps import map_names
from remix.envs.skirmish.starcraft2_env import StarCraft2Env
from remix.envs.skirmish.starcraft2_views import Direction
from remix.settings.errors import SettingError

# SMAC's constructor, in its order.
DEFAULTS: dict[str, Any] = {
    "map_name": "8m",
    "step_mul": 8,
    "move_amount": 2,
    "difficulty": "7",
    "game_version": None,
    "seed": None,
    "continuing_episode": False,
    "obs_all_health": True,
    "obs_own_health": True,
    "obs_last_action": False,
    "obs_pathing_grid": False,
    "obs_terrain_height": False,
    "obs_instead_of_state": False,
    "obs_timestep_number": False,
    "state_last_action": True,
    "state_timestep_number": False,
    "reward_sparse": False,
    "reward_only_positive": True,
    "reward_death_value": 10,
    "reward_win": 200,
    "reward_defeat": 0,
    "reward_negative_scale": 0.5,
    "reward_scale": True,
    "reward_scale_rate": 20,
    "replay_dir": "",
    "replay_prefix": "",
    "window_size_x": 1920,
    "window_size_y": 1200,
    "heuristic_ai": False,
    "heuristic_rest": False,
    "debug": False,
}


def draw(env, rng):
    """Random available actions, as SMAC's example does it."""
    return [rng.choice(np.nonzero(env.get_avail_agent_actions(i))[0]) for i in range(env.n_agents)]


def short_map(tmp_path, limit, name="3m"):
    text = (DATA / "maps" / f"{name}.yaml").read_text()
    lines = [
        f"episode_limit: {limit}" if line.startswith("episode_limit") else line for line in text.splitlines()
    ]
    path = tmp_path / f"{name}.yaml"
    path.write_text("\n".join(lines))
    return str(path)


def weaken(env, team, *rest):
    """Leave the units of a team (0 or 1) with next to no health, but not those whose numbers are given."""
    first = team * env.n_agents
    units, number = env._env.units, (env.n_agents, env.n_enemies)[team]
    chosen = [first + i for i in range(number) if i not in rest]
    units.health[0, chosen], units.shield[0, chosen] = 0.01, 0.0


# --- The interface ----------------------------------------------------------------------------------------


def test_the_constructor_is_that_of_smac():
    parameters = list(inspect.signature(StarCraft2Env).parameters.values())
    assert {parameter.name: parameter.default for parameter in parameters[:-1]} == DEFAULTS
    assert parameters[-1].name == "profile"
    StarCraft2Env(**{**DEFAULTS, "map_name": "3m", "game_version": "4.10", "replay_dir": "somewhere"})
    with pytest.raises(SettingError, match="map_name=2s3y: must be one of 2s3z, "):
        StarCraft2Env(map_name="2s3y")


@pytest.mark.parametrize("name", map_names())
def test_a_rollout_as_in_pymarl(name):
    """Sizes are asked for before the first reset; states, masks and observations before every step."""
    env, rng = StarCraft2Env(map_name=name, seed=1), np.random.default_rng(0)
    info = env.get_env_info()
    assert info["episode_limit"] == env.episode_limit
    for _ in range(2):
        env.reset()
        terminated, total, steps = False, 0.0, 0
        while not terminated:
            state, avail, obs = env.get_state(), env.get_avail_actions(), env.get_obs()
            assert state.shape == (info["state_shape"],) and state.dtype == np.float32
            assert np.array(avail).shape == (info["n_agents"], info["n_actions"])
            assert np.array(obs).shape == (info["n_agents"], info["obs_shape"])
            actions = torch.tensor(draw(env, rng))
            reward, terminated, episode = env.step(actions)
            assert type(reward) is float and type(terminated) is bool
            assert set(episode) == {"battle_won", "dead_allies", "dead_enemies"}
            total, steps = total + reward, steps + 1
        assert steps <= info["episode_limit"] and total >= 0
        assert sum(env.death_tracker_ally) == episode["dead_allies"]
        assert sum(env.death_tracker_enemy) == episode["dead_enemies"]
    stats = env.get_stats()
    assert stats["battles_game"] == 2 and stats["battles_won"] == stats["win_rate"] * 2
    assert set(stats) == {"battles_won", "battles_game", "battles_draw", "win_rate", "timeouts", "restarts"}
    env.close()
    env.close()


def test_it_plays_the_battles_of_the_environment():
    env, battles = StarCraft2Env("2s3z", seed=5), Battles("2s3z")
    obs, state = env.reset()
    seen = battles.reset(np.random.default_rng(5).integers(2**63, size=1))
    rng, terminated = np.random.default_rng(0), False
    while not terminated:
        np.testing.assert_array_equal(obs, seen.obs[0])
        np.testing.assert_array_equal(state, seen.state[0])
        np.testing.assert_array_equal(env.get_avail_actions(), seen.avail_actions[0])
        actions = draw(env, rng)
        reward, terminated, _ = env.step(actions)
        step = battles.step(np.array([actions]))
        assert reward == step.reward[0] and terminated == bool(step.terminated[0] | step.truncated[0])
        obs, state, seen = env.get_obs(), env.get_state(), step.observation


def test_what_was_returned_stays_as_it_is():
    env = StarCraft2Env("3m", seed=0)
    obs, state = env.reset()
    kept = [*(vector.copy() for vector in obs), state.copy()]
    env.step([1, 4, 4])
    assert all((one == other).all() for one, other in zip([*obs, state], kept, strict=True))


def test_seeds_repeat_all_battles_and_none_does_not():
    def battles(seed):
        env, rng = StarCraft2Env("3m", seed=seed), np.random.default_rng(3)
        rewards = []
        for _ in range(2):
            env.reset()
            terminated = False
            while not terminated:
                reward, terminated, _ = env.step(draw(env, rng))
                rewards.append((reward, *env.get_state()))
        return rewards

    assert battles(7) == battles(7) != battles(8)
    assert battles(None) != battles(None)
    assert StarCraft2Env("3m", seed=7).seed() == 7 and StarCraft2Env("3m").seed() is None


@pytest.mark.parametrize(
    ("actions", "agent"), [([1, 1, 0], 2), ([6, 1, 1], 0), ([1, 9, 1], 1), ([1, -1, 1], 1)]
)
def test_actions_that_are_not_available_are_refused_in_smacs_words(actions, agent):
    env = StarCraft2Env("3m")
    env.reset()
    with pytest.raises(AssertionError, match=f"Agent {agent} cannot perform action {actions[agent]}"):
        env.step(actions)


def test_there_is_nothing_to_play_before_a_reset_or_after_the_end(tmp_path):
    env = StarCraft2Env(short_map(tmp_path, 2))
    for call in (lambda: env.step([1, 1, 1]), env.get_obs, env.get_state, env.get_avail_actions):
        with pytest.raises(RuntimeError, match=r"reset\(\)"):
            call()
    env.reset()
    assert [env.step([1, 1, 1])[1] for _ in range(2)] == [False, True]
    with pytest.raises(RuntimeError, match=r"reset\(\)"):
        env.step([1, 1, 1])
    assert len(env.get_obs()) == 3, "the last observations can still be had"
    env.full_restart()
    with pytest.raises(RuntimeError, match=r"reset\(\)"):
        env.get_obs()
    env.reset()
    assert env.force_restarts == env.get_stats()["restarts"] == 1


def test_what_only_the_game_can_do_is_refused():
    env = StarCraft2Env("3m")
    env.reset()
    with pytest.raises(NotImplementedError, match="replays are StarCraft's"):
        env.save_replay()
    with pytest.raises(NotImplementedError, match="rgb_array"):
        env.render()
    assert env.render("rgb_array").ndim == 3


# --- Ends -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("continuing", [False, True])
def test_a_timeout_terminates_and_is_told_only_if_asked_for(tmp_path, continuing):
    env = StarCraft2Env(short_map(tmp_path, 3), continuing_episode=continuing)
    env.reset()
    results = [env.step([1, 1, 1]) for _ in range(3)]
    assert [terminated for _, terminated, _ in results] == [False, False, True]
    assert [info.get("episode_limit") for *_, info in results] == [None, None, True if continuing else None]
    assert (env.timeouts, env.battles_game, env.battles_won) == (1, 1, 0)
    assert env.get_stats()["battles_draw"] == 1
    assert not env.win_counted and not env.defeat_counted


@pytest.mark.parametrize("sparse", [False, True])
def test_victories_and_defeats(sparse):
    env = StarCraft2Env("6h_vs_8z", reward_sparse=sparse, reward_scale=False, reward_defeat=-5)
    rewards = {}
    for team, name in ((1, "won"), (0, "lost")):
        env.reset()
        weaken(env, team)
        terminated = False
        while not terminated:
            avail = np.array(env.get_avail_actions())
            actions = np.where(avail[:, 6:].any(1), 6 + avail[:, 6:].argmax(1), avail.argmax(1))
            rewards[name], terminated, info = env.step(actions.tolist())
            weaken(env, team, *np.flatnonzero([env.death_tracker_ally, env.death_tracker_enemy][team]))
        assert info["battle_won"] == env.win_counted == (name == "won")
        assert env.defeat_counted == (name == "lost")
    assert (env.battles_won, env.battles_game, env.timeouts) == (1, 2, 0)
    if sparse:
        assert rewards == {"won": 1, "lost": -1}
    else:
        assert rewards["won"] > 200 and -5 <= rewards["lost"] < 200


# --- Views and units --------------------------------------------------------------------------------------


def test_last_actions_are_those_of_the_step():
    env = StarCraft2Env("3m", obs_last_action=True)
    assert not env.last_action.any()
    env.reset()
    env.step([1, 2, 4])
    assert env.last_action.tolist() == np.eye(9)[[1, 2, 4]].tolist()
    assert env.get_state()[-27:].tolist() == env.last_action.ravel().tolist()
    assert env.get_obs_agent(0)[24:33].tolist() == np.eye(9)[2].tolist(), "at the end of the first ally's row"


def test_the_time_is_the_last_entry_of_an_observation():
    env = StarCraft2Env("3m", obs_timestep_number=True, state_timestep_number=True)
    env.reset()
    env.step([1, 1, 1])
    assert len(env.get_obs_agent(0)) == env.get_obs_size() == 31
    assert env.get_obs_agent(0)[-1] == env.get_state()[-1] == pytest.approx(1 / 60)
    assert env.get_state_dict()["timestep"] == pytest.approx(1 / 60)


@pytest.mark.parametrize("name", ["MMM2", "2s3z", "2c_vs_64zg"])
def test_blocks_have_the_sizes_that_are_told(name):
    env = StarCraft2Env(name, obs_last_action=True, obs_pathing_grid=True, obs_terrain_height=True)
    rows = [env.get_obs_enemy_feats_size(), env.get_obs_ally_feats_size()]
    assert env.get_obs_size() == env.get_obs_move_feats_size() + env.get_obs_own_feats_size() + sum(
        n * width for n, width in rows
    )
    env.reset()
    state = env.get_state_dict()
    assert state["allies"].shape == (env.n_agents, env.get_ally_num_attributes())
    assert state["enemies"].shape == (env.n_enemies, env.get_enemy_num_attributes())
    assert state["last_action"].shape == (env.n_agents, env.n_actions)
    joined = np.concatenate([state[part].ravel() for part in ("allies", "enemies", "last_action")])
    np.testing.assert_array_equal(env.get_state(), joined)
    info = env.get_env_info()
    assert len(info["agent_features"]) == env.get_ally_num_attributes()
    assert len(info["enemy_features"]) == env.get_enemy_num_attributes()
    assert env.get_total_actions() == info["n_actions"] == env.n_actions_no_attack + env.n_enemies


def test_units_are_those_of_the_battle():
    env = StarCraft2Env("MMM", seed=0)
    env.reset()
    rng = np.random.default_rng(0)
    for _ in range(14):
        env.step(draw(env, rng))
    units = env._env.units
    for i, unit in enumerate([*env.agents.values(), *env.enemies.values()]):
        assert (unit.pos.x, unit.pos.y) == (units.x[0, i], units.y[0, i])
        assert (unit.health, unit.shield, unit.energy) == (units.health[0, i], 0, units.energy[0, i])
        assert unit.weapon_cooldown == units.cooldown[0, i] and 0 <= unit.health <= unit.health_max
        assert unit.owner == 1 + (i >= 10) and unit.tag == i + 1
    assert env.get_unit_by_id(9) is env.agents[9] and env.agents[9].energy_max == 200
    assert "medivac 10 at (" in repr(env.agents[9])


def test_types_have_the_games_numbers_and_the_views_places():
    env = StarCraft2Env("2s3z")
    env.reset()
    assert [unit.unit_type - env.agents[0].unit_type for unit in env.agents.values()] == [0, 0, 1, 1, 1]
    assert env.get_unit_types()[5:] == [74, 74, 73, 73, 73]
    assert [env.get_unit_type_id(env.agents[i], True) for i in (0, 4)] == [0, 1]
    assert [env.get_unit_type_id(env.enemies[k], False) for k in (0, 4)] == [1, 0]
    assert [env.unit_max_shield(env.agents[i]) for i in (0, 4)] == [80, 50]
    plain = StarCraft2Env("3m")
    plain.reset()
    assert plain.unit_max_shield(plain.agents[0]) is None
    with pytest.raises(ValueError, match="views of 3m have no entry for the type marine"):
        plain.get_unit_type_id(plain.agents[0], True)


def test_ranges_and_scales():
    env = StarCraft2Env("MMM")
    env.reset()
    assert (env.unit_shoot_range(0), env.unit_sight_range(0)) == (6, 9)
    scales = [env.unit_max_cooldown(env.agents[i]) for i in range(env.n_agents)]
    assert scales == [25, 25, *[15] * 7, 200]
    encoding = make_encoding(env._map, env._env.types, ViewOptions())
    np.testing.assert_allclose(1 / encoding.readiness_scale[:10], scales)
    assert env.max_reward == 1015 and env.distance(1, 1, 4, 5) == 5
    assert (env.map_x, env.map_y, env.max_distance_x, env.max_distance_y) == (32, 32, 32, 32)
    assert env.pathing_grid[2, 7] and not env.pathing_grid[2, 6] and env.terrain_height.shape == (32, 32)


def test_moves_and_sight_agree_with_the_views():
    env, rng = StarCraft2Env("3s_vs_3z", seed=2), np.random.default_rng(2)
    env.reset()
    for _ in range(25):
        if env.step(draw(env, rng))[1]:
            break
        seen = env.get_visibility_matrix()
        assert (
            seen.shape == (3, 6)
            and not seen[[0, 1, 2], [0, 1, 2]].any()
            and (seen[:, :3] == seen[:, :3].T).all()
        )
        for i, unit in env.agents.items():
            if unit.health > 0:
                assert [env.can_move(unit, way) for way in Direction] == [
                    bool(a) for a in env.get_avail_agent_actions(i)[2:6]
                ]
            rows = env.get_obs_agent(i)[4:22].reshape(3, 6)
            assert (rows[:, 1] > 0).tolist() == seen[i, 3:].tolist()


# --- SMAC's scripted agents -------------------------------------------------------------------------------


@pytest.mark.parametrize("rest", [False, True])
@pytest.mark.parametrize("name", ["3m", "MMM", "2s_vs_1sc"])
def test_scripted_agents_go_for_the_nearest(name, rest):
    """Theirs are the actions that are played, whatever is passed; with ``heuristic_rest`` available ones."""
    env = StarCraft2Env(name, seed=0, heuristic_ai=True, heuristic_rest=rest)
    env.reset()
    terminated, targets = False, dict[int, int]()
    while not terminated:
        avail, places = np.array(env.get_avail_actions()), {k: unit.pos for k, unit in env.enemies.items()}
        alive = [k for k, unit in env.enemies.items() if unit.health > 0]
        living = [i for i, unit in env.agents.items() if unit.health > 0]
        before = {i: unit.pos for i, unit in env.agents.items()}
        actions = [1] * env.n_agents
        _, terminated, info = env.step(actions)
        assert env.last_action.argmax(1).tolist() == actions
        for i in living:
            assert not rest or avail[i, actions[i]] or actions[i] in (0, 2, 3, 4, 5)
            if actions[i] < 6 or env.agents[i].type.heal:
                continue
            kept = targets.get(i)
            if kept not in alive and env.agents[i].type.name != "marauder":
                gaps = {k: env.distance(*before[i][:2], *places[k][:2]) for k in alive}
                assert rest or gaps[actions[i] - 6] == min(gaps.values())
            targets[i] = actions[i] - 6
    assert info["dead_enemies"] > 0 or name == "2s_vs_1sc"
    assert env.get_stats()["battles_game"] == 1
