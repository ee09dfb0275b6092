"""VDN's sum."""

import torch

from remix.checking.tables import SPEC
from remix.networks.mixers.vdn import VDNMixer


def test_value_is_the_sum():
    value, slopes = VDNMixer(SPEC).value_and_slopes(torch.tensor([[1.0, 2.0, 4.0]]), torch.zeros(1, 7))
    assert value.tolist() == [7.0]
    assert slopes.tolist() == [[1.0, 1.0, 1.0]]
    assert not list(VDNMixer(SPEC).parameters())
