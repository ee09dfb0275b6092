"""The minimum that rises."""

import pytest
import torch

from remix.checking.transitions import make_inputs
from remix.settings.errors import SettingError
from remix.weighting.annealed import Annealed
from remix.weighting.optimistic import Optimistic


@pytest.mark.parametrize(
    ("env_steps", "minimum"),
    [(0, 0.1), (100_000, 0.1), (300_000, 0.325), (500_000, 0.55), (900_000, 1.0), (2_000_000, 1.0)],
)
def test_minimum_after_some_steps(env_steps, minimum):
    inputs = make_inputs(env_steps=env_steps)
    weights, diagnostics = Annealed()(inputs)
    assert weights[~inputs.underestimated].tolist() == pytest.approx(
        [minimum] * (~inputs.underestimated).sum()
    )
    assert (weights[inputs.underestimated] == 1.0).all()
    assert diagnostics["weighting/minimum"].item() == pytest.approx(minimum)


def test_an_end_at_the_start_is_ow_qmix():
    inputs = make_inputs(env_steps=500_000)
    assert torch.equal(Annealed(0.3, end=0.3)(inputs).values, Optimistic(0.3)(inputs).values)


@pytest.mark.parametrize(("setting", "value"), [("end", 1.1), ("end", 0.0), ("steps", 0), ("begin", -1)])
def test_settings_that_cannot_work(setting, value):
    with pytest.raises(SettingError, match=f"{setting}="):
        Annealed(**{setting: value})
