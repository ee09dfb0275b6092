"""All mixers keep the contract of mixers."""

from collections.abc import Callable
from functools import partial

import pytest

from remix.checking.kinds import check
from remix.envs.spec import EnvSpec
from remix.networks.mixers.base import Mixer
from remix.networks.mixers.fop import FOPMixer
from remix.networks.mixers.linear import LinearMixer
from remix.networks.mixers.qatten import QattenMixer
from remix.networks.mixers.qmix import QMixer
from remix.networks.mixers.qplex import QPLEXMixer
from remix.networks.mixers.vdn import VDNMixer

MIXERS: dict[str, Callable[[EnvSpec], Mixer]] = {
    "vdn": VDNMixer,
    "qmix": QMixer,
    "qplex": QPLEXMixer,
    "qplex_deep": partial(QPLEXMixer, n_heads=2, n_layers=3),
    "qatten": QattenMixer,
    "qatten_unweighted": partial(QattenMixer, weighted_heads=False),
    "linear": LinearMixer,
    "linear_biased": partial(LinearMixer, normalise=False, bias=True),
    "fop": FOPMixer,
}


@pytest.mark.parametrize("name", MIXERS)
def test_it_keeps_the_contract(name):
    assert not check(MIXERS[name]).not_checked
