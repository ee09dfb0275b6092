"""Storage of episodes: order, eviction, sampling, size, state."""

import io
import tracemalloc
from dataclasses import fields

import numpy as np
import pytest
import torch

from remix.envs.battles import Battles
from remix.learning.episodes import collate
from remix.learning.policy import Policy
from remix.learning.replay import EpisodeReplay
from remix.learning.workers.rollout import rollout
from remix.settings.errors import SettingError
from tests.samples import make_episode, make_spec

SPEC = make_spec(obs_dtype="bool")


def numbered(number, length=2):
    """An episode that can be told by its reward."""
    return make_episode(SPEC, length, number, reward=np.full(length, number, np.float32))


def filled(capacity, numbers, lengths=(2,), **options):
    replay = EpisodeReplay(SPEC, capacity, **options)
    for i, number in enumerate(numbers):
        replay.add([numbered(number, lengths[i % len(lengths)])])
    return replay


def contents(replay):
    """Numbers of all stored episodes."""
    batch = replay.sample(len(replay), torch.Generator())
    return sorted(batch.reward[: batch.n_episodes].int().tolist())


def test_the_oldest_goes_first():
    assert contents(filled(4, range(3))) == [0, 1, 2]
    assert contents(filled(4, range(6))) == [2, 3, 4, 5]
    assert contents(filled(4, range(11))) == [7, 8, 9, 10]


def test_more_episodes_than_capacity_at_once():
    replay = EpisodeReplay(SPEC, 3)
    replay.add([numbered(i) for i in range(8)])
    assert len(replay) == 3
    assert contents(replay) == [5, 6, 7]


def test_it_grows_with_what_is_stored():
    replay = EpisodeReplay(SPEC, 1_000_000)
    assert replay.nbytes == 0
    replay.add([numbered(0, 10)])
    one = replay.nbytes
    replay.add([numbered(1, 10), numbered(2, 10)])
    assert replay.nbytes == 3 * one
    replay.add([numbered(3, 5)])
    assert replay.nbytes < 4 * one, "shorter episodes take less"


@pytest.mark.parametrize("stored", [3, 5, 8, 11])
def test_the_latest_are_those_added_last(stored):
    batch = filled(5, range(stored)).latest(3)
    assert sorted(batch.reward[:3].int().tolist()) == [stored - 3, stored - 2, stored - 1]


def test_samples_are_different_episodes():
    replay = filled(20, range(20), lengths=(1, 3, 2))
    for seed in range(10):
        batch = replay.sample(8, torch.Generator().manual_seed(seed))
        drawn = batch.reward[: batch.n_episodes].int().tolist()
        assert len(drawn) == len(set(drawn)) == 8


def test_sampling_is_uniform():
    replay, generator = filled(10, range(16)), torch.Generator().manual_seed(0)
    counts = np.zeros(16)
    for _ in range(3000):
        batch = replay.sample(3, generator)
        counts[batch.reward[:3].int().numpy()] += 1
    assert (counts[:6] == 0).all()
    np.testing.assert_allclose(counts[6:], 900, rtol=0.1)


def test_the_generator_decides_the_sample():
    replay = filled(50, range(50))

    def draw(seed):
        return replay.sample(5, torch.Generator().manual_seed(seed)).reward.tolist()

    assert draw(3) == draw(3) != draw(4)


def test_behaviour_is_kept_on_demand():
    assert filled(3, range(2)).sample(2, torch.Generator()).behaviour is None
    assert filled(3, range(2), behaviour=True).sample(2, torch.Generator()).behaviour is not None


def test_individual_rewards_are_kept_on_demand_and_survive_a_file():
    spec = make_spec(individual_rewards=True)
    episode = make_episode(spec, 4, 1)
    without, replay, restored = (
        EpisodeReplay(spec, 3, individual_rewards=kept) for kept in (False, True, True)
    )
    without.add([episode])
    replay.add([episode])
    assert without.latest(1).individual_rewards is None
    assert replay.nbytes - without.nbytes == 4 * 4 * spec.n_agents
    restored.load_state_dict(through_a_file(replay.state_dict()))
    assert torch.equal(restored.latest(1).agent_rewards(True), torch.from_numpy(episode.individual_rewards))


@pytest.mark.parametrize("rewards", [None, np.zeros(4, np.float32), np.zeros((4, 3))])
def test_episodes_without_the_rewards_that_the_environment_has_are_refused(rewards):
    spec = make_spec(individual_rewards=True)
    with pytest.raises(ValueError, match=r"^individual_rewards (are missing|is float)"):
        EpisodeReplay(spec, 3).add([make_episode(spec, 4, individual_rewards=rewards)])


def through_a_file(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("n_episodes", [0, 1, 3, 7])
def test_state_survives_a_file(n_episodes):
    """Also that of a ring whose oldest episode is not the first."""
    replay = filled(5, range(n_episodes), lengths=(1, 4, 2), behaviour=True)
    restored = EpisodeReplay(SPEC, 5, behaviour=True)
    restored.load_state_dict(through_a_file(replay.state_dict()))
    assert len(restored) == len(replay) and restored.nbytes == replay.nbytes
    for number in range(100, 103):  # the same episodes go next
        replay.add([numbered(number)])
        restored.add([numbered(number)])
    assert contents(restored) == contents(replay)


@pytest.mark.parametrize("capacity", [10, 5])
def test_restored_episodes_are_sampled_alike(capacity):
    replay = filled(capacity, range(8), lengths=(1, 4, 2), behaviour=True)
    restored = EpisodeReplay(SPEC, capacity, behaviour=True)
    restored.load_state_dict(through_a_file(replay.state_dict()))
    one, two = (r.sample(4, torch.Generator().manual_seed(2)) for r in (replay, restored))
    for field in fields(one):
        mine, theirs = getattr(one, field.name), getattr(two, field.name)
        assert torch.equal(mine, theirs) if isinstance(mine, torch.Tensor) else mine == theirs, field.name


def test_replays_of_the_first_release_are_restored():
    """It kept pixels as float32, and a state that is the observations."""
    old = make_spec(obs_size=4, state_size=12)
    new = make_spec(obs_size=4, state_size=12, obs_dtype="uint8", state_dtype="uint8", state_from_obs=True)
    pixels = np.random.default_rng(0).choice([0, 1, 7, 255], (3, 6, 3, 4), p=[0.6, 0.2, 0.1, 0.1])
    episodes = [
        make_episode(old, 5, i, obs=obs.astype(np.float32), state=obs.reshape(6, 12).astype(np.float32))
        for i, obs in enumerate(pixels)
    ]
    first, now = EpisodeReplay(old, 3), EpisodeReplay(new, 4)
    first.add(episodes)
    now.load_state_dict(through_a_file(first.state_dict()))
    more = pixels[0].astype(np.uint8)
    now.add([make_episode(new, 5, 9, obs=more, state=more.reshape(6, 12))])
    expected, batch = first.latest(3), now.sample(4, torch.Generator())
    assert batch.obs.dtype == batch.state.dtype == torch.uint8
    restored = EpisodeReplay(new, 4)
    restored.load_state_dict(through_a_file(now.state_dict()))
    again = collate(restored._episodes[:3], new)
    assert torch.equal(again.states(), expected.states())
    assert torch.equal(again.observations().float(), expected.observations())


def test_dense_and_sparse_episodes_survive_a_file_together():
    spec = make_spec(obs_size=64, obs_dtype="uint8")
    sparse, dense = (
        np.random.default_rng(0).integers(low, 256, (4, 3, 64)).astype(np.uint8) for low in (0, 2)
    )
    sparse[sparse < 200] = 0
    replay, restored = EpisodeReplay(spec, 3), EpisodeReplay(spec, 3)
    replay.add([make_episode(spec, 3, i, obs=obs) for i, obs in enumerate((dense, sparse, dense))])
    restored.load_state_dict(through_a_file(replay.state_dict()))
    assert torch.equal(restored.latest(3).obs, replay.latest(3).obs) and restored.nbytes == replay.nbytes


def test_a_smaller_replay_restores_the_newest():
    restored = EpisodeReplay(SPEC, 3)
    restored.load_state_dict(filled(5, range(7)).state_dict())
    assert contents(restored) == [4, 5, 6]


def test_state_does_not_follow_later_changes():
    replay = filled(2, [0, 1])
    state = replay.state_dict()
    replay.add([numbered(7)])
    restored = EpisodeReplay(SPEC, 2)
    restored.load_state_dict(state)
    restored.add([numbered(8)])
    assert contents(restored) == [1, 8]


def test_predator_prey_fits_into_250_megabytes():
    """5,000 episodes of 200 steps; measured on 50, overhead of Python and NumPy included."""
    spec = make_spec(
        n_agents=8, n_actions=6, obs_size=75, state_size=300, obs_dtype="bool", state_dtype="bool"
    )
    episodes = [make_episode(spec, 200, seed) for seed in range(50)]
    tracemalloc.start()
    replay = EpisodeReplay(spec, 5_000)
    replay.add(episodes)
    allocated, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 100 * replay.nbytes < 250e6
    assert replay.nbytes < allocated < 1.1 * replay.nbytes


def test_battles_take_a_quarter_of_their_numbers():
    """Most of what is seen of a large battle is 0, and half of the rest is 1."""
    environment = Battles("MMM2")
    policy = Policy(environment.spec)
    episodes = rollout(environment, policy, np.arange(4), 1.0)
    replay = EpisodeReplay(environment.spec, 4)
    replay.add(episodes)
    assert replay.nbytes < sum(episode.obs.nbytes + episode.state.nbytes for episode in episodes) / 4


def test_impossible_capacity():
    with pytest.raises(SettingError, match="capacity=0"):
        EpisodeReplay(SPEC, 0)
