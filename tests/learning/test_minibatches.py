"""Parts of batches."""

from dataclasses import fields

import pytest
import torch
from torch import Tensor

from remix.learning.episodes import Batch, collate, pack
from remix.learning.minibatches import select, shares
from tests.samples import make_episode, make_spec

SPEC = make_spec(obs_size=11, obs_dtype="bool", state_dtype="bool", individual_rewards=True)
LENGTHS = [7, 7, 4, 3, 1]
EPISODES = [make_episode(SPEC, n, seed, terminated=seed % 2 == 0) for seed, n in enumerate(LENGTHS)]


def batched(*numbers: int) -> Batch:
    """Of some episodes, which are in the order of their lengths."""
    return collate([pack(EPISODES[i], behaviour=True, individual_rewards=True) for i in numbers], SPEC)


@pytest.mark.parametrize("numbers", [[0], [4], [1, 3], [0, 2, 4], [2, 3, 4], [0, 1, 2, 3, 4]])
def test_what_is_selected_is_the_batch_of_those_episodes_alone(numbers):
    whole, expected = batched(*range(5)), batched(*numbers)
    part, points, transitions = select(whole, torch.tensor(numbers))
    for field in fields(Batch):
        ours, theirs = getattr(part, field.name), getattr(expected, field.name)
        assert torch.equal(ours, theirs) if isinstance(ours, Tensor) else ours == theirs, field.name
    assert torch.equal(whole.states()[points], expected.states())
    assert torch.equal(whole.reward[transitions], expected.reward)


@pytest.mark.parametrize(
    ("n_episodes", "n_parts", "sizes"), [(8, 2, [4, 4]), (5, 3, [2, 2, 1]), (2, 4, [1, 1])]
)
def test_every_episode_is_in_one_part(n_episodes, n_parts, sizes):
    parts = shares(n_episodes, n_parts, torch.Generator().manual_seed(1))
    assert [len(part) for part in parts] == sizes
    assert sorted(torch.cat(parts).tolist()) == list(range(n_episodes))
    assert all(part.tolist() == sorted(part.tolist()) for part in parts)


def test_parts_are_drawn_anew_every_time():
    generator = torch.Generator().manual_seed(1)
    drawn = [shares(32, 2, generator)[0].tolist() for _ in range(3)]
    assert drawn[0] != drawn[1] != drawn[2]
    assert shares(32, 2, torch.Generator().manual_seed(1))[0].tolist() == drawn[0]
