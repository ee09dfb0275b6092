"""Packing of episodes and the layout of batches."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from remix.learning.episodes import collate, pack
from tests.samples import make_batch, make_episode, make_spec

SPECS = {
    "bits": make_spec(obs_size=11, obs_dtype="bool", state_dtype="bool"),
    "whole_bytes": make_spec(obs_size=8, state_size=16, n_actions=8, obs_dtype="bool", state_dtype="bool"),
    "floats": make_spec(),
    "mixed": make_spec(obs_dtype="uint8", state_dtype="bool", n_actions=9),
}
LENGTHS = [3, 7, 1, 7]
BY_LENGTH = [1, 3, 0, 2]  # equal lengths keep their order


@pytest.fixture(params=SPECS.values(), ids=list(SPECS))
def spec(request):
    return request.param


@pytest.fixture
def episodes(spec):
    return [make_episode(spec, n, seed, terminated=n == 7) for seed, n in enumerate(LENGTHS)]


def expected_rows(episodes, name):
    """The rows of a field in the order of a batch, collected one by one."""
    columns = [getattr(episodes[i], name) for i in BY_LENGTH]
    longest = max(map(len, columns))
    return np.stack([column[t] for t in range(longest) for column in columns if t < len(column)])


def test_batch_holds_every_time_step_of_every_episode(spec, episodes):
    batch = collate([pack(episode, behaviour=True) for episode in episodes], spec)
    assert np.array_equal(batch.observations().numpy(), expected_rows(episodes, "obs"))
    assert np.array_equal(batch.states().numpy(), expected_rows(episodes, "state").astype(np.float32))
    assert np.array_equal(batch.availability().numpy(), expected_rows(episodes, "avail_actions"))
    assert np.array_equal(batch.actions.numpy(), expected_rows(episodes, "actions"))
    assert np.array_equal(batch.reward.numpy(), expected_rows(episodes, "reward"))
    assert batch.behaviour is not None
    assert np.array_equal(batch.behaviour.numpy(), expected_rows(episodes, "behaviour"))


def test_agents_are_paid_their_own_rewards_or_the_teams():
    spec = make_spec(individual_rewards=True)
    episodes = [make_episode(spec, n, seed) for seed, n in enumerate(LENGTHS)]
    kept = collate([pack(episode, individual_rewards=True) for episode in episodes], spec)
    assert np.array_equal(kept.agent_rewards(True).numpy(), expected_rows(episodes, "individual_rewards"))
    dropped = collate([pack(episode) for episode in episodes], spec)
    assert torch.equal(kept.agent_rewards(False), kept.reward[:, None].repeat(1, 3))
    assert torch.equal(kept.agent_rewards(False), dropped.agent_rewards(False))
    with pytest.raises(AssertionError):  # rather than the team's in their place
        dropped.agent_rewards(True)


def test_types_are_those_of_the_learner(spec, episodes):
    batch = collate([pack(episode) for episode in episodes], spec)
    assert batch.states().dtype == batch.reward.dtype == torch.float32
    assert batch.availability().dtype == batch.terminated.dtype == torch.bool
    assert batch.actions.dtype == batch.here.dtype == batch.batch_sizes.dtype == torch.int64
    assert batch.behaviour is None, "kept only where it was asked for"


def test_sizes():
    batch = make_batch(make_spec(), LENGTHS)
    assert batch.n_episodes == 4
    assert batch.batch_sizes.tolist() == [4, 4, 3, 3, 2, 2, 2, 2]
    assert batch.transition_sizes == [4, 3, 3, 2, 2, 2, 2]
    assert len(batch.obs) == sum(LENGTHS) + 4
    assert len(batch.reward) == len(batch.here) == sum(LENGTHS)


def test_transitions_lead_from_here_to_the_next_time_point_of_the_same_episode():
    """With the episode and the time written into the state."""
    spec = make_spec(state_size=2)
    episodes = []
    for i, n in enumerate(LENGTHS):
        state = np.stack([[i, t] for t in range(n + 1)]).astype(np.float32)
        reward = np.arange(n, dtype=np.float32) + 100 * i
        episodes.append(make_episode(spec, n, state=state, reward=reward))
    batch = collate([pack(episode) for episode in episodes], spec)
    here, after = batch.states()[batch.here], batch.states()[batch.n_episodes :]
    assert torch.equal(here[:, 0], after[:, 0])
    assert torch.equal(here[:, 1] + 1, after[:, 1])
    assert torch.equal(100 * here[:, 0] + here[:, 1], batch.reward)


def test_last_actions_are_those_of_the_transition_before():
    batch = make_batch(make_spec(), LENGTHS)
    last = batch.last_actions()
    assert (last[: batch.n_episodes] == -1).all()
    assert torch.equal(last[batch.n_episodes :], batch.actions)


def test_only_true_ends_are_terminal():
    batch = make_batch(make_spec(), [3, 2, 4], terminated=[True, False, True])
    # time-major: 3 episodes (of 4, 3 and 2 transitions) at steps 0 and 1, then 2, then 1
    assert batch.terminated.tolist() == [False] * 6 + [False, True] + [True]


def test_binary_features_take_bits():
    arrays = pack(make_episode(SPECS["bits"], 5))
    assert arrays["obs"].shape == (6, 3, 2) and arrays["obs"].dtype == np.uint8
    assert arrays["state"].shape == (6, 1)
    assert arrays["avail_actions"].shape == (6, 3, 1)
    assert arrays["actions"].dtype == np.uint8


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_any_numbers_come_back(dtype):
    spec = make_spec(obs_size=13, obs_dtype=dtype, state_dtype=dtype)
    episode = make_episode(spec, 9)
    generator = np.random.default_rng(1)
    strange: list[float] = [0, 1, 0, 1, -1, 2, 100]
    if dtype != "int16":
        strange += [0.5, 1e-38, np.nan, np.inf, -np.inf, np.nextafter(1, 2, dtype=dtype)]
    for features in (episode.obs, episode.state):
        features[:] = generator.choice(np.array(strange, dtype), features.shape)
    arrays = pack(episode)
    batch = collate([arrays], spec)
    assert np.array_equal(batch.obs.numpy(), episode.obs, equal_nan=dtype != "int16")
    assert np.array_equal(batch.state.numpy(), episode.state, equal_nan=dtype != "int16")
    assert batch.obs.numpy().dtype == dtype
    neither = np.count_nonzero((episode.obs != 0) & (episode.obs != 1))
    assert arrays["obs_values"].nbytes == neither * np.dtype(dtype).itemsize
    assert arrays["obs_ones"].shape == arrays["obs_others"].shape == (10, 5)  # 3 agents, 39 bits


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_dense_numbers_take_no_more_than_themselves(dtype):
    """One episode of dense numbers and one of sparse ones, in a batch."""
    spec = make_spec(obs_size=64, obs_dtype=dtype)
    generator = np.random.default_rng(1)
    dense = make_episode(spec, 5, obs=generator.integers(2, 256, (6, 3, 64)).astype(dtype))
    dense.obs[0, 0, 0] = -0.0  # comes back as 0, as from sparse episodes
    sparse = make_episode(spec, 7, obs=(200 * (generator.random((8, 3, 64)) < 0.1)).astype(dtype))
    stored = [pack(dense), pack(sparse)]
    assert stored[0]["obs_values"].nbytes == dense.obs.nbytes
    assert stored[0]["obs_ones"].shape == stored[0]["obs_others"].shape == (0, 24)
    assert (
        sum(stored[1][f"obs_{part}"].nbytes for part in ("ones", "others", "values")) < sparse.obs.nbytes / 2
    )
    batch = collate(stored, spec)
    assert batch.obs.numpy().dtype == dtype
    for i, episode in enumerate((sparse, dense)):
        rows = [sum(batch.batch_sizes.tolist()[:t]) + i for t in range(len(episode.obs))]
        assert np.array_equal(batch.obs[rows].numpy(), episode.obs)
    assert not np.signbit(batch.obs.numpy()).any()


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float32"])
def test_a_state_that_is_the_observations_is_made_of_them(dtype):
    """The batch is the same as one of episodes that keep their state."""
    kept = make_spec(obs_size=11, obs_dtype=dtype, state_size=33, state_dtype=dtype)
    made = replace(kept, state_from_obs=True)
    episodes = [make_episode(kept, n, seed) for seed, n in enumerate(LENGTHS)]
    for episode in episodes:
        episode.state = episode.obs.reshape(len(episode.obs), -1)
    stored = [pack(episode, state=False) for episode in episodes]
    assert not any(name.startswith("state") for name in stored[0])
    one, two = collate([pack(episode) for episode in episodes], kept), collate(stored, made)
    assert one.state.dtype == two.state.dtype and torch.equal(one.state, two.state)
    assert torch.equal(one.states(), two.states())


def test_many_actions_do_not_wrap_around():
    spec = make_spec(n_actions=300)
    episode = make_episode(spec, 40)
    assert episode.actions.max() > 255
    assert np.array_equal(collate([pack(episode)], spec).actions.numpy(), episode.actions)


def test_moving_a_batch_leaves_the_sizes_on_the_cpu():
    batch = make_batch(make_spec(), LENGTHS, behaviour=True)
    moved = batch.to(torch.device("meta"))
    assert (
        moved.obs.is_meta and moved.here.is_meta and moved.behaviour is not None and moved.behaviour.is_meta
    )
    assert not moved.batch_sizes.is_meta
    assert moved.transition_sizes == batch.transition_sizes


def test_length_and_score():
    episode = make_episode(make_spec(), 3, reward=np.array([1.0, -0.5, 0.25], np.float32))
    assert episode.length == 3
    assert episode.score == 0.75
