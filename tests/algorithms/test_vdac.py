"""VDAC: loss against its definition, advantages, on-policy data."""

from functools import partial

import pytest
import torch
from torch import nn

from remix.algorithms.vdac import VDAC
from remix.envs.games import MatrixGame
from remix.learning.datamodule import ReplayDataModule
from remix.learning.episodes import collate, pack
from remix.learning.policy import ActorCriticPolicy
from remix.learning.rounds import Round
from remix.learning.schedules import Schedule
from remix.networks.mixers.qmix import QMixer
from remix.networks.mixers.qplex import QPLEXMixer
from remix.networks.mixers.vdn import VDNMixer
from remix.networks.softmax import gather, log_policy
from remix.settings.errors import SettingError
from tests.algorithms.devices import Waits, leave_the_cpu
from tests.algorithms.oracle import lambda_targets, outputs
from tests.algorithms.test_games import PAYOFF, greedy_return
from tests.samples import make_batch, make_episode, make_spec
from tests.training import fit

SPEC = make_spec()
LENGTHS, TERMINATED = [3, 6, 1, 6], [True, False, False, True]
SMALL = partial(ActorCriticPolicy, hidden_size=16)


def build(spec=SPEC, **changes):
    return VDAC(spec, **({"policy": SMALL} | changes))


def policy_probabilities(logits, available, exploration):
    """``[N, A]`` by the definition, one agent after the other."""
    rows = []
    for agent_logits, agent_available in zip(logits, available, strict=True):
        possible = agent_available.nonzero().flatten()
        shares = torch.zeros(len(agent_logits)).index_put(
            (possible,), (1 - exploration) * agent_logits[possible].softmax(0) + exploration / len(possible)
        )
        rows.append(shares)
    return torch.stack(rows)


def slow_loss(module, episodes, exploration):
    """Step by step through every episode."""
    policy_terms, value_terms, entropies = [], [], []
    for episode in episodes:
        everything = outputs(module.policy.agent, module.policy.inputs, episode)
        logits, values = everything[..., :-1], everything[..., -1]
        state = torch.from_numpy(episode.state).float()
        joint = torch.stack(
            [module.mixer(values[t : t + 1], state[t : t + 1])[0] for t in range(len(values))]
        )
        returns = lambda_targets(episode, joint[1:], module.gamma, module.td_lambda)
        available, actions = torch.from_numpy(episode.avail_actions), torch.from_numpy(episode.actions)
        for t in range(episode.length):
            advantage = (returns[t] - joint[t]).detach()
            acted = policy_probabilities(logits[t], available[t], exploration)
            plain = policy_probabilities(logits[t], available[t], 0.0)
            for i in range(SPEC.n_agents):
                policy_terms.append(-advantage * acted[i, actions[t, i]].log())
                value_terms.append((joint[t] - returns[t]) ** 2)
                possible = plain[i][available[t, i]]
                entropies.append(-(possible * possible.log()).sum())
    return (
        torch.stack(policy_terms).mean()
        + module.value_loss_factor * torch.stack(value_terms).mean()
        - module.entropy_factor * torch.stack(entropies).mean()
    )


@pytest.mark.parametrize("mixer", [VDNMixer, QMixer], ids=["sum", "vmix"])
@pytest.mark.parametrize("explore_in_loss", [False, True])
def test_loss_and_gradient_of_a_batch_are_those_of_its_transitions(mixer, explore_in_loss):
    episodes = [
        make_episode(SPEC, n, i, end) for i, (n, end) in enumerate(zip(LENGTHS, TERMINATED, strict=True))
    ]
    module = build(
        mixer=mixer, explore_in_loss=explore_in_loss, entropy_factor=0.3, epsilon=Schedule(0.5, 0.2, 100_000)
    )
    loss, _ = module.loss(collate([pack(e) for e in episodes], SPEC), env_steps=50_000)
    expected = slow_loss(module, episodes, exploration=0.35 if explore_in_loss else 0.0)
    torch.testing.assert_close(loss, expected)
    parameters = list(module.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(loss, parameters), torch.autograd.grad(expected, parameters), strict=True
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_without_advantage_there_is_no_policy_gradient():
    """Values that predict every return leave the policy alone: all of it, in this case."""
    module = build(entropy_factor=0.0)
    nn.init.zeros_(module.policy.agent.head.weight)
    nn.init.zeros_(module.policy.agent.head.bias)
    batch = make_batch(SPEC, [4, 2], [True, True])
    batch.reward.zero_()
    loss, _ = module.loss(batch, env_steps=0)
    loss.backward()
    assert all(not p.grad.any() for p in module.parameters() if p.grad is not None)


@pytest.mark.parametrize("reward", [10.0, -10.0])
def test_a_joint_action_becomes_as_likely_as_it_is_good(reward):
    module = build(entropy_factor=0.0, value_loss_factor=0.0, optimizer=partial(torch.optim.SGD, lr=1e-3))
    batch = make_batch(SPEC, [1], [True])
    batch.reward.fill_(reward)

    def probability():
        inputs = module.policy.inputs.rows(batch.obs_rows(), batch.last_actions())
        logits = module.policy.agent(inputs, batch.batch_sizes * SPEC.n_agents)[: SPEC.n_agents, :-1]
        return gather(log_policy(logits, batch.availability()[0]), batch.actions[0]).sum().item()

    before, optimizer = probability(), module.configure_optimizers()
    module.loss(batch, env_steps=0)[0].backward()
    optimizer.step()
    assert (probability() - before) * reward > 0


def test_values_learn_from_the_value_loss_alone():
    """The advantage is a constant of the policy's loss."""
    batch = make_batch(SPEC, [5, 3])
    module = build(value_loss_factor=0.0)
    (gradient,) = torch.autograd.grad(module.loss(batch, 0)[0], module.policy.agent.head.weight)
    assert not gradient[-1].any() and gradient[:-1].any()


def test_mixers_of_actions_are_refused():
    with pytest.raises(SettingError, match="mixer=QPLEXMixer: must mix values of states"):
        build(mixer=QPLEXMixer)


@pytest.mark.parametrize("factor", ["value_loss_factor", "entropy_factor"])
def test_factors_that_would_turn_a_loss_round_are_refused(factor):
    with pytest.raises(SettingError, match=f"{factor}=-0.1: must be a number of at least 0"):
        build(**{factor: -0.1})


def test_number_of_parameters():
    """With the sizes of Predator-Prey."""
    spec = make_spec(n_agents=8, n_actions=6, obs_size=75, state_size=300)
    module = VDAC(spec, policy=partial(ActorCriticPolicy, agent_id=False))
    assert sum(p.numel() for p in module.parameters()) == 30_663


def test_an_update_never_waits_for_the_device(monkeypatch):
    module, batch = build(mixer=QMixer, explore_in_loss=True), make_batch(SPEC, [4, 9, 9])
    leave_the_cpu(monkeypatch)
    with Waits() as waits:
        module.loss(batch, env_steps=0)[0].backward()
    assert not waits.seen


def test_other_devices_compute_the_same(monkeypatch):
    module, batch = build(mixer=QMixer, explore_in_loss=True), make_batch(SPEC, [4, 9, 9])
    loss, _ = module.loss(batch, env_steps=0)
    leave_the_cpu(monkeypatch)
    torch.testing.assert_close(module.loss(batch, env_steps=0)[0], loss)


@pytest.mark.filterwarnings("ignore:.*isinstance.treespec")
@pytest.mark.parametrize("mixer", [VDNMixer, QMixer], ids=["sum", "vmix"])
def test_it_ends_beside_the_optimum_of_the_matrix_game(mixer):
    """Action 0 is only good if the other agent takes it, which a shared advantage cannot see: 0, not 8."""
    torch.manual_seed(0)
    game = MatrixGame(PAYOFF)
    module = build(
        game.spec,
        mixer=mixer,
        policy=partial(ActorCriticPolicy, hidden_size=16, last_action=False),
        optimizer=partial(torch.optim.RMSprop, lr=5e-3),
        epsilon=Schedule(0.5, 0.0, 1_000),
    )
    data = ReplayDataModule(
        partial(MatrixGame, PAYOFF),
        capacity=64,
        batch_size=64,
        episodes_per_round=64,
        steps_per_epoch=6_400,
        max_env_steps=12_800,
        validation_episodes=1,
    )
    recorder = fit(module, data)
    assert greedy_return(module, game) == 0.0
    returns = [value for _, value in recorder.history("train/return")]
    assert returns[0] < -2.0 and returns[-1] > -0.5, "it has learned to avoid -12"


def test_a_round_is_learned_from_with_the_exploration_with_which_it_was_played():
    """Not with that of afterwards, which epsilon has fallen to in the meantime."""
    module = build(explore_in_loss=True)
    batch = make_batch(SPEC, [4, 2], [True, False])
    played = Round(None, batch, [], 50_000, 0, module.exploration(0), ends_epoch=False, ends_run=False)
    torch.testing.assert_close(module.round_loss(played)[0], module.loss(batch, 0)[0])
    assert module.exploration(50_000) < module.exploration(0)
