"""QFIX and Q+FIX: worked examples, what they can represent, what learns."""

from functools import partial
from itertools import product
from typing import Any

import pytest
import torch

from remix.checking.tables import SPEC, Table, random_actions
from remix.networks.mixers.base import Context
from remix.networks.mixers.qfix import QFIXMixer
from remix.networks.mixers.qmix import QMixer
from remix.networks.mixers.qplex import QPLEXMixer
from remix.networks.mixers.vdn import VDNMixer
from remix.settings.errors import SettingError
from tests.networks.mixers.constants import constant, logit
from tests.samples import make_spec

FORMS: dict[str, dict[str, Any]] = {
    f"{'q+fix' if additive else 'qfix'}_{name}": {"inner": inner, "additive": additive}
    for additive in (True, False)
    for name, inner in {"sum": VDNMixer, "mono": QMixer, "lin": None}.items()
}
TWO = make_spec(n_agents=2)


def example(weights: list[float], **form: Any) -> QFIXMixer:
    """Two agents, w and b = 0.2 whatever is put in."""
    mixer = QFIXMixer(TWO, **form)
    constant(mixer.weight, weights)
    constant(mixer.bias, [0.2])
    return mixer


def value_of(mixer: QFIXMixer, utilities: list[float], maxima: list[float]) -> tuple[float, list[float]]:
    context = Context(torch.tensor([[1, 2]]), torch.tensor([maxima]))
    value, slopes = mixer.value_and_slopes(torch.tensor([utilities]), torch.randn(1, 7), context)
    return value.item(), slopes[0].tolist()


@pytest.mark.parametrize(
    ("form", "weights", "utilities", "value", "slopes"),
    [
        ("q+fix_lin", [0.7, 3.0], [1.0, -1.0], -3.15, [1.7, 4.0]),
        ("q+fix_lin", [0.7, 3.0], [1.0, 0.0], 0.85, [1.7, 1.0]),
        ("qfix_lin", [0.7, 3.0], [1.0, -1.0], -3.15, [0.7, 3.0]),
        ("qfix_lin", [0.7, 3.0], [1.0, 0.0], -0.15, [0.7, 0.0]),
        ("q+fix_sum", [0.7], [1.0, -1.0], -0.85, [1.7, 1.7]),
        ("qfix_sum", [0.7], [1.5, -1.0], -0.5, [0.0, 0.7]),
    ],
)
def test_worked_example(form, weights, utilities, value, slopes):
    found = value_of(example(weights, **FORMS[form]), utilities, [1.5, 0.0])
    assert found[0] == pytest.approx(value)
    assert found[1] == pytest.approx(slopes, abs=1e-6)


@pytest.mark.parametrize(("weight", "value"), [(0.7, -2.521562), (-0.5, -0.843279)])
def test_worked_example_with_the_mixer_of_qmix(weight, value):
    mixer = example([weight], inner=partial(QMixer, embed_dim=2))
    assert isinstance(mixer.inner, QMixer)
    constant(mixer.inner.first_weight, [1.0, 2.0, 0.5, 3.0])
    constant(mixer.inner.first_bias, [1.0, -4.0])
    constant(mixer.inner.second_weight, [1.0, 3.0])
    constant(mixer.inner.state_value, [0.25])
    assert value_of(mixer, [0.5, -1.0], [1.0, 0.0])[0] == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize(("additive", "expected"), [(True, [0.7, -0.5, 0.0]), (False, [0.7, 0.5, 2.0])])
def test_weights_stay_above_their_bound(additive, expected):
    mixer = QFIXMixer(SPEC, inner=None, additive=additive)
    constant(mixer.weight, [0.7, -0.5, -2.0])
    actions = torch.zeros(1, 3, dtype=torch.int64)
    weights = mixer.weights(torch.randn(1, SPEC.state_size), actions)
    assert weights[0].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_the_greedy_joint_action_is_the_best(form):
    """Whatever the weights, by enumeration of all joint actions."""
    joint = torch.tensor(list(product(range(SPEC.n_actions), repeat=SPEC.n_agents)))
    for seed in range(10):
        torch.manual_seed(seed)
        mixer, one = QFIXMixer(SPEC, **FORMS[form]), Table.random(1)
        with torch.no_grad():
            for parameter in mixer.weight.parameters():
                parameter.mul_(5.0)
        everywhere = Table(
            one.utilities.expand(len(joint), -1, -1), one.state.expand(len(joint), -1), one.obs
        )
        values, _ = everywhere.mix(mixer, joint)
        assert torch.equal(joint[values.argmax()], one.utilities.argmax(-1)[0])


def test_with_constant_advantages_it_is_qplex_without_its_transformation():
    """Of weight 1 and bias b / N, with lambda = 1 + w."""
    mixer = example([0.7, 3.0], inner=None, detach_advantages=True)
    other = QPLEXMixer(TWO, n_heads=1)
    constant(other.weight, [1.0, 1.0])
    constant(other.bias, [0.1, 0.1])
    constant(other.importance.keys[0], [-8.0])
    constant(other.importance.agents[0], [logit(0.5), logit(0.5)])
    constant(other.importance.actions[0], [logit(1.7 / 4.0), logit(1.0 - 1e-7)])
    utilities, state = torch.randn(20, 2, requires_grad=True), torch.randn(20, 7)
    context = Context(torch.zeros(20, 2, dtype=torch.int64), utilities.detach().clamp(min=0.3))
    results = []
    for each in (mixer, other):
        value, slopes = each.value_and_slopes(utilities, state, context)
        results.append((value, slopes, *torch.autograd.grad(value.sum(), utilities)))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("detached", [False, True])
def test_utilities_learn_from_advantages_unless_told_otherwise(detached):
    """The taken ones and the highest ones."""
    mixer, table, actions = QFIXMixer(SPEC, detach_advantages=detached), Table.random(30), random_actions(30)
    utilities = table.utilities.requires_grad_()
    chosen = utilities.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
    context = Context(actions, utilities.amax(-1))
    (gradient,) = torch.autograd.grad(mixer(chosen, table.state, context).sum(), utilities)
    weight = mixer.weights(table.state, actions).detach().unsqueeze(-1).expand(-1, SPEC.n_agents, -1)
    weight = 0.0 * weight if detached else weight
    expected = torch.zeros_like(gradient).scatter(-1, actions.unsqueeze(-1), 1.0 + weight)
    expected = expected.scatter_add(-1, utilities.argmax(-1, keepdim=True), -weight)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize(("inner", "size"), [(VDNMixer, 41_730), (None, 42_185)])
def test_number_of_parameters(inner, size):
    """With the sizes of Predator-Prey."""
    spec = make_spec(n_agents=8, n_actions=6, obs_size=75, state_size=300)
    assert sum(p.numel() for p in QFIXMixer(spec, inner=inner).parameters()) == size


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"inner": QPLEXMixer}, "inner=QPLEXMixer: must read utilities and state alone"),
        ({"inner": partial(QMixer, embed_dim=0)}, "inner.embed_dim=0"),
        ({"hidden_size": 0}, "hidden_size=0"),
        ({"additive": False, "detach_advantages": True}, "detach_advantages=True: must be false"),
    ],
)
def test_settings_that_cannot_work(settings, message):
    with pytest.raises(SettingError, match=message):
        QFIXMixer(SPEC, **settings)
