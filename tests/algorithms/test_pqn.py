"""PQN: its loss is that of fresh target networks; what it learns of."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from remix.algorithms.pqn import PQN
from remix.algorithms.value_factorization import ValueFactorization
from remix.envs.games import MatrixGame
from remix.learning.policy import Policy
from remix.networks.mixers.qatten import QattenMixer
from remix.networks.mixers.qfix import QFIXMixer
from remix.networks.mixers.qmix import QMixer
from remix.networks.mixers.qplex import QPLEXMixer
from remix.networks.mixers.vdn import VDNMixer
from remix.networks.normalised_agent import NormalisedAgent
from tests.algorithms.devices import Waits, leave_the_cpu
from tests.algorithms.test_games import PAYOFF, every_episode, greedy_return, joint_values
from tests.samples import make_batch, make_spec

BITS = make_spec(obs_dtype="bool", state_dtype="bool", obs_size=11, state_size=20)
POLICY = partial(Policy, hidden_size=16, agent=NormalisedAgent)
MIXERS = [VDNMixer, QMixer, QPLEXMixer, QattenMixer, QFIXMixer]


@pytest.fixture
def batch():
    return make_batch(BITS, [9, 4, 7, 1, 9, 9], terminated=[True, False] * 3)


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize("td_lambda", [0.0, 0.85])
def test_loss_and_gradient_are_those_of_target_networks_copied_just_now(batch, mixer, td_lambda):
    module = PQN(BITS, mixer=mixer, policy=POLICY, td_lambda=td_lambda)
    other = ValueFactorization(BITS, mixer=mixer, policy=POLICY, td_lambda=td_lambda)
    other.policy.load_state_dict(module.policy.state_dict())
    other.mixer.load_state_dict(module.mixer.state_dict())
    other.targets.follow(1_000)
    (loss, metrics), (expected, others) = (m.loss(batch, env_steps=0) for m in (module, other))
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(metrics["train/target"], others["train/target"])
    loss.backward()
    expected.backward()
    theirs = dict(other.named_parameters())
    for name, parameter in module.named_parameters():
        torch.testing.assert_close(parameter.grad, theirs[name].grad)


def test_actions_that_are_not_available_are_never_the_best(batch, monkeypatch):
    module = PQN(BITS, policy=POLICY)
    expected, _ = module.loss(batch, env_steps=0)
    outputs = module.policy.unroll(batch).masked_fill(~batch.availability(), 1e6)
    monkeypatch.setattr(module.policy, "unroll", lambda batch: outputs)
    torch.testing.assert_close(module.loss(batch, env_steps=0)[0], expected)


def test_it_learns_from_fresh_episodes_alone():
    assert (PQN.learns_from_replay, PQN.learns_from_latest) == (False, True)
    assert not PQN(BITS).targets.pairs


def test_no_update_waits_for_the_device(batch, monkeypatch):
    leave_the_cpu(monkeypatch)
    module = PQN(BITS, policy=POLICY, mixer=QFIXMixer)
    with Waits() as waits:
        module.loss(batch, env_steps=0)[0].backward()
    assert not waits.seen


def test_uniform_play_leads_to_the_additive_fit():
    """As VDN: the projection is the same, and so is what it misses."""
    game = MatrixGame(PAYOFF)
    batch = every_episode(game)
    agents = partial(Policy, last_action=False, hidden_size=16, agent=NormalisedAgent)
    module = PQN(game.spec, policy=agents, optimizer=partial(torch.optim.Adam, lr=0.03))
    optimizer = module.configure_optimizers()
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=200)
    for _ in range(200):
        loss, _ = module.loss(batch, env_steps=0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    table = [-6.222, -4.889, -4.889, -4.889, -3.556, -3.556, -4.889, -3.556, -3.556]
    assert joint_values(module, batch).tolist() == pytest.approx(table, abs=0.1)
    assert greedy_return(module, game) == 0.0
