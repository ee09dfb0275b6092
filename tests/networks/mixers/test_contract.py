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
from remix.networks.mixers.qfix import QFIXMixer
from remix.networks.mixers.qmix import QMixer
from remix.networks.mixers.qplex import QPLEXMixer
from remix.networks.mixers.unconstrained import UnconstrainedMixer
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
    "q+fix_sum": QFIXMixer,
    "q+fix_lin": partial(QFIXMixer, inner=None),
    "q+fix_lin_detached": partial(QFIXMixer, inner=None, detach_advantages=True),
    "qfix_sum": partial(QFIXMixer, additive=False),
    "qfix_lin": partial(QFIXMixer, inner=None, additive=False),
    "q+fix_mono": partial(QFIXMixer, inner=QMixer),
    "unconstrained": UnconstrainedMixer,
}


@pytest.mark.parametrize("name", MIXERS)
def test_it_keeps_the_contract(name):
    assert set(check(MIXERS[name]).not_checked.values()) <= {"monotonic is false"}
