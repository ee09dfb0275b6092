"""Whole episodes of a batched environment under a policy."""

from functools import partial

import numpy as np
import pytest
import torch

from remix.envs.games import BranchChain, GeneralSumGame, MatrixGame, TwoStepGame
from remix.learning.policy import Policy
from remix.learning.workers.rollout import rollout
from remix.learning.workers.seeds import episode_seeds
from tests.learning.workers.faulty import SmallPredatorPrey

SEEDS = episode_seeds(1, "train", 0, 12)
ARRAYS = ("obs", "state", "avail_actions", "actions", "reward", "behaviour", "individual_rewards")


@pytest.fixture(
    scope="module", params=[SmallPredatorPrey, BranchChain], ids=["predator_prey", "branch_chain"]
)
def game(request):
    return request.param()


@pytest.fixture(scope="module")
def episodes(game):
    torch.manual_seed(1)
    return rollout(game, Policy(game.spec), SEEDS, exploration=0.7)


def assert_equal(one, two):
    for name in ARRAYS:
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
    assert (one.terminated, one.metrics) == (two.terminated, two.metrics)


def test_shapes_and_types(game, episodes):
    spec = game.spec
    assert len(episodes) == len(SEEDS)
    for episode in episodes:
        n = episode.length
        assert 1 <= n <= spec.episode_limit
        assert episode.obs.shape == (n + 1, spec.n_agents, spec.obs_size)
        assert episode.state.shape == (n + 1, spec.state_size)
        assert episode.avail_actions.shape == (n + 1, spec.n_agents, spec.n_actions)
        assert episode.actions.shape == episode.behaviour.shape == (n, spec.n_agents)
        assert episode.obs.dtype == spec.obs_dtype and episode.reward.dtype == np.float32


def test_individual_rewards_are_those_of_each_step(episodes):
    game = GeneralSumGame(np.arange(8.0).reshape(2, 2, 2), stages=600)
    for episode in rollout(game, Policy(game.spec), SEEDS[:3], exploration=1.0):
        played, own = episode.actions @ [2, 1], episode.individual_rewards
        assert own is not None and own.dtype == np.float32 and own.flags.owndata
        assert own.tolist() == np.stack((played, played + 4), axis=-1).tolist()
    assert all(episode.individual_rewards is None for episode in episodes)


def test_episodes_have_different_lengths(episodes):
    """Otherwise the other tests would prove little."""
    assert len({episode.length for episode in episodes}) > 1


@pytest.mark.parametrize("exploration", [0.0, 0.7])
def test_each_episode_is_the_same_alone(game, exploration):
    policy = Policy(game.spec)
    together = rollout(game, policy, SEEDS, exploration)
    for i, episode in enumerate(together):
        assert_equal(rollout(game, policy, SEEDS[i : i + 1], exploration)[0], episode)
    for episode, again in zip(together, rollout(game, policy, SEEDS[::-1], exploration)[::-1], strict=True):
        assert_equal(episode, again)


def test_actions_played_again_give_the_episode(game, episodes):
    """What is recorded at each time is what was seen, done and returned then."""
    for seed, episode in zip(SEEDS, episodes, strict=True):
        observation = game.reset(np.array([seed]))
        for t in range(episode.length):
            for name, value in observation._asdict().items():
                assert np.array_equal(getattr(episode, name)[t], value[0]), (name, t)
            step = game.step(episode.actions[t : t + 1])
            observation = step.observation
            assert step.reward[0] == episode.reward[t]
            assert (step.terminated[0] or step.truncated[0]) == (t == episode.length - 1)
        for name, value in observation._asdict().items():
            assert np.array_equal(getattr(episode, name)[-1], value[0]), name
        assert episode.terminated == step.terminated[0]
        assert episode.metrics == {name: value[0] for name, value in step.info.items()}


def test_both_kinds_of_end_and_statistics_occur():
    game = SmallPredatorPrey()
    episodes = rollout(game, Policy(game.spec), SEEDS, exploration=0.7)
    assert {episode.terminated for episode in episodes} == {True, False}
    for episode in episodes:
        assert set(episode.metrics) == {"captures", "failed_catches"}
        assert episode.score == 10 * episode.metrics["captures"]


def test_behaviour_is_the_probability_of_the_action(game, episodes):
    for episode in episodes:
        n_available = episode.avail_actions[:-1].sum(-1)
        random, greedy = 0.7 / n_available, 0.7 / n_available + 0.3
        close = np.isclose(episode.behaviour, random) | np.isclose(episode.behaviour, greedy)
        assert close.all()


def test_the_policy_sees_its_last_action_and_its_history():
    """Recomputed over whole episodes, the greedy actions are those that were played."""
    game = SmallPredatorPrey()
    policy = Policy(game.spec)
    for episode in rollout(game, policy, SEEDS, exploration=0.0):
        hidden, last = policy.initial_state(1), np.full((1, game.spec.n_agents), -1)
        for t in range(episode.length):
            actions, _, hidden = policy.act(
                episode.obs[t : t + 1],
                last,
                episode.avail_actions[t : t + 1],
                hidden,
                0.0,
                np.zeros((1, game.spec.n_agents, 2), np.float32),
            )
            assert np.array_equal(actions[0], episode.actions[t])
            last = episode.actions[t : t + 1]


def test_long_episodes():
    """Longer than the room that is made for them at first."""
    game = MatrixGame([[1, 2], [3, 4]], stages=700)
    (one, two) = rollout(game, Policy(game.spec), SEEDS[:2], exploration=1.0)
    for episode in (one, two):
        assert episode.length == 700
        assert np.array_equal(episode.reward, 1 + 2 * episode.actions[:, 0] + episode.actions[:, 1])
        assert np.array_equal(episode.state[:-1].argmax(1), np.arange(700))
    assert not np.array_equal(one.actions, two.actions)


def test_episodes_own_their_memory():
    """Neither the environment's nor a view that keeps the whole recording alive."""
    game = TwoStepGame()
    play = partial(rollout, game, Policy(game.spec), exploration=1.0)
    episode = play(SEEDS[:1])[0]
    arrays = [getattr(episode, name) for name in ARRAYS[:-1]]
    assert all(array.flags.owndata for array in arrays)
    before = [array.copy() for array in arrays]
    play(SEEDS[1:])
    assert all(map(np.array_equal, arrays, before))


def test_on_step_is_called_after_every_joint_step(game):
    calls: list[int] = []
    episodes = rollout(game, Policy(game.spec), SEEDS, 0.7, on_step=lambda: calls.append(1))
    assert len(calls) == max(episode.length for episode in episodes)
