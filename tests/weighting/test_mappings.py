"""Mappings from raw weights to scores."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from remix.settings.errors import SettingError
from remix.weighting.mappings import (
    CappedLinear,
    LogMinMax,
    Mapping,
    MedianSaturating,
    MinMax,
    Rank,
    SelfNormalised,
)

MAPPINGS: list[Mapping] = [
    CappedLinear(),
    MinMax(),
    LogMinMax(),
    MedianSaturating(),
    Rank(),
    SelfNormalised(),
]
in_all = pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda mapping: type(mapping).__name__)

HEAVY_TAIL = [0.5, 1, 2, 4, 8, 1000]

raws = st.floats(-40, 40).map(lambda x: round(x, 3))
"""Logarithms of positive raw weights."""
batches = st.tuples(st.lists(raws, min_size=1, max_size=20), st.integers(0, 3)).map(
    lambda parts: torch.tensor(parts[0] + [-math.inf] * parts[1])
)


def scores(mapping, raw):
    return mapping(torch.tensor(raw, dtype=torch.float32).log())


def weights(mapping, raw, low=0.1):
    return (low + (1 - low) * scores(mapping, raw)).tolist()


@in_all
@settings(deadline=None)
@given(batch=batches)
def test_scores_lie_in_their_range(mapping, batch):
    values = mapping(batch)
    highest = mapping.kappa if isinstance(mapping, SelfNormalised) else 1.0
    assert (values >= 0).all() and (values <= highest).all()
    assert (values[batch == -math.inf] == 0).all()


@in_all
@settings(deadline=None)
@given(batch=batches, shift=st.floats(-1000, 1000))
def test_a_common_factor_of_raw_weights_changes_nothing(mapping, batch, shift):
    batch, shift = batch.double(), round(shift, 3)
    torch.testing.assert_close(mapping(batch + shift), mapping(batch), atol=1e-6, rtol=1e-6)


@in_all
@settings(deadline=None)
@given(batch=batches)
def test_larger_raw_weights_never_score_lower(mapping, batch):
    ordered = mapping(batch.sort().values)
    assert (ordered.diff() >= -1e-6).all()


@in_all
def test_one_positive_raw_weight(mapping):
    highest = (
        0.5 if isinstance(mapping, MedianSaturating) else 2.0 if isinstance(mapping, SelfNormalised) else 1.0
    )
    assert scores(mapping, [0.0, 3.0]).tolist() == pytest.approx([0.0, highest])


@in_all
def test_distances_beyond_float32(mapping):
    """exp(2000) is not a number that float32 has."""
    values = mapping(torch.tensor([-1000.0, 0.0, 1000.0, -math.inf]))
    assert torch.isfinite(values).all()
    assert values[2] == values.max() > 0


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        (LogMinMax(floor_quantile=0.0), [0.10, 0.18, 0.26, 0.35, 0.43, 1.0]),
        (MedianSaturating(), [0.23, 0.33, 0.46, 0.61, 0.75, 1.0]),
        (Rank(), [0.25, 0.40, 0.55, 0.70, 0.85, 1.0]),
        (MinMax(), [0.1 + 0.9 * raw / 1000 for raw in HEAVY_TAIL]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Mapping) else "",
)
def test_behaviour_under_a_heavy_tail(mapping, expected):
    assert weights(mapping, HEAVY_TAIL) == pytest.approx(expected, abs=0.0051)


def test_capped_linear_under_a_heavy_tail():
    """The mean is itself the outlier."""
    assert weights(CappedLinear(), HEAVY_TAIL) == pytest.approx(
        [0.1 + 0.9 * raw / (2 * 1015.5 / 6) for raw in HEAVY_TAIL[:-1]] + [1.0]
    )
    assert round(weights(CappedLinear(), HEAVY_TAIL)[4], 3) == 0.121


def test_capped_linear_worked_example():
    """Positive raws 1, 2, 3, 10 have the mean 4 and the cap 8; zeros do not count for the mean."""
    values = weights(CappedLinear(kappa=2.0), [1, 0, 2, 3, 0, 0, 10])
    assert values == pytest.approx([0.2125, 0.1, 0.325, 0.4375, 0.1, 0.1, 1.0])


def test_capped_linear_reaches_1_without_any_raw_weight_at_the_cap():
    assert scores(CappedLinear(), [1, 2, 3]).tolist() == pytest.approx([1 / 3, 2 / 3, 1])


def test_log_min_max_floor():
    """Half of the raw weights lie at or below the floor."""
    values = scores(LogMinMax(floor_quantile=0.5), [1e-30, 1, 10, 100, 1000])
    assert values.tolist() == pytest.approx([0, 0, 0, 0.5, 1])


def test_median_of_an_odd_number():
    assert scores(MedianSaturating(), [1, 3, 100]).tolist() == pytest.approx([1 / 4, 1 / 2, 100 / 103])


def test_equal_raw_weights_share_their_rank():
    assert scores(Rank(), [5, 7, 0, 5, 9]).tolist() == pytest.approx([1.5 / 4, 3 / 4, 0, 1.5 / 4, 1])


def test_self_normalised_scores_average_1_below_the_cut():
    assert scores(SelfNormalised(), [1, 0, 2, 3]).tolist() == pytest.approx([1 / 1.5, 0, 2 / 1.5, 2])
    assert scores(SelfNormalised(kappa=1.5), [1, 0, 2, 3]).max() == 1.5


@pytest.mark.parametrize(
    ("build", "setting"),
    [
        (lambda: CappedLinear(kappa=0.0), "kappa"),
        (lambda: SelfNormalised(kappa=-1.0), "kappa"),
        (lambda: LogMinMax(floor_quantile=1.0), "floor_quantile"),
        (lambda: LogMinMax(floor_quantile=-0.1), "floor_quantile"),
    ],
)
def test_settings_that_cannot_work(build, setting):
    with pytest.raises(SettingError, match=setting):
        build()


EXTREME = st.sampled_from([0.0, 1.0, -1.0, 1e-30, 88.0, -88.0, 1e30, -1e30, 3e38, -3e38, -math.inf])


@in_all
@given(values=st.lists(EXTREME, min_size=1, max_size=9))
@settings(max_examples=100, deadline=None)
def test_scores_are_numbers_whatever_the_scale(mapping, values):
    log_raw = torch.tensor(values)
    if log_raw.isfinite().any():
        assert mapping(log_raw).isfinite().all()
