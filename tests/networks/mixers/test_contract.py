"""What all mixers have in common."""

from collections.abc import Callable
from functools import partial
from itertools import product

import pytest
import torch

from envs.spec import EnvSpec
from remix.checking.tables import SPEC, Table, random_actions
from remix.networks.mixers.base import Mixer
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
}


@pytest.fixture(params=list(MIXERS.values()), ids=list(MIXERS))
def mixer(request) -> Mixer:
    return request.param(SPEC)


def test_slopes_are_the_derivatives_of_the_value(mixer):
    """By finite differences: a change of a taken utility also moves the agent's maximum, if it is that."""
    mixer.double()
    table, actions, step = Table.random(40, torch.float64), random_actions(40), 1e-5
    _, slopes = table.mix(mixer, actions)
    for agent in range(SPEC.n_agents):
        ends = []
        for sign in (1.0, -1.0):
            moved = table.utilities.clone()
            moved[:, agent].scatter_add_(
                1, actions[:, agent, None], torch.full((40, 1), sign * step).double()
            )
            ends.append(Table(moved, table.state, table.obs).mix(mixer, actions)[0].detach())
        torch.testing.assert_close(slopes[:, agent], (ends[0] - ends[1]) / (2 * step), rtol=1e-4, atol=1e-6)
    assert not slopes.requires_grad


def test_no_slope_is_negative(mixer):
    _, slopes = Table.random(200, scale=30.0).mix(mixer, random_actions(200))
    assert (slopes >= 0).all()


def test_value_is_the_same_without_slopes(mixer):
    table, actions = Table.random(50), random_actions(50)
    value, _ = table.mix(mixer, actions)
    assert value.shape == (50,)
    assert torch.equal(value, mixer(table.chosen(actions), table.state, table.context(actions)))


def test_individual_maxima_make_the_joint_maximum(mixer):
    """Of all joint actions, the one of the agents' own best actions has the highest value (IGM)."""
    joint = torch.tensor(list(product(range(SPEC.n_actions), repeat=SPEC.n_agents)))
    for _ in range(20):
        one = Table.random(1)
        everywhere = Table(
            one.utilities.expand(len(joint), -1, -1),
            one.state.expand(len(joint), -1),
            one.obs.repeat(len(joint), 1),
        )
        values, _ = everywhere.mix(mixer, joint)
        greedy, _ = one.mix(mixer, one.utilities.argmax(-1))
        torch.testing.assert_close(greedy[0], values.max())


def test_each_row_is_mixed_by_itself(mixer):
    table, actions = Table.random(8), random_actions(8)
    together, _ = table.mix(mixer, actions)
    alone = [table.rows(slice(i, i + 1)).mix(mixer, actions[i : i + 1])[0] for i in range(8)]
    torch.testing.assert_close(together, torch.cat(alone))


def test_every_parameter_learns(mixer):
    table, actions = Table.random(200), random_actions(200)
    table.utilities.requires_grad_()
    value, _ = table.mix(mixer, actions)
    value.square().sum().backward()
    for name, parameter in mixer.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name
