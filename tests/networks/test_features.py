"""Rows of network input whose ones are listed."""

import numpy as np
import pytest
import torch

from remix.networks.features import Features, as_tensor, beside, repeated, stacked, with_choices
from tests.networks.rows import KINDS, random_bits, random_rows


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
    with_ones = Features.of_numbers(first).with_ones(torch.tensor([[4]] * 3), 5)
    with pytest.raises(ValueError, match="use beside"):
        with_ones.with_dense(second)
    both = beside(with_ones, Features.of_numbers(second)).to_dense()
    assert torch.equal(both, torch.cat((with_ones.to_dense(), second), 1))


def test_no_rows():
    features = of_bits(np.zeros((0, 5), bool))
    assert len(features) == 0 and features.to_dense().shape == (0, 5)


def dense(rows):
    return as_tensor(rows, torch.float32)


class TestCombinations:
    """Rows of all kinds side by side, repeated, and one after the other."""

    # Whose dense columns lie at the end, or at the beginning; what has none is at both.
    AT_THE_END = ("bits", "numbers", "bits and numbers")
    AT_THE_BEGINNING = ("bits", "numbers", "numbers and ones")

    @pytest.mark.parametrize("right", KINDS)
    @pytest.mark.parametrize("left", KINDS)
    def test_side_by_side(self, left, right):
        first, second = random_rows(left, 7, 9), random_rows(right, 7, 6)
        joined = beside(first, second)
        assert torch.equal(dense(joined), torch.cat((dense(first), dense(second)), 1))
        if isinstance(joined, Features):
            stays_listed = "bits" in (left, right) or (
                left in self.AT_THE_END and right in self.AT_THE_BEGINNING
            )
            assert (joined.dense.shape[1] < 15) == (stays_listed and {left, right} != {"numbers"})

    @pytest.mark.parametrize("kind", KINDS)
    def test_chosen_rows_side_by_side(self, kind):
        """Whose lists have gaps and overlap."""
        rows = torch.tensor([5, 0, 5, 2])
        first, second = random_rows(kind, 7, 9)[rows], random_rows("bits", 7, 6)[rows.flip(0)]
        assert torch.equal(dense(beside(first, second)), torch.cat((dense(first), dense(second)), 1))

    @pytest.mark.parametrize("kind", KINDS)
    def test_repeated(self, kind):
        rows = random_rows(kind, 5, 9)
        expected = torch.stack([dense(rows)[r] for r in range(5) for _ in range(3)])
        assert torch.equal(dense(repeated(rows, 3)), expected)

    @pytest.mark.parametrize("below", KINDS)
    @pytest.mark.parametrize("above", KINDS)
    def test_one_after_the_other(self, above, below):
        first, second = random_rows(above, 5, 9)[1:], random_rows(below, 6, 9)
        both = stacked(first, second)
        assert torch.equal(dense(both), torch.cat((dense(first), dense(second))))
        if isinstance(both, Features) and isinstance(first, Features) and above == below:
            assert both.dense.shape[1] == first.dense.shape[1]

    def test_no_rows(self):
        bits = of_bits(np.zeros((0, 5), bool))
        assert dense(beside(bits, bits)).shape == (0, 10)
        assert dense(stacked(bits, bits)).shape == dense(repeated(bits, 4)).shape == (0, 5)

    def test_what_does_not_fit_together(self):
        with pytest.raises(ValueError, match="3 rows cannot stand beside 4"):
            beside(of_bits(random_bits(3, 5)), of_bits(random_bits(4, 5)))
        with pytest.raises(ValueError, match="rows of 5 and of 6 columns"):
            stacked(of_bits(random_bits(3, 5)), of_bits(random_bits(3, 6)))

    def test_numbers_keep_their_gradient(self):
        numbers = torch.randn(4, 3, requires_grad=True)
        bits = of_bits(random_bits(4, 5))
        both = beside(bits, Features.of_numbers(numbers))
        dense(stacked(both, both))[:, 5:].square().sum().backward()
        torch.testing.assert_close(numbers.grad, 4 * numbers.detach())


@pytest.mark.parametrize(
    "bits",
    [
        torch.zeros(3, 1, dtype=torch.uint8),
        torch.zeros(3, 11, dtype=torch.uint8),
        torch.zeros(3, 2, dtype=torch.int64),
        torch.zeros(3, 2, 1, dtype=torch.uint8),
    ],
    ids=["too few", "not packed", "no bytes", "no rows"],
)
def test_what_are_no_bits_of_so_many_columns_is_refused(bits):
    with pytest.raises(ValueError, match="are no bits of 11 columns"):
        Features.of_bits(bits, 11)


def test_ones_beyond_the_columns_are_refused():
    """They would be read, and in the gradient written, beyond the weights."""
    with pytest.raises(ValueError, match="a one in column 15 of 11"):
        Features.of_bits(torch.tensor([[0, 1]], dtype=torch.uint8), 11)
    features = of_bits(random_bits(3, 11))
    for column in (13, -2):
        with pytest.raises(ValueError, match=r"columns .* of 13"):
            features.with_ones(torch.tensor([[11], [column], [12]]), 13)
    for columns in (torch.tensor([[11]]), torch.tensor([[11]] * 4)):
        with pytest.raises(ValueError, match="rows of columns for 3 rows"):
            features.with_ones(columns, 13)
        with pytest.raises(ValueError, match="rows of columns for 3 rows"):
            features.with_dense(columns.float())


def test_choices_beyond_the_last_are_refused():
    with pytest.raises(ValueError, match="of 23"):
        with_choices(of_bits(random_bits(3, 11)), torch.tensor([[0, 1, 6]] * 3), 4)
