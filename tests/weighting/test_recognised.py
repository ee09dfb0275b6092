"""Weights of possibly optimal joint actions."""

import pytest
import torch

from remix.checking.kinds import check
from remix.checking.transitions import make_inputs
from remix.settings.errors import SettingError
from remix.weighting.recognised import Recognised

GAPS = torch.tensor([0.0, 0.05, 0.1, 3.0])


@pytest.mark.parametrize(
    ("weighting", "expected"),
    [
        (Recognised(), [1.0, 1.0, 0.0, 0.0]),
        (Recognised(tolerance=3.0), [1.0, 1.0, 1.0, 0.0]),
        (Recognised(0.2, 0.8), [0.8, 0.8, 0.2, 0.2]),
        (Recognised(1.0, 1.0), [1.0] * 4),
    ],
)
def test_gaps_below_the_tolerance_count(weighting, expected):
    """Strictly below."""
    values, shown = weighting(make_inputs(4, recognised_gap=GAPS))
    torch.testing.assert_close(values, torch.tensor(expected))
    assert shown["weighting/recognised_share"].item() == torch.lt(GAPS, weighting.tolerance).float().mean()


def test_at_first_everything_counts():
    inputs = make_inputs(4, recognised_gap=GAPS, env_steps=99_999)
    assert Recognised(0.2, 0.8)(inputs).values.tolist() == pytest.approx([0.8] * 4)


def test_it_keeps_the_contract():
    assert not check(Recognised).not_checked


def test_a_tolerance_of_0_would_recognise_nothing():
    with pytest.raises(SettingError, match="tolerance=0"):
        Recognised(tolerance=0.0)
