"""MAPPO and IPPO: worked examples, losses against slow computations, resumption, two games."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from remix.algorithms.mappo import MAPPO, POLICY, Judged, clipped_value_loss, mean_where, standardised
from remix.envs.games import MatrixGame
from remix.learning.datamodule import ReplayDataModule
from remix.learning.episodes import Batch, Episode, collate, pack
from remix.learning.policy import StochasticPolicy
from remix.learning.returns import td_lambda
from remix.learning.rounds import Round
from remix.learning.workers.rollout import rollout
from remix.networks.softmax import gather, log_policy
from remix.networks.value_critic import ValueCritic
from remix.settings.errors import SettingError
from tests.algorithms.devices import Waits, leave_the_cpu
from tests.algorithms.oracle import lambda_targets, outputs
from tests.algorithms.test_games import PAYOFF
from tests.samples import make_batch, make_episode, make_spec
from tests.training import fit

SPEC = make_spec()
BITS = make_spec(obs_dtype="bool", state_dtype="bool", obs_size=11, state_size=20)
LENGTHS, TERMINATED = [3, 6, 1, 6], [True, False, False, True]
SMALL: dict[str, Any] = {
    "policy": partial(StochasticPolicy, hidden_size=16),
    "critic": partial(ValueCritic, hidden_size=16),
    "output_gain": 1.0,
}


class Offline(MAPPO):
    """Makes its steps without Lightning, and notes losses and parts."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **(SMALL | options))
        self.own_optimizers = self.configure_optimizers()
        self.losses: list[list[float]] = [[], []]
        self.parts: list[int] = []

    def minimise(self, loss: Tensor, number: int) -> Tensor:
        self.losses[number].append(loss.item())
        optimizer = self.own_optimizers[number]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return nn.utils.get_total_norm([p.grad for p in self.policy.parameters() if p.grad is not None])

    def policy_loss(self, step: Judged) -> tuple[Tensor, dict[str, Tensor]]:
        self.parts.append(step.batch.n_episodes)
        return super().policy_loss(step)


def a_round(batch: Batch) -> Round:
    return Round(None, batch, [], 0, 0, 0.0, ends_epoch=False, ends_run=False)


def still(parameters):
    """An optimizer that leaves everything as it is."""
    return torch.optim.SGD(parameters, lr=0.0)


def played(module: MAPPO, episodes: list[Episode], spec=SPEC) -> Batch:
    """The episodes as if this policy had played them."""
    batch = collate([pack(episode, behaviour=True) for episode in episodes], spec)
    with torch.no_grad():
        log = log_policy(module.policy.unroll(batch), batch.availability())[batch.here]
        batch.behaviour = gather(log, batch.actions).exp()
    return batch


def make_episodes(spec=SPEC) -> list[Episode]:
    return [make_episode(spec, n, i, end) for i, (n, end) in enumerate(zip(LENGTHS, TERMINATED, strict=True))]


class TestFormulas:
    @pytest.mark.parametrize(
        ("terminated", "advantage", "returns"),
        [
            (True, [1.5324, 0.06, -1.0], [5.5324, 5.06, 3.0]),
            (False, [3.36948, 3.462, 5.3], [7.36948, 8.462, 9.3]),
        ],
    )
    def test_returns_and_advantages(self, terminated, advantage, returns):
        """Generalised advantages are TD(lambda) returns less the values."""
        found = td_lambda(
            torch.tensor([[1.0], [2.0], [3.0]]),
            torch.tensor([[False], [False], [terminated]]),
            torch.tensor([[5.0], [4.0], [7.0]]),
            [1, 1, 1],
            gamma=0.9,
            lambda_=0.6,
        )[:, 0]
        assert found.tolist() == pytest.approx(returns, abs=1e-5)
        assert (found - torch.tensor([4.0, 5.0, 4.0])).tolist() == pytest.approx(advantage, abs=1e-5)

    def test_standardised_advantages_of_those_alive(self):
        counts = torch.tensor([True, True, True, True, False, True])
        found = standardised(torch.tensor([1.0, 2.0, 4.0, -3.0, 0.5, 6.0]), counts)
        assert found[counts].tolist() == pytest.approx(
            [-0.329689, 0, 0.659378, -1.648446, 1.318757], abs=2e-5
        )

    def test_nobody_alive(self):
        nobody = torch.zeros(3, dtype=torch.bool)
        assert mean_where(torch.ones(3), nobody).item() == 0.0
        assert standardised(torch.ones(3), nobody).isfinite().all()

    def test_clipped_values(self):
        value = torch.tensor([0.1, 0.5, -0.5])
        losses = [clipped_value_loss(v, torch.zeros(()), torch.ones(()), 0.2).item() for v in value]
        assert losses == pytest.approx([0.405, 0.32, 1.125])
        far = clipped_value_loss(torch.zeros(()), torch.zeros(()), torch.tensor(12.0), 0.2)
        assert far.item() == pytest.approx(70.0), "linear beyond 10"

    def test_clipped_ratios(self, monkeypatch):
        """One agent in five transitions; the policy has two actions, of which the first was taken."""
        old, new = torch.tensor([0.5, 0.5, 0.2, 0.2, 0.4]), torch.tensor([0.7, 0.3, 0.3, 0.1, 0.42])
        module = Offline(make_spec(n_agents=1, n_actions=2), entropy_factor=0.0)
        batch = make_batch(module.spec, [5], behaviour=True)
        batch.actions.zero_()
        logits = torch.stack((new.log(), (1.0 - new).log()), -1)
        outputs = torch.cat((logits, torch.zeros(1, 2))).unsqueeze(1).requires_grad_()
        monkeypatch.setattr(module.policy, "unroll", lambda batch: outputs)
        everything = torch.ones(5, 1, dtype=torch.bool)
        step = Judged(
            batch=batch,
            rows=torch.empty(0),
            avail_actions=everything.unsqueeze(-1).expand(5, 1, 2),
            alive=everything,
            old_log=old.log().unsqueeze(-1),
            advantage=torch.tensor([[1.0], [1.0], [-2.0], [-2.0], [0.5]]),
            returns=torch.zeros(5, 1),
            old_value=torch.zeros(5, 1),
        )
        loss, metrics = module.policy_loss(step)
        assert loss.item() == pytest.approx(0.455)
        assert metrics["train/clipped_share"].item() == pytest.approx(0.8)
        loss.backward()
        assert outputs.grad is not None
        assert outputs.grad.any(-1).flatten().tolist() == [False, True, True, False, True, False]


class TestRound:
    def test_returns_and_values_are_those_of_each_episode_alone(self):
        """In units of the returns' own mean and spread, since it is the first round."""
        module = Offline(SPEC, gamma=0.9, td_lambda=0.7, critic=partial(ValueCritic, sees="own"))
        episodes = make_episodes()
        judged, returns, values = module.judged(played(module, episodes)), [], []
        by_length = sorted(episodes, key=lambda episode: -episode.length)
        for episode in by_length:
            # As the critic reads them before there are any statistics.
            value = 0.1 * outputs(module.critic.network, module.policy.inputs, episode)[..., 0].detach()
            each = [lambda_targets(episode, value[1:, i], 0.9, 0.7) for i in range(SPEC.n_agents)]
            returns.append(torch.stack([torch.stack(one) for one in each], -1))
            values.append(value[:-1])
        order = [(i, t) for t in range(6) for i, e in enumerate(by_length) if e.length > t]
        wanted, before = (torch.stack([rows[i][t] for i, t in order]) for rows in (returns, values))
        mean, spread = wanted.mean(), wanted.std(correction=0)
        torch.testing.assert_close(judged.returns, (wanted - mean) / spread, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(judged.old_value, (before - mean) / spread, atol=1e-4, rtol=1e-4)
        expected = standardised(wanted - before, judged.alive)
        torch.testing.assert_close(judged.advantage, expected, atol=1e-4, rtol=1e-4)
        possible = [by_length[i].avail_actions[t].sum(-1) > 1 for i, t in order]
        assert np.array_equal(judged.alive.numpy(), np.stack(possible))

    def test_the_first_ratio_is_1_and_its_gradient_that_of_plain_policy_gradients(self):
        module = Offline(SPEC, entropy_factor=0.0)
        judged = module.judged(played(module, make_episodes()))
        parameters = list(module.policy.parameters())
        loss, metrics = module.policy_loss(judged)
        assert metrics["train/clipped_share"] == 0.0
        log = log_policy(module.policy.unroll(judged.batch)[judged.batch.here], judged.avail_actions)
        plain = -mean_where(judged.advantage * gather(log, judged.batch.actions), judged.alive)
        for ours, theirs in zip(
            torch.autograd.grad(loss, parameters), torch.autograd.grad(plain, parameters), strict=True
        ):
            torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)

    def test_agents_without_a_choice_do_not_count(self):
        """Whatever advantage they had."""
        module = Offline(SPEC)
        judged = module.judged(played(module, make_episodes()))
        dead = ~judged.alive
        assert dead.any()
        loss, _ = module.policy_loss(judged)
        judged.advantage[dead] = 1e6
        assert module.policy_loss(judged)[0].item() == loss.item()

    def test_parts_of_equal_length_lose_as_much_as_the_whole(self):
        episodes = [
            make_episode(SPEC, 5, seed, avail_actions=np.ones((6, 3, 4), np.bool_)) for seed in range(4)
        ]
        losses = {}
        for minibatches in (1, 2, 4):
            torch.manual_seed(0)
            module = Offline(SPEC, optimizer=still, critic_optimizer=still, epochs=1, minibatches=minibatches)
            module.learn(a_round(played(module, episodes)))
            assert module.parts == [4 // minibatches] * minibatches
            losses[minibatches] = torch.tensor(module.losses).mean(-1).tolist()
        assert losses[2] == pytest.approx(losses[1], abs=1e-6)
        assert losses[4] == pytest.approx(losses[1], abs=1e-6)

    def test_a_round_goes_through_its_epochs_and_moves_the_statistics_once(self):
        module = Offline(SPEC, epochs=3, value_decay=0.9)
        module.learn(a_round(played(module, make_episodes())))
        assert [len(losses) for losses in module.losses] == [3, 3]
        assert module.returns.weight.item() == pytest.approx(0.1)
        assert len(set(module.losses[POLICY])) == 3

    def test_a_small_gain_makes_fresh_policies_nearly_uniform(self):
        batch = make_batch(SPEC, [5], behaviour=True)
        for gain, least, most in ((1.0, 0.01, 1.0), (0.01, 0.0, 0.01)):
            module = Offline(SPEC, output_gain=gain)
            spread = module.policy.unroll(batch).std(-1).max().item()
            assert least < spread < most

    def test_no_steps_wait_for_the_device(self, monkeypatch):
        leave_the_cpu(monkeypatch)
        module = Offline(BITS, minibatches=2, epochs=2)
        batch = played(module, make_episodes(BITS), BITS)
        monkeypatch.setattr(module, "minimise", lambda loss, number: loss.detach())
        with Waits() as waits:
            module.learn(a_round(batch))
        assert not waits.seen

    def test_other_devices_compute_the_same(self, monkeypatch):
        module = Offline(BITS)
        batch = played(module, make_episodes(BITS), BITS)
        weights = {name: value.clone() for name, value in module.state_dict().items()}
        module.learn(a_round(batch))
        leave_the_cpu(monkeypatch)
        other = Offline(BITS)
        other.load_state_dict(weights)
        other.learn(a_round(batch))
        for ours, theirs in zip(module.losses, other.losses, strict=True):
            assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-4)


class TestPlayed:
    def test_probabilities_of_what_is_played_are_those_that_are_learned_from(self):
        """Of the compiled policy that acts, and of the pass that learns."""
        game = MatrixGame(PAYOFF, stages=3)
        module = Offline(game.spec)
        episodes = rollout(game, module.policy, np.arange(8), exploration=0.0)
        batch = collate([pack(episode, behaviour=True) for episode in episodes], game.spec)
        judged = module.judged(batch)
        _, metrics = module.policy_loss(judged)
        assert metrics["train/clipped_share"] == 0.0
        log = log_policy(module.policy.unroll(batch)[batch.here], judged.avail_actions)
        torch.testing.assert_close(gather(log, batch.actions), judged.old_log, atol=1e-5, rtol=1e-5)

    @staticmethod
    def payoff(table, seed: int, sees: str, **changes: Any) -> float:
        """Of the greedy policies in the end."""
        data = ReplayDataModule(
            partial(MatrixGame, table),
            batch_size=1,
            capacity=32,
            episodes_per_round=32,
            steps_per_epoch=1_600,
            max_env_steps=1_600,
            validation_episodes=2,
            seed=seed,
        )
        torch.manual_seed(seed)
        module = MAPPO(
            data.spec,
            policy=partial(StochasticPolicy, last_action=False, hidden_size=16),
            critic=partial(ValueCritic, sees=sees, hidden_size=16),
            optimizer=partial(torch.optim.Adam, lr=0.01),
            critic_optimizer=partial(torch.optim.Adam, lr=0.01),
            **changes,
        )
        return fit(module, data, gradient_clip_val=None).history("test/return")[-1][1]

    @pytest.mark.filterwarnings("ignore:.*isinstance.treespec", "ignore:.*does not have many workers")
    @pytest.mark.parametrize("sees", ["own", "state_and_obs"])
    def test_the_better_of_two_agreements_is_found(self, sees):
        assert self.payoff([[1, 0], [0, 2]], 0, sees) == 2.0

    @pytest.mark.filterwarnings("ignore:.*isinstance.treespec", "ignore:.*does not have many workers")
    def test_the_hidden_optimum_is_not(self):
        """Each agent's better row leads away from it, as in all policy gradients."""
        assert self.payoff(PAYOFF, 0, "state_and_obs", minibatches=2) == 0.0


@pytest.mark.parametrize(
    ("setting", "value"),
    [("epochs", 0), ("minibatches", 0), ("clip", 0.0), ("output_gain", 0.0), ("value_decay", 1.0)],
)
def test_settings_that_cannot_work(setting, value):
    with pytest.raises(SettingError, match=f"{setting}={value}"):
        Offline(SPEC, **{setting: value})
