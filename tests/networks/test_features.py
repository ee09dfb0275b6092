"""Rows of network input whose ones are listed."""

import numpy as np
import torch

from remix.networks.features import Features
from tests.networks.rows import random_bits


def of_bits(bits: np.ndarray) -> Features:
    return Features.of_bits(torch.from_numpy(np.packbits(bits, axis=-1)), bits.shape[1])


def test_bits_are_listed_by_row_in_ascending_order():
    bits = np.zeros((3, 11), bool)
    bits[0, [0, 7, 8, 10]] = True
    bits[2, 3] = True
    features = of_bits(bits)
    assert features.width == 11 and len(features) == 3
    assert features.ones.tolist() == [0, 7, 8, 10, 3]
    assert features.starts.tolist() == [0, 4, 4] and features.ends.tolist() == [4, 4, 5]


def test_dense_form_is_the_bits_again():
    for width in (1, 8, 11, 300):
        bits = random_bits(50, width)
        assert torch.equal(of_bits(bits).to_dense(), torch.from_numpy(bits).float())


def test_rows_are_chosen_like_those_of_a_tensor():
    features = of_bits(random_bits(20, 9)).with_dense(torch.randn(20, 2))
    dense = features.to_dense()
    for rows in (slice(3, None), torch.tensor([5, 0, 5, 19])):
        chosen = features[rows]
        assert len(chosen) == len(dense[rows])
        assert torch.equal(chosen.to_dense(), dense[rows])


def test_further_ones_come_after_the_columns_there_are():
    bits = random_bits(4, 5)
    more = torch.tensor([[5, -1], [-1, -1], [6, 8], [7, 8]])
    rows = of_bits(bits)[torch.tensor([3, 1, 0, 2])].with_ones(more, 9).to_dense()
    assert torch.equal(rows[:, :5], torch.from_numpy(bits[[3, 1, 0, 2]]).float())
    expected = [[1, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 1]]
    assert rows[:, 5:].tolist() == expected


def test_numbers_and_ones_together():
    numbers = torch.randn(3, 4)
    features = Features.of_numbers(numbers).with_ones(torch.tensor([[4], [-1], [5]]), 6)
    assert torch.equal(features.to_dense()[:, :4], numbers)
    assert features.to_dense()[:, 4:].tolist() == [[1, 0], [0, 0], [0, 1]]


def test_numbers_after_numbers():
    first, second = torch.randn(3, 4), torch.randn(3, 2)
    features = Features.of_numbers(first).with_dense(second)
    assert features.width == 6
    assert torch.equal(features.to_dense(), torch.cat((first, second), 1))


def test_no_rows():
    features = of_bits(np.zeros((0, 5), bool))
    assert len(features) == 0 and features.to_dense().shape == (0, 5)
