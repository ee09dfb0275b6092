"""What every environment promises, checked on every environment of the configuration."""

from pathlib import Path

import hydra.utils
import numpy as np
import pytest
from omegaconf import OmegaConf

import conf
from envs.gate import Gate
from envs.spec import Environment

# Environments that need packages or programs which are not part of every installation.
_OPTIONAL = ("envs.pettingzoo.", "envs.starcraft.")


def _environments():
    for path in sorted((Path(conf.__file__).parent / "env").glob("*.yaml")):
        config = OmegaConf.load(path)
        if "_target_" in config and not config._target_.startswith(_OPTIONAL):
            yield pytest.param(config, id=path.stem)


@pytest.fixture(params=_environments())
def env(request):
    env = hydra.utils.instantiate(request.param)
    yield env
    env.close()
    env.close()


def _random_actions(avail_actions, rng):
    return (avail_actions * rng.random(avail_actions.shape)).argmax(axis=-1)


def _play(env, seeds, action_seeds):
    """Whole episodes, each a list with everything that was seen, done and returned in each step."""
    rngs = [np.random.default_rng(seed) for seed in action_seeds]
    observation = env.reset(np.array(seeds))
    episodes: list[list] = [[] for _ in seeds]
    running = np.ones(len(seeds), bool)
    for _ in range(env.spec.episode_limit):
        actions = np.stack(
            [_random_actions(avail, rng) for avail, rng in zip(observation.avail_actions, rngs, strict=True)]
        )
        before = [part.copy() for part in observation]
        step = env.step(actions)
        for e in np.flatnonzero(running):
            outcome = (actions, step.reward, step.terminated, step.truncated)
            episodes[e].append([part[e].copy() for part in (*before, *outcome, *step.info.values())])
        running &= ~(step.terminated | step.truncated)
        observation = step.observation
    assert not running.any(), "an episode went on beyond the episode limit"
    return episodes


def _assert_equal(first, second):
    assert len(first) == len(second)
    for left, right in zip(first, second, strict=True):
        for a, b in zip(left, right, strict=True):
            np.testing.assert_array_equal(a, b)


def test_is_an_environment(env):
    assert isinstance(env, Environment)
    assert env.spec.name
    assert len(env.spec.action_names) in (0, env.spec.n_actions)


def _assert_observation(env, observation, n):
    spec = env.spec
    assert observation.obs.shape == (n, spec.n_agents, spec.obs_size)
    assert observation.obs.dtype == spec.obs_dtype
    assert observation.state.shape == (n, spec.state_size)
    assert observation.state.dtype == spec.state_dtype
    assert observation.avail_actions.shape == (n, spec.n_agents, spec.n_actions)
    assert observation.avail_actions.dtype == bool
    assert observation.avail_actions.any(axis=-1).all()


@pytest.mark.parametrize("n", [1, 3])
def test_shapes_and_types(env, n):
    observation, rng = env.reset(np.arange(n)), np.random.default_rng(0)
    _assert_observation(env, observation, n)
    for _ in range(env.spec.episode_limit):
        step = env.step(_random_actions(observation.avail_actions, rng))
        observation = step.observation
        _assert_observation(env, observation, n)
        assert step.reward.shape == (n,) and step.reward.dtype == np.float32
        for flags in (step.terminated, step.truncated):
            assert flags.shape == (n,) and flags.dtype == bool
        assert not (step.terminated & step.truncated).any()
        assert tuple(step.info) == env.spec.metrics
        assert all(v.shape == (n,) and v.dtype == np.float32 for v in step.info.values())


def test_an_episode_depends_on_its_seed_and_actions_alone(env):
    together = _play(env, [5, 6, 7], [0, 1, 2])
    turned = _play(env, [7, 5], [2, 0])
    alone = _play(env, [6], [1])
    _assert_equal(turned[1], together[0])
    _assert_equal(alone[0], together[1])
    _assert_equal(turned[0], together[2])


def test_the_gate_has_nothing_to_say(env):
    for behind, before in zip(_play(Gate(env), [5, 6], [0, 1]), _play(env, [5, 6], [0, 1]), strict=True):
        _assert_equal(behind, before)


def test_finished_episodes_stay_as_they_are(env):
    spec, observation, rng = env.spec, env.reset(np.arange(4)), np.random.default_rng(3)
    for _ in range(spec.episode_limit):
        step = env.step(_random_actions(observation.avail_actions, rng))
        observation = step.observation
    kept = [part.copy() for part in (*observation, *step.info.values())]
    step = env.step(_random_actions(observation.avail_actions, rng))
    for before, after in zip(kept, (*step.observation, *step.info.values()), strict=True):
        np.testing.assert_array_equal(before, after)
    assert not step.reward.any() and not step.terminated.any() and not step.truncated.any()


def test_renders_an_rgb_picture(env):
    observation = env.reset(np.arange(2))
    before = env.render()
    env.step(_random_actions(observation.avail_actions, np.random.default_rng(0)))
    after = env.render(1)
    for picture in (before, after):
        assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[-1] == 3
        assert picture.std() > 0
    assert before.shape == after.shape


def test_wrong_actions_are_refused(env):
    observation = env.reset(np.arange(2))
    actions = observation.avail_actions.argmax(axis=-1)
    for wrong in (actions[:1], actions[:, :1], np.full_like(actions, env.spec.n_actions), actions - 99):
        with pytest.raises(ValueError, match="actions"):
            env.step(wrong)
