"""Agents that learn from their own rewards: targets, what is learned, resumption, and who cannot."""

from __future__ import annotations

from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import remix
from remix.algorithms.independent import IndependentQLearning
from remix.envs.games import GeneralSumGame
from remix.learning.episodes import Batch, collate, pack
from remix.learning.policy import Policy, StochasticPolicy
from remix.learning.workers.rollout import rollout
from remix.networks.unshared_agent import UnsharedAgent
from remix.networks.value_critic import ValueCritic
from tests.algorithms.test_mappo import Offline, a_round
from tests.command_line import CommandLine
from tests.samples import make_episode, make_spec
from tests.test_algorithms import train

SPEC = make_spec(individual_rewards=True)
OPPOSITE = [[[0, -1], [2, 1]], [[0, 1], [-2, -1]]]
GAME = GeneralSumGame(OPPOSITE)
POLICY = partial(Policy, last_action=False, hidden_size=16)


def iql(spec=SPEC, policy=POLICY, own: bool = True) -> IndependentQLearning:
    torch.manual_seed(0)
    return IndependentQLearning(spec, policy, individual_rewards=own)


def mappo(spec=SPEC, own: bool = True, **settings) -> Offline:
    torch.manual_seed(0)
    return Offline(spec, individual_rewards=own, **settings)


def batch_of(lengths=(5, 3), **changes) -> Batch:
    episodes = [make_episode(SPEC, n, n, terminated=n == 3, **changes) for n in lengths]
    return collate([pack(e, behaviour=True, individual_rewards=True) for e in episodes], SPEC)


class TestTargets:
    def test_those_of_iql(self):
        """Worked example: utilities 1, 2, 3 of the taken actions, own rewards 5, -1, 2, no future."""
        module, batch = iql(), batch_of(lengths=(3,))
        head = module.policy.agent.head
        head.weight.data.zero_()
        head.bias.data.copy_(torch.tensor([1.0, 2.0, 3.0, 100.0]))
        batch.terminated[:] = True
        batch.actions[:] = torch.tensor([0, 1, 2])
        batch.individual_rewards = torch.tensor([[5.0, -1.0, 2.0]]).repeat(3, 1)
        loss, metrics = module.loss(batch, env_steps=0)
        torch.testing.assert_close(loss, torch.tensor(0.5 * (16 + 9 + 1) / 3))
        torch.testing.assert_close(metrics["train/target"], torch.tensor(2.0))

    def test_what_others_are_paid_teaches_an_agent_nothing(self):
        """By the gradients of each agent's own network."""
        module, batch = iql(policy=partial(POLICY, shared=False)), batch_of()
        agents = module.policy.agent
        assert isinstance(agents, UnsharedAgent) and batch.individual_rewards is not None
        networks = [list(network.parameters()) for network in agents.networks]

        def gradients() -> list[tuple[Tensor, ...]]:
            loss, _ = module.loss(batch, env_steps=0)
            return [torch.autograd.grad(loss, network, retain_graph=True) for network in networks]

        before = gradients()
        batch.individual_rewards[:, 1] += 7.0
        batch.reward += 3.0
        same = [all(map(torch.equal, *pair)) for pair in zip(before, gradients(), strict=True)]
        assert same == [True, False, True]

    def test_those_of_mappo(self):
        """Worked example: gamma 0.5, lambda 1, an end after three steps: sums of what is yet to come."""
        module, batch = mappo(gamma=0.5, td_lambda=1.0, value_decay=0.0), batch_of(lengths=(3,))
        batch.individual_rewards = torch.tensor([[1.0, 0.0, -4.0], [2.0, 0.0, 8.0], [4.0, 16.0, 0.0]])
        returns = module.returns.restore(module.judged(batch).returns)
        expected = torch.tensor([[3.0, 4.0, 0.0], [4.0, 8.0, 8.0], [4.0, 16.0, 0.0]])
        torch.testing.assert_close(returns, expected, atol=1e-4, rtol=1e-4)

    def test_equal_rewards_are_the_team_reward_to_the_last_bit(self):
        reward = np.random.default_rng(1).normal(size=5).astype(np.float32)
        rewards = {"reward": reward, "individual_rewards": reward[:, None].repeat(3, axis=1)}
        batch = batch_of((5,), **rewards)
        assert iql().loss(batch, 0)[0].item() == iql(own=False).loss(batch, 0)[0].item()
        ours, theirs = mappo().judged(batch), mappo(own=False).judged(batch)
        assert torch.equal(ours.returns, theirs.returns) and torch.equal(ours.advantage, theirs.advantage)


class TestOppositeRewards:
    """Each agent does best by its action 1, whatever the other does; the team always gets 0."""

    @pytest.mark.parametrize("own", [True, False])
    def test_iql_learns_what_an_action_pays_its_agent(self, own):
        """On average over what the other does; by the team reward all actions are alike."""
        episodes = rollout(GAME, POLICY(GAME.spec), np.arange(64), exploration=1.0)
        by_actions = {tuple(episode.actions[0]): episode for episode in episodes}
        assert set(by_actions) == set(product(range(2), repeat=2))
        batch = collate([pack(e, individual_rewards=True) for e in by_actions.values()], GAME.spec)
        module = iql(GAME.spec, own=own)
        optimizer = torch.optim.Adam(module.policy.parameters(), lr=0.03)
        for _ in range(150):
            loss, _ = module.loss(batch, env_steps=0)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        expected = torch.tensor([[-0.5, 1.5], [-1.0, 0.0]]) if own else torch.zeros(2, 2)
        torch.testing.assert_close(module.policy.unroll(batch)[0].detach(), expected, atol=0.1, rtol=0.0)

    @pytest.mark.parametrize("sees", ["own", "state_and_obs"])
    def test_ppo_learns_each_agents_best_action(self, sees):
        module = mappo(
            GAME.spec,
            policy=partial(StochasticPolicy, last_action=False, hidden_size=16),
            critic=partial(ValueCritic, sees=sees, hidden_size=16),
            optimizer=partial(torch.optim.Adam, lr=0.01),
            critic_optimizer=partial(torch.optim.Adam, lr=0.01),
        )
        for first in range(0, 20 * 32, 32):
            episodes = rollout(GAME, module.policy, np.arange(first, first + 32), exploration=0.0)
            batch = collate([pack(e, behaviour=True, individual_rewards=True) for e in episodes], GAME.spec)
            module.learn(a_round(batch))
        [episode] = rollout(GAME, module.policy, np.zeros(1, np.int64), exploration=None)
        assert episode.actions.tolist() == [[1, 1]]
        assert episode.individual_scores == [1.0, -1.0] and episode.score == 0.0


@pytest.mark.parametrize("algorithm", ["iql", "ippo"])
def test_a_resumed_run_equals_an_uninterrupted_one(algorithm: str, tmp_path: Path):
    config = remix.compose(
        f"algorithm={algorithm}", "env=zero_sum_game", "env.stages=3", "algorithm.individual_rewards=true",
        "replay.episodes_per_round=4", "replay.batch_size=4", "algorithm.policy.hidden_size=16",
        "max_env_steps=144", "steps_per_epoch=36", "validation_episodes=2", "run_dir=x",
    )  # fmt: skip
    whole, expected = train(config, tmp_path / "whole")
    _, before = train(config, tmp_path / "half", max_epochs=2)
    module, after = train(config, tmp_path / "half", checkpoint=tmp_path / "half/last.ckpt")
    assert whole.updates == module.updates >= 8
    assert [*before.rows, *after.rows] == expected.rows
    for name, value in whole.state_dict().items():
        assert torch.equal(value, module.state_dict()[name]), name
    logged = {name for _, metrics in expected.rows for name in metrics}
    assert {f"{kind}/return_agent_{n}" for kind in ("train", "test") for n in (0, 1)} <= logged


@pytest.mark.parametrize(
    ("words", "setting"),
    [
        ("algorithm=qmix algorithm.individual_rewards=true", "algorithm.individual_rewards"),
        ("algorithm=pqn_vdn +algorithm.individual_rewards=true", "algorithm.individual_rewards=True"),
        ("algorithm=fop algorithm.individual_rewards=true", "algorithm.individual_rewards"),
    ],
)
def test_whoever_learns_a_joint_value_refuses_and_says_who_can(
    words: str,
    setting: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
):
    outcome = CommandLine(monkeypatch, capsys, tmp_path)("train", "env=zero_sum_game", *words.split())
    [line] = outcome.err.splitlines()
    assert outcome.code == 2 and line.startswith(f"remix: {setting}: unknown setting; ")
    assert line.endswith("(ippo, iql, mappo have it)")


def test_a_game_that_pays_the_team_alone_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    words = ("train", "algorithm=iql", "env=climbing", "algorithm.individual_rewards=true", "logger=none")
    outcome = CommandLine(monkeypatch, capsys, tmp_path)(*words)
    problem = "must be false: climbing pays the team, not each agent"
    assert outcome.err == f"remix: algorithm.individual_rewards=True: {problem}\n"
    assert outcome.code == 2
