"""Running means and variances."""

import pytest
import torch

from remix.networks.normaliser import RunningNormaliser
from remix.settings.errors import SettingError


def statistics(normaliser: RunningNormaliser) -> tuple[float, float]:
    """Mean and variance, read from what is made of 0 and 1."""
    mean, one = normaliser.restore(torch.tensor([0.0, 1.0], dtype=torch.float64)).tolist()
    return mean, (one - mean) ** 2


def test_worked_example():
    normaliser = RunningNormaliser(decay=0.9)
    normaliser.update(torch.tensor([1.0, 3.0]))
    assert statistics(normaliser) == pytest.approx((2.0, 1.0))
    normaliser.update(torch.tensor([[5.0], [7.0], [9.0]]))
    assert statistics(normaliser) == pytest.approx((4.631579, 8.109880), abs=1e-6)
    assert normaliser.normalise(torch.tensor(4.0)).item() == pytest.approx(-0.221779, abs=1e-6)


@pytest.mark.parametrize("decay", [0.0, 0.99999, 0.9999999])
def test_the_first_batch_counts_in_full_however_little_is_forgotten(decay):
    normaliser = RunningNormaliser(decay)
    normaliser.update(torch.tensor([1.0, 3.0, 2.0, 10.0]))
    assert statistics(normaliser) == pytest.approx((4.0, 12.5))


def test_numbers_come_back_in_their_type():
    normaliser, numbers = RunningNormaliser(), 7.0 + 3.0 * torch.randn(100)
    normaliser.update(numbers)
    normal = normaliser.normalise(numbers)
    assert normal.dtype == numbers.dtype == torch.float32
    assert normal.mean().item() == pytest.approx(0.0, abs=1e-4)
    assert normal.std(correction=0).item() == pytest.approx(1.0, abs=1e-4)
    torch.testing.assert_close(normaliser.restore(normal), numbers)


def test_a_small_spread_around_a_large_mean_is_seen():
    """Single precision would not know the variance from rounding."""
    normaliser = RunningNormaliser()
    for _ in range(100):
        normaliser.update(torch.tensor([9_999.0, 10_001.0]))
    mean, variance = statistics(normaliser)
    assert mean == pytest.approx(10_000.0) and variance == pytest.approx(1.0, rel=1e-3)


def test_the_spread_never_vanishes():
    normaliser = RunningNormaliser()
    assert statistics(normaliser) == pytest.approx((0.0, 0.01)), "before anything came"
    normaliser.update(torch.full((5,), 3.0))
    assert statistics(normaliser) == pytest.approx((3.0, 0.01))


def test_it_is_all_in_the_state_dict():
    normaliser, other = RunningNormaliser(), RunningNormaliser()
    normaliser.update(torch.randn(10))
    other.load_state_dict(normaliser.state_dict())
    assert statistics(other) == statistics(normaliser)


def test_a_decay_of_1_would_learn_nothing():
    with pytest.raises(SettingError, match="decay=1"):
        RunningNormaliser(1.0)
