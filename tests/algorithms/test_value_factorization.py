"""Losses of VDN, QMIX, OW-QMIX, CW-QMIX and ReMIX."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from remix.algorithms.value_factorization import ValueFactorization
from remix.learning.episodes import collate, pack
from remix.learning.policy import Policy
from remix.networks.central import CentralQ
from remix.networks.mixers.qatten import QattenMixer
from remix.networks.mixers.qmix import QMixer
from remix.networks.mixers.qplex import QPLEXMixer
from remix.networks.mixers.vdn import VDNMixer
from remix.settings.errors import SettingError
from remix.weighting.centrally_weighted import CentrallyWeighted
from remix.weighting.optimistic import Optimistic
from remix.weighting.regret_minimizing import RegretMinimizing
from remix.weighting.uniform import Uniform
from tests.algorithms.oracle import transitions, value_factorization_loss
from tests.samples import make_batch, make_episode, make_spec

SPEC = make_spec()
CENTRAL = partial(CentralQ, hidden_size=16, embed_dim=16)
LENGTHS, TERMINATED = [3, 6, 1, 6, 2], [True, False, False, True, False]


@pytest.fixture(scope="module")
def episodes():
    return [
        make_episode(SPEC, n, seed, end)
        for seed, (n, end) in enumerate(zip(LENGTHS, TERMINATED, strict=True))
    ]


@pytest.fixture(scope="module")
def batch(episodes):
    return collate([pack(episode, behaviour=True) for episode in episodes], SPEC)


def build(**changes):
    """A small module whose target networks differ from the online ones."""
    module = ValueFactorization(SPEC, policy=partial(Policy, hidden_size=16), **changes)
    for copy, _ in module.targets.pairs:
        for parameter in copy.parameters():
            parameter.data += 0.2 * torch.randn_like(parameter)
    return module


def gradients(module, loss):
    trained = [p for p in module.parameters() if p.requires_grad]
    return torch.autograd.grad(loss, trained, allow_unused=True)


def optimistic(row):
    return 1.0 if row["joint_value"] < row["target"] else 0.25


def centrally(row):
    return 1.0 if row["is_greedy"] or row["target"] > row["greedy_central_value"] else 0.25


@pytest.mark.parametrize(
    ("settings", "weight"),
    [
        ({"mixer": VDNMixer, "loss_factor": 0.5}, lambda row: 1.0),
        ({"loss_factor": 0.5}, lambda row: 1.0),
        ({"td_lambda": 0.0}, lambda row: 1.0),
        ({"mixer": QPLEXMixer}, lambda row: 1.0),
        ({"mixer": QattenMixer}, lambda row: 1.0),
        ({"mixer": QPLEXMixer, "weighting": Optimistic(0.25), "central": CENTRAL}, optimistic),
        ({"weighting": Uniform(), "central": CENTRAL}, lambda row: 1.0),
        ({"weighting": Optimistic(0.25), "central": CENTRAL, "central_loss_factor": 2.0}, optimistic),
        ({"weighting": CentrallyWeighted(0.25), "central": CENTRAL}, centrally),
    ],
    ids=[
        "vdn",
        "qmix",
        "qmix_one_step",
        "qplex",
        "qatten",
        "ow_qplex",
        "central_target",
        "ow_qmix",
        "cw_qmix",
    ],
)
def test_loss_and_gradient_of_a_batch_are_those_of_its_transitions(episodes, batch, settings, weight):
    """Neither packing nor the other episodes of the batch change anything.

    That the gradients agree shows besides: neither weights nor targets carry one, and Q* learns at the
    actions that were taken.
    """
    module = build(**settings)
    loss, _ = module.loss(batch, env_steps=0)
    expected = value_factorization_loss(module, episodes, weight)
    torch.testing.assert_close(loss, expected)
    for ours, theirs in zip(gradients(module, loss), gradients(module, expected), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_central_values_differ_between_taken_and_greedy_actions(episodes):
    """Otherwise the test above could not tell which of them Q* learns."""
    module = build(weighting=CentrallyWeighted(), central=CENTRAL)
    module.target_central.load_state_dict(module.central.state_dict())
    rows = [row for episode in episodes for row in transitions(module, episode)]
    differs = [not torch.isclose(row["central_value"], row["greedy_central_value"]) for row in rows]
    assert sum(differs) > len(rows) / 2
    assert any(row["is_greedy"] for row in rows)


class Spy(Uniform):
    """Asks for everything and keeps what it gets."""

    requires = frozenset(
        {"slopes", "central_value", "target_central_value", "greedy_central_value", "behaviour"}
    )

    def __call__(self, inputs):
        self.inputs = inputs
        return super().__call__(inputs)


def test_weightings_see_the_values_of_each_transition(episodes, batch):
    """Transition by transition, in the order of the batch: by time, longer episodes first."""
    spy = Spy()
    module = build(weighting=spy, central=CENTRAL)
    module.loss(batch, env_steps=7)
    rows = [transitions(module, episode) for episode in episodes]
    longest_first = sorted(range(len(episodes)), key=lambda i: -LENGTHS[i])
    order = [(i, t) for t in range(max(LENGTHS)) for i in longest_first if t < LENGTHS[i]]
    for name in ("joint_value", "target", "central_value", "target_central_value", "greedy_central_value"):
        expected = torch.stack([rows[i][t][name] for i, t in order]).detach()
        torch.testing.assert_close(getattr(spy.inputs, name), expected)
    for name in ("actions", "avail_actions", "behaviour"):
        played = np.stack([getattr(episodes[i], name)[t] for i, t in order])
        assert np.array_equal(getattr(spy.inputs, name).numpy(), played), name
    chosen = spy.inputs.utilities.gather(-1, batch.actions.unsqueeze(-1)).squeeze(-1)
    value, slopes = module.mixer.value_and_slopes(chosen, batch.states()[batch.here])
    torch.testing.assert_close(spy.inputs.joint_value, value)
    torch.testing.assert_close(spy.inputs.slopes, slopes)
    assert spy.inputs.env_steps == 7
    assert not any(
        value.requires_grad for value in vars(spy.inputs).values() if isinstance(value, torch.Tensor)
    )


class TestTargets:
    """Of one transition."""

    @staticmethod
    def target(module, terminated):
        batch = make_batch(SPEC, [1], [terminated])
        _, metrics = module.loss(batch, env_steps=0)
        return metrics["train/target"].item() - batch.reward.item(), batch

    @pytest.mark.parametrize("central", [None, CENTRAL], ids=["q_tot", "q_star"])
    def test_a_true_end_is_not_bootstrapped(self, central):
        future, _ = self.target(build(central=central), terminated=True)
        assert future == pytest.approx(0.0, abs=1e-6)

    def test_a_cut_is_bootstrapped_from_the_target_networks_at_the_online_greedy_action(self):
        module = build()
        future, batch = self.target(module, terminated=False)
        inputs = module.policy.inputs(batch.observations(), batch.last_actions())
        sizes = batch.batch_sizes * SPEC.n_agents
        online, target = (
            network(inputs, sizes).view(2, SPEC.n_agents, SPEC.n_actions)[1:]
            for network in (module.policy.agent, module.target_agent)
        )
        greedy = torch.where(batch.availability()[1:], online, -1e9).argmax(-1, keepdim=True)
        value = module.target_mixer(target.gather(-1, greedy).squeeze(-1), batch.states()[1:])
        assert future == pytest.approx(module.gamma * value.item(), abs=1e-5)

    @pytest.mark.parametrize("central", [None, CENTRAL], ids=["q_tot", "q_star"])
    def test_only_the_online_agents_choose(self, central):
        """The online utilities matter through their argmax alone."""
        module = build(central=central)
        before, _ = self.target(module, terminated=False)
        head = module.policy.agent.head
        head.weight.data *= 3.0
        head.bias.data *= 3.0
        assert self.target(module, terminated=False)[0] == pytest.approx(before, abs=1e-5)
        head.weight.data *= -1.0
        head.bias.data *= -1.0
        assert self.target(module, terminated=False)[0] != pytest.approx(before, abs=1e-5)


class TestSpecialCases:
    def test_qmix_is_a_weight_range_of_one_value_without_central(self, batch):
        qmix, weighted = build(), build(weighting=Optimistic(1.0, 1.0))
        weighted.load_state_dict(qmix.state_dict())
        assert torch.equal(weighted.loss(batch, 0)[0], qmix.loss(batch, 0)[0])

    def test_with_central_the_target_is_another(self, batch):
        qmix, central = build(), build(weighting=Optimistic(1.0, 1.0), central=CENTRAL)
        central.load_state_dict(qmix.state_dict(), strict=False)
        assert not torch.isclose(
            central.loss(batch, 0)[1]["train/target"], qmix.loss(batch, 0)[1]["train/target"]
        )

    def test_remix_without_factors_is_ow_qmix(self, batch):
        off: dict[str, Any] = {
            "bellman_error": False,
            "value_underestimation": False,
            "mixing_gradient": False,
        }
        ow_qmix = build(weighting=Optimistic(0.1), central=CENTRAL)
        remix = build(weighting=RegretMinimizing(0.1, warmup_steps=0, **off), central=CENTRAL)
        remix.load_state_dict(ow_qmix.state_dict())
        assert torch.equal(remix.loss(batch, 0)[0], ow_qmix.loss(batch, 0)[0])


class TestRemix:
    @pytest.mark.parametrize("mixer", [QMixer, VDNMixer])
    @pytest.mark.parametrize("central_network", ["online", "target"])
    def test_loss_is_the_weighted_projection(self, batch, mixer, central_network):
        weighting = RegretMinimizing(warmup_steps=0, on_policiness=True, central_network=central_network)
        module = build(mixer=mixer, weighting=weighting, central=CENTRAL, central_loss_factor=0.0)
        loss, metrics = module.loss(batch, env_steps=0)
        weights = module.last_weights
        assert weights.shape == batch.reward.shape and not weights.requires_grad
        assert len(weights.unique()) > 2
        uniform = build(mixer=mixer, central=CENTRAL, central_loss_factor=0.0)
        uniform.load_state_dict(module.state_dict())
        assert 0 < loss < uniform.loss(batch, 0)[0]
        assert metrics["weighting/mean"] == weights.mean()
        assert all(torch.isfinite(value) for value in metrics.values())

    def test_warm_up_ends_with_the_environment_steps(self, batch):
        module = build(weighting=RegretMinimizing(warmup_steps=100), central=CENTRAL)
        module.loss(batch, env_steps=99)
        assert len(module.last_weights.unique()) == 2
        module.loss(batch, env_steps=100)
        assert len(module.last_weights.unique()) > 2

    def test_every_trained_network_gets_a_finite_gradient(self, batch):
        module = build(weighting=RegretMinimizing(warmup_steps=0), central=CENTRAL)
        loss, _ = module.loss(batch, env_steps=0)
        for gradient in gradients(module, loss):
            assert gradient is not None and torch.isfinite(gradient).all()

    def test_behaviour_is_asked_of_the_replay(self):
        assert not build(weighting=RegretMinimizing(), central=CENTRAL).needs_behaviour
        assert build(weighting=RegretMinimizing(on_policiness=True), central=CENTRAL).needs_behaviour


@pytest.mark.parametrize(
    ("weighting", "missing"),
    [
        (CentrallyWeighted(), "greedy_central_value"),
        (RegretMinimizing(), "central_value"),
        (RegretMinimizing(central_network="target"), "target_central_value"),
    ],
)
def test_weights_that_need_central_values_need_the_central_network(weighting, missing):
    with pytest.raises(SettingError, match=rf"central=None: \w+ weights need Q\* \({missing}\)"):
        build(weighting=weighting)


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_impossible_lambda(value):
    with pytest.raises(SettingError, match="td_lambda"):
        build(td_lambda=value)


def test_target_networks_start_as_copies_and_are_not_trained():
    module = ValueFactorization(SPEC, central=CENTRAL)
    assert module.central is not None
    for copy, original in module.targets.pairs:
        assert all(
            torch.equal(one, two) for one, two in zip(copy.parameters(), original.parameters(), strict=True)
        )
        assert not any(p.requires_grad for p in copy.parameters())
    trained = {id(p) for group in module.configure_optimizers().param_groups for p in group["params"]}
    networks: list[nn.Module] = [module.policy, module.mixer, module.central]
    assert trained == {id(p) for network in networks for p in network.parameters()}
