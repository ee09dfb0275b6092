"""The bands of the golden curves. The runs themselves take minutes: ``make golden``."""

import pytest

from tests.golden.curves import FEWEST_SEEDS, band, stored
from tests.test_algorithms import ALGORITHMS


def test_a_band_reaches_as_far_beyond_its_scores_as_these_spread() -> None:
    assert band([10.0, 14.0, 12.0]) == (6.0, 18.0)
    assert band([5.0, 5.0]) == (4.0, 6.0)


@pytest.mark.parametrize("algorithm", stored())
def test_doing_nothing_lies_outside_of_the_bands(algorithm: str) -> None:
    low, high = band(stored()[algorithm])
    assert 0.0 < low < high


def test_every_method_has_a_band() -> None:
    """But non-monotonic mixing: nothing makes the agents' own best actions the best together."""
    without = {name for name in ALGORITHMS if name not in stored() and not name.endswith("_official")}
    assert without == {"nonmonotonic"}


def test_seeds_are_enough_for_a_band() -> None:
    for algorithm, scores in stored().items():
        assert algorithm in ALGORITHMS and len(scores) >= FEWEST_SEEDS
