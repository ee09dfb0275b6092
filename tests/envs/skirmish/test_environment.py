"""Battles as an environment: sizes, episodes, flags, pictures, mistakes."""

import numpy as np
import pytest

from remix.envs.battles import Battles
from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.maps import map_names
from remix.envs.skirmish.units import load_units
from remix.settings.errors import SettingError


def random_actions(avail_actions, rng):
    return (avail_actions * rng.random(avail_actions.shape)).argmax(-1)


def play(env, n_battles=4, seed=0, choose=random_actions):
    """Steps of whole battles: reward, terminated, truncated and info of each."""
    rng, observation = np.random.default_rng(seed), env.reset(np.arange(n_battles))
    running, steps = np.ones(n_battles, bool), []
    for _ in range(env.spec.episode_limit):
        step = env.step(choose(observation.avail_actions, rng))
        info = {name: values.copy() for name, values in step.info.items()}
        steps.append((step.reward.copy(), step.terminated.copy(), step.truncated.copy(), info))
        observation, running = step.observation, running & ~(step.terminated | step.truncated)
        if not running.any():
            return steps
    raise AssertionError("a battle went on beyond the limit")


@pytest.mark.parametrize("name", map_names())
def test_every_map_is_played_to_its_end(name):
    """Within the limit, in finite numbers, with as many dead as the outcome says."""
    env = Skirmish(name, continuing_episode=True)
    steps = play(env, n_battles=2)
    assert len(steps) <= env.spec.episode_limit
    info = steps[-1][3]
    assert all(np.isfinite(reward).all() for reward, *_ in steps)
    for e in range(2):
        everybody = info["dead_allies"][e] == env.map.n_agents
        truncated = any(truncated[e] for _, _, truncated, _ in steps)
        assert not (info["battle_won"][e] and everybody)
        assert truncated == (sum(terminated[e] for _, terminated, _, _ in steps) == 0)


def nearest_first(avail_actions, rng):
    """Attack whom one can, else walk east, where the enemies come from."""
    order = np.arange(avail_actions.shape[-1])
    preference = np.where(order >= 6, 3.0, np.where(order == 4, 2.0, 1.0))
    return (avail_actions * preference).argmax(-1)


def test_a_victory_is_an_end_that_pays_twenty():
    """Enemies that never regenerate: all rewards add up to the scale."""
    env = Skirmish("3m")
    steps = play(env, n_battles=32, choose=nearest_first)
    returns, won = sum(reward for reward, *_ in steps), steps[-1][3]["battle_won"] == 1
    ended = np.any([terminated for _, terminated, _, _ in steps], axis=0)
    assert won.any() and ended[won].all()
    assert returns[won] == pytest.approx(np.full(won.sum(), 20.0), abs=1e-4)
    assert (returns[~won] < 11.0).all()
    assert (steps[-1][3]["dead_enemies"][won] == 3).all()


@pytest.mark.parametrize("settings", [{}, {"continuing_episode": False}, {"continuing_episode": True}])
def test_whoever_hides_comes_to_the_limit(settings):
    """The spine crawler cannot come: a battle in which nobody moves ends by time, or is cut by it."""
    env = Skirmish("2s_vs_1sc", **settings)
    steps = play(env, n_battles=1, choose=lambda avail, rng: avail[..., 1:].argmax(-1) + 1)
    assert len(steps) == env.spec.episode_limit == 300
    cut = settings.get("continuing_episode", False)
    assert steps[-1][1].tolist() == [not cut] and steps[-1][2].tolist() == [cut]
    assert not any((terminated | truncated).any() for _, terminated, truncated, _ in steps[:-1])
    assert steps[-1][3]["battle_won"] == 0 and not any(reward.any() for reward, *_ in steps)


@pytest.mark.parametrize("profile", ["liberty", "lotv"])
def test_whoever_hits_the_ground_hits_colossi(profile):
    """They are on a plane of their own, but walk; two that could not fight each other would never end."""
    for unit in load_units(profile).values():
        if unit.weapon is not None and "ground" in unit.weapon.targets:
            assert "colossus" in unit.weapon.targets, unit.name


def test_options_change_what_is_seen():
    plain, full = Battles("2s3z"), Battles("2s3z", obs_last_action=True, obs_pathing_grid=True)
    assert (plain.spec.obs_size, plain.spec.state_size, plain.spec.n_actions) == (80, 120, 11)
    assert full.spec.obs_size == 124 + 8
    assert Battles("2s3z", obs_instead_of_state=True).spec.state_size == 400


def test_an_action_that_is_not_available_is_refused():
    env = Skirmish("3m")
    env.reset(np.arange(2))
    with pytest.raises(ValueError, match="agent 1 cannot perform 0 in battle 0"):
        env.step(np.array([[1, 0, 1], [1, 1, 1]]))


@pytest.mark.parametrize("name", ["MMM2", "2c_vs_64zg"])
def test_pictures_change_with_the_battle(name):
    env = Skirmish(name)
    env.reset(np.arange(1))
    first = env.render()
    env.step(np.ones((1, env.spec.n_agents), np.int64))
    assert first.shape == env.render().shape and first.dtype == np.uint8
    assert (first != env.render()).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"map_name": "MMM3"}, r"map_name=MMM3: must be one of MMM, MMM2, "),
        ({"profile": "libery"}, r"profile=libery: must be one of liberty"),
        ({"step_mul": 0}, r"step_mul=0"),
        ({"obs_last_action": 1}, r"obs_last_action=1"),
        ({"reward_scale_rate": 0}, r"reward_scale_rate=0"),
        ({"map_name": "6h_vs_8z", "profile": "smaclite"}, "hydralisk"),
        ({"backend": "starcraft"}, r"backend=starcraft: must be one of starcraft2, skirmish$"),
        ({"difficulty": "7"}, r"difficulty=7: must be null with backend=skirmish"),
        ({"profile": "lotv", "backend": "starcraft2"}, r"profile=lotv: must be null with backend=starcraft2"),
    ],
)
def test_mistakes_are_one_line(settings, message):
    with pytest.raises(SettingError, match=message) as caught:
        Battles(**settings)
    assert "\n" not in str(caught.value)
