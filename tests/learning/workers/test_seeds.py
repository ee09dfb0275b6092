"""Random streams of episodes and of exploration."""

import numpy as np

from remix.learning.workers.seeds import STREAMS, episode_seeds, exploration_noise


def test_seed_depends_on_the_number_of_the_episode_alone():
    whole = episode_seeds(5, "train", 0, 20)
    assert whole.dtype == np.int64 and (whole >= 0).all()
    assert np.array_equal(whole[7:12], episode_seeds(5, "train", 7, 5))


def test_runs_streams_and_episodes_differ():
    seeds = np.concatenate([episode_seeds(run, stream, 0, 100) for run in range(3) for stream in STREAMS])
    assert len(np.unique(seeds)) == len(seeds)


def test_no_number_of_an_episode_is_too_large():
    """Beyond 32 bits it takes another word, the last one, which cannot be taken for something else."""
    firsts = [0, 1, 2**32, 2**32 + 1, 2**40]
    seeds = [episode_seeds(1, stream, first, 1)[0] for stream in STREAMS for first in firsts]
    assert len(set(seeds)) == len(seeds)


def test_noise_depends_on_episode_time_and_agent_alone():
    seeds = episode_seeds(1, "train", 0, 6)
    noise = exploration_noise(seeds, t=3, n_agents=4)
    assert noise.shape == (6, 4, 2) and noise.dtype == np.float32
    assert np.array_equal(exploration_noise(seeds[2:3], 3, 4), noise[2:3])
    assert not np.isin(exploration_noise(seeds, 4, 4), noise).any()


def test_noise_is_uniform_and_independent():
    seeds = episode_seeds(1, "train", 0, 200)
    noise = np.stack([exploration_noise(seeds, t, 5) for t in range(50)])  # [T, E, N, 2]
    assert noise.min() >= 0 and noise.max() < 1
    counts, _ = np.histogram(noise, bins=20, range=(0, 1))
    np.testing.assert_allclose(counts, noise.size / 20, rtol=0.03)
    for axis in range(4):  # neighbours in time, episode, agent and use
        first, second, *_ = np.moveaxis(noise, axis, 0)
        correlation = np.corrcoef(first.ravel(), second.ravel())[0, 1]
        assert abs(correlation) < 4 / np.sqrt(second.size)


def test_noise_of_neighbouring_seeds_is_unrelated():
    noise = exploration_noise(np.arange(20_000), t=0, n_agents=1)[:, 0, 0]
    assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.03
    assert len(np.unique(noise)) > 19_900
