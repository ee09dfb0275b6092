"""FOP: soft values, both losses against slow computations, resumption, and the 3x3 game."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

import remix
from remix.algorithms import fop
from remix.algorithms.fop import FOP
from remix.callbacks.checkpointing import AtomicCheckpointIO, LastCheckpoint
from remix.checking.recording import Recorder
from remix.envs.games import MatrixGame
from remix.envs.predator_prey import PredatorPrey
from remix.learning.datamodule import ReplayDataModule
from remix.learning.episodes import Batch, Episode, collate, pack
from remix.learning.policy import StochasticPolicy
from remix.learning.rounds import Round
from remix.learning.schedules import Schedule
from remix.networks.mixers.fop import FOPMixer
from remix.networks.mixers.qatten import QattenMixer
from remix.networks.mixers.qmix import QMixer
from remix.networks.soft_critics import SoftCritic, soft_values
from remix.networks.softmax import log_policy, sample, with_exploration
from remix.settings.errors import SettingError
from tests.algorithms.devices import Waits, leave_the_cpu
from tests.algorithms.oracle import lambda_targets, outputs
from tests.samples import make_batch, make_episode, make_spec
from tests.training import fit

SPEC = make_spec()
BITS = make_spec(obs_dtype="bool", state_dtype="bool", obs_size=11, state_size=20)
POLICY = partial(StochasticPolicy, hidden_size=16)
LENGTHS, TERMINATED = [3, 6, 1, 6, 2], [True, False, False, True, False]


class TestSoftValues:
    def test_worked_example(self):
        values = torch.tensor([1.0, 2.0, 3.0])
        soft = soft_values(values, torch.ones(3, dtype=torch.bool), 0.5)
        assert soft.item() == pytest.approx(3.071466, abs=1e-5)
        policy = ((values - soft) / 0.5).exp()
        torch.testing.assert_close(policy, torch.tensor([0.015876, 0.117310, 0.866813]), atol=1e-5, rtol=0.0)

    @pytest.mark.parametrize("temperature", [0.05, 0.5, 20.0])
    def test_they_normalise_a_policy_over_the_available_actions(self, temperature):
        values, available = 3.0 * torch.randn(100, 3, 4), torch.rand(100, 3, 4) < 0.5
        available[..., 1] = True
        soft = soft_values(values, available, temperature)
        advantages = (values - soft.unsqueeze(-1)).masked_fill(~available, -torch.inf)
        total = (advantages / temperature).exp().sum(-1)
        torch.testing.assert_close(total, torch.ones(100, 3), rtol=1e-3, atol=1e-3)
        assert torch.equal(soft, soft_values(values + 1e6 * ~available, available, temperature))

    def test_without_temperature_they_are_the_maxima(self):
        values, available = 1e3 * torch.randn(100, 4), torch.rand(100, 4) < 0.5
        available[:, 2] = True
        best = values.masked_fill(~available, -torch.inf).amax(-1)
        torch.testing.assert_close(soft_values(values, available, 1e-4), best, atol=1e-3, rtol=1e-6)

    def test_the_only_action_has_its_own_value(self):
        available = torch.tensor([False, True, False])
        assert soft_values(torch.tensor([5.0, -2.0, 9.0]), available, 0.7).item() == pytest.approx(-2.0)


class TestSample:
    def test_actions_follow_the_policy(self):
        available = torch.tensor([True, True, False, True])
        policy = log_policy(torch.tensor([0.0, 1.5, 4.0, -1.0]), available)
        drawn = sample(policy.expand(40_000, 4), torch.rand(40_000, 4))
        shares = torch.bincount(drawn, minlength=4) / len(drawn)
        torch.testing.assert_close(shares, policy.exp(), atol=0.015, rtol=0.0)
        assert shares[2] == 0.0

    @pytest.mark.parametrize("extreme", [0.0, 1.0 - 2.0**-24])
    def test_the_only_action_is_taken_whatever_the_noise(self, extreme):
        for only in range(4):
            policy = log_policy(torch.zeros(4), torch.arange(4) == only)
            for other in (0.0, 0.5, 1.0 - 2.0**-24):
                noise = torch.full((4,), other)
                noise[only] = extreme
                assert sample(policy, noise).item() == only


def make_episodes(spec=SPEC, lengths=LENGTHS):
    ends = TERMINATED * len(lengths)
    return [make_episode(spec, n, seed, ends[seed]) for seed, n in enumerate(lengths)]


def batched(episodes: list[Episode], spec=SPEC) -> Batch:
    return collate([pack(episode) for episode in episodes], spec)


def a_round(batch: Batch, env_steps: int = 0) -> Round:
    return Round(batch, None, [], env_steps, 0, 0.5, ends_epoch=False, ends_run=False)


class Offline(FOP):
    """Makes its steps without Lightning; notes losses, gradients and metrics."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.own_optimizers = self.configure_optimizers()
        self.losses: list[Tensor] = []
        self.gradients: list[list[Tensor]] = []

    def minimise(self, loss: Tensor, number: int) -> Tensor:
        assert number == len(self.losses) % 3
        optimizer = self.own_optimizers[number]
        optimizer.zero_grad()
        loss.backward()
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        gradients = [p.grad.clone() for p in parameters if p.grad is not None]
        self.losses.append(loss.detach())
        self.gradients.append(gradients)
        optimizer.step()
        return nn.utils.get_total_norm(gradients)


def still(parameters):
    """An optimizer that leaves everything as it is."""
    return torch.optim.SGD(parameters, lr=0.0)


moving = partial(torch.optim.SGD, lr=0.1)


def build(spec=SPEC, **changes: Any) -> Offline:
    """A small module, all of whose critics differ, and no two policies are close."""
    settings: dict[str, Any] = {
        "policy": POLICY,
        "critic_hidden_size": 16,
        "optimizer": still,
        "critic_optimizer": still,
        "epsilon": Schedule(0.3, 0.05, 50_000),
    }
    module = Offline(spec, **(settings | changes))
    for parameter in module.policy.agent.head.parameters():
        parameter.data *= 4.0
    for copy, _ in module.targets.pairs:
        for parameter in copy.parameters():
            parameter.data += 0.2 * torch.randn_like(parameter)
    return module


class Draws:
    """The joint actions that a module draws, in place of its sampling."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.actions = torch.empty(0)
        monkeypatch.setattr(fop, "sample", self)

    def __call__(self, policy: Tensor, noise: Tensor) -> Tensor:
        self.actions = sample(policy, noise)
        return self.actions

    def of(self, episodes: list[Episode]) -> list[Tensor]:
        """``[L, N]`` for every episode: at its time points 1 to L."""
        longest_first = sorted(range(len(episodes)), key=lambda i: -episodes[i].length)
        drawn: list[list[Tensor]] = [[] for _ in episodes]
        rows = iter(self.actions)
        for t in range(max(episode.length for episode in episodes)):
            for i in longest_first:
                if t < episodes[i].length:
                    drawn[i].append(next(rows))
        return [torch.stack(actions) for actions in drawn]


class Slow:
    """One episode, computed number by number with formulas of its own."""

    def __init__(self, module: FOP, episode: Episode, env_steps: int) -> None:
        self.module, self.episode, self.alpha = module, episode, module.temperature(env_steps)
        self.actions, self.available = torch.from_numpy(episode.actions), episode.avail_actions
        self.n_agents = episode.actions.shape[1]
        odds = outputs(module.policy.agent, module.policy.inputs, episode).exp()
        odds = odds * torch.from_numpy(self.available)
        progress = min(1.0, env_steps / module.epsilon.steps)
        epsilon = module.epsilon.start + progress * (module.epsilon.end - module.epsilon.start)
        count = torch.from_numpy(self.available).sum(-1, keepdim=True)
        uniform = torch.from_numpy(self.available) / count
        self.policy = (1 - epsilon) * odds / odds.sum(-1, keepdim=True) + epsilon * uniform

    def choices(self, t: int, agent: int) -> list[int]:
        return [a for a, possible in enumerate(self.available[t, agent]) if possible]

    def values(self, critic: SoftCritic, t: int, agent: int) -> Tensor:
        number = torch.zeros(self.n_agents)
        number[agent] = 1.0
        return _plain(critic.network, torch.cat((torch.from_numpy(self.episode.obs[t, agent]), number)))

    def joint_value(self, critic: SoftCritic, t: int, actions: Tensor) -> Tensor:
        """``V + sum v + sum lambda (Q - v)``, with the gradients of the other form."""
        state = torch.from_numpy(self.episode.state[t])
        assert isinstance(critic.mixer, FOPMixer)
        importance, total = critic.mixer.importance, _plain(critic.mixer.state_value, state)[0]
        one_hot = torch.cat([torch.eye(SPEC.n_actions)[u] for u in actions])
        for i, u in enumerate(actions):
            weight = torch.tensor(0.0)
            for key, agents, both in zip(importance.keys, importance.agents, importance.actions, strict=True):
                own = _plain(agents, state)[i].sigmoid()
                weight = weight + _plain(key, state)[0].abs() * own * (
                    _plain(both, torch.cat((state, one_hot)))[i].sigmoid()
                )
            values = self.values(critic, t, i)
            odds = sum(math.exp(values[a].item() / self.alpha) for a in self.choices(t, i))
            soft = self.alpha * math.log(odds)
            # The value of the duplex form, to which Q_i adds its gradient alone.
            total = total + soft + weight * (values[u].item() - soft) + values[u] - values[u].item()
        return total

    def policy_terms(self) -> list[Tensor]:
        """Of all transitions and agents."""
        terms, critics = [], (self.module.first, self.module.second)
        for t in range(self.episode.length):
            for i in range(self.n_agents):
                first, second = (self.values(critic, t, i).tolist() for critic in critics)
                odds = self.policy[t, i]
                terms.append(
                    sum(
                        (odds[a] * (self.alpha * odds[a].log() - min(first[a], second[a])))
                        for a in self.choices(t, i)
                    )
                )
        return terms

    def targets(self, drawn: Tensor) -> list[Tensor]:
        """
        :param drawn: ``[L, N]``, actions at time points 1 to L.
        """
        module, after = self.module, []
        surprise, agents = [], range(self.n_agents)
        for t, actions in enumerate(drawn, start=1):
            after.append(
                min(
                    self.joint_value(critic, t, actions)
                    for critic in (module.first_target, module.second_target)
                )
            )
            ends = self.episode.terminated and t == self.episode.length
            chances = [self.policy[t, i, actions[i]].log().item() for i in agents]
            surprise.append([0.0 if ends else -self.alpha * chance for chance in chances])
        if not module.entropy_in_return:
            returns = lambda_targets(self.episode, torch.stack(after), module.gamma, module.td_lambda)
            return [y + sum(s) / self.n_agents for y, s in zip(returns, surprise, strict=True)]
        following: Tensor | float = after[-1]
        targets = []
        for t in reversed(range(self.episode.length)):
            ends = self.episode.terminated and t == self.episode.length - 1
            future = (1 - module.td_lambda) * after[t] + module.td_lambda * following + sum(surprise[t])
            following = float(self.episode.reward[t]) + module.gamma * (0.0 if ends else future)
            targets.append(torch.as_tensor(following, dtype=torch.float32).detach())
        return targets[::-1]

    def errors(self, critic: SoftCritic, drawn: Tensor) -> list[Tensor]:
        targets = self.targets(drawn)
        return [self.joint_value(critic, t, self.actions[t]) - y for t, y in enumerate(targets)]


def _plain(layers: nn.Module, inputs: Tensor) -> Tensor:
    """A network's layers one by one."""
    assert isinstance(layers, nn.Sequential)
    for layer in layers:
        inputs = layer(inputs)
    return inputs


def assert_gradients(ours: list[Tensor], loss: Tensor, network: nn.Module) -> None:
    theirs = torch.autograd.grad(loss, list(network.parameters()))
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-5)


class TestUpdate:
    @pytest.fixture
    def episodes(self):
        return make_episodes()

    @pytest.mark.parametrize(
        ("settings", "env_steps"),
        [
            ({}, 0),
            ({"entropy_in_return": True, "td_lambda": 0.4, "gamma": 0.9}, 0),
            ({"epsilon": Schedule(0.0, 0.0, 1)}, 1_000_000),
        ],
        ids=["as_the_code", "as_the_paper", "cold_without_uniform_choices"],
    )
    def test_losses_and_gradients_are_those_of_the_transitions(
        self, episodes, monkeypatch, settings, env_steps
    ):
        """The policies make their step first: the targets come from what it makes of them."""
        draws, module = Draws(monkeypatch), build(optimizer=moving, **settings)
        expected = torch.stack(
            [term for e in episodes for term in Slow(module, e, env_steps).policy_terms()]
        ).mean()
        before = [p.clone() for p in module.policy.parameters()]
        policy_gradient = torch.autograd.grad(expected, list(module.policy.parameters()))
        module.learn(a_round(batched(episodes), env_steps))
        torch.testing.assert_close(module.losses[0], expected.detach(), rtol=1e-4, atol=1e-5)
        for ours, theirs, old, new in zip(
            module.gradients[0], policy_gradient, before, module.policy.parameters(), strict=True
        ):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)
            torch.testing.assert_close(new.detach(), old - 0.1 * ours)
        drawn = draws.of(episodes)
        for number, critic in enumerate((module.first, module.second), start=1):
            errors = [
                error
                for e, u in zip(episodes, drawn, strict=True)
                for error in Slow(module, e, env_steps).errors(critic, u)
            ]
            loss = torch.stack(errors).square().mean()
            torch.testing.assert_close(module.losses[number], loss.detach(), rtol=1e-4, atol=1e-5)
            assert_gradients(module.gradients[number], loss, critic)

    def test_metrics(self, episodes, monkeypatch):
        draws, module = Draws(monkeypatch), build()
        module.learn(a_round(batched(episodes)))
        metrics = module.training_means.take()
        slow = [Slow(module, e, 0) for e in episodes]
        drawn = draws.of(episodes)
        targets = torch.stack([y for s, u in zip(slow, drawn, strict=True) for y in s.targets(u)])
        joint = torch.stack(
            [s.joint_value(critic, t, u) for s in slow for t, u in enumerate(s.actions) for critic in
             (module.first, module.second)]
        ).detach()  # fmt: skip
        policies = torch.cat([s.policy[:-1] for s in slow]).detach()
        expected = {
            "train/policy_loss": module.losses[0].item(),
            "train/critic_loss": sum(loss.item() for loss in module.losses[1:]) / 2,
            "train/td_error_abs": (joint.view(-1, 2) - targets.unsqueeze(-1)).abs().mean().item(),
            "train/q_tot": joint.mean().item(),
            "train/target": targets.mean().item(),
            "train/entropy": -torch.special.xlogy(policies, policies).sum(-1).mean().item(),
            "train/temperature": 0.5,
            "train/gradient_norm": math.sqrt(
                sum(g.square().sum().item() for part in module.gradients for g in part)
            ),
        }
        assert metrics == pytest.approx(expected, rel=1e-4)

    def test_each_loss_moves_its_own_networks(self, episodes):
        names = {"policy", "first", "second"}
        for moved in names:
            module = build(optimizer=moving if moved == "policy" else still)
            for number, name in enumerate(("policy", "first", "second")):
                module.own_optimizers[number].param_groups[0]["lr"] = 0.1 if name == moved else 0.0
            before = {name: value.clone() for name, value in module.state_dict().items()}
            module.learn(a_round(batched(episodes)))
            after = module.state_dict()
            changed = {n.split(".")[0] for n, value in after.items() if not value.equal(before[n])}
            assert changed == {moved}

    def test_unavailable_actions_never_matter(self):
        """Nobody may take the last action, whatever policies and critics think of it."""
        episodes = make_episodes()
        for episode in episodes:
            episode.avail_actions[..., -1] = False
            episode.avail_actions[..., 0] = True
            episode.actions[episode.actions == SPEC.n_actions - 1] = 0
        module = build()
        state = module.generator.get_state()
        module.learn(a_round(batched(episodes)))
        critics = (module.first, module.second, module.first_target, module.second_target)
        for head in (module.policy.agent.head, *(critic.network.linear[-1] for critic in critics)):
            head.bias.data[-1] += 100.0
        module.generator.set_state(state)
        module.learn(a_round(batched(episodes)))
        before, after = module.losses[:3], module.losses[3:]
        assert torch.equal(torch.stack(before), torch.stack(after))
        assert all(gradient.isfinite().all() for part in module.gradients for gradient in part)

    def test_who_has_no_choice_learns_nothing(self):
        episodes = make_episodes()
        for episode in episodes:
            episode.avail_actions[:] = False
            episode.avail_actions[..., 0] = True
            episode.actions[:] = 0
        module = build()
        module.learn(a_round(batched(episodes)))
        assert all(gradient.abs().max() < 1e-6 for gradient in module.gradients[0])
        assert module.training_means.take()["train/entropy"] == 0.0

    @pytest.mark.parametrize("mixer", [QMixer, FOPMixer])
    def test_other_mixers(self, episodes, mixer):
        module = build(mixer=mixer)
        module.learn(a_round(batched(episodes)))
        assert all(loss.isfinite() for loss in module.losses)


@pytest.mark.parametrize("entropy_in_return", [False, True], ids=["as_the_code", "as_the_paper"])
class TestEnds:
    """Of episodes of one transition."""

    @staticmethod
    def target(module: FOP, terminated: bool) -> tuple[float, float]:
        batch = make_batch(SPEC, [1], [terminated])
        module.learn(a_round(batch))
        return module.training_means.take()["train/target"] - batch.reward.item(), batch.reward.item()

    def test_after_a_true_end_comes_neither_value_nor_entropy(self, entropy_in_return):
        module = build(entropy_in_return=entropy_in_return, temperature=Schedule(100.0, 0.05, 90_000))
        assert self.target(module, terminated=True)[0] == pytest.approx(0.0, abs=1e-6)

    def test_after_a_cut_come_the_lower_of_the_target_values_and_the_entropy(
        self, monkeypatch, entropy_in_return
    ):
        draws, module = Draws(monkeypatch), build(entropy_in_return=entropy_in_return)
        future, _ = self.target(module, terminated=False)
        episode, actions = make_episode(SPEC, 1, 0), draws.actions[0]
        slow = Slow(module, episode, 0)
        values = [
            slow.joint_value(critic, 1, actions) for critic in (module.first_target, module.second_target)
        ]
        chances = [slow.policy[1, i, u].log().item() for i, u in enumerate(actions)]
        entropy = -0.5 * (0.99 * sum(chances) if entropy_in_return else sum(chances) / 3)
        assert future == pytest.approx(0.99 * min(values).item() + entropy, abs=1e-4)


class TestDraws:
    def test_they_follow_the_policies(self, monkeypatch):
        """Uniform choices included: of one time point of many equal episodes."""
        draws, module = Draws(monkeypatch), build()
        episode = make_episode(SPEC, 1, 3)
        module.learn(a_round(batched([episode] * 4_000)))
        expected = Slow(module, episode, 0).policy[1].detach()
        shares = torch.nn.functional.one_hot(draws.actions, SPEC.n_actions).float().mean(0)
        torch.testing.assert_close(shares, expected, atol=0.04, rtol=0.0)
        assert (shares[expected == 0.0] == 0.0).all()

    def test_they_are_new_in_every_update_and_repeat_with_the_stream(self, monkeypatch):
        draws, module, batch = Draws(monkeypatch), build(), batched(make_episodes(lengths=[20] * 5))
        state, seen = module.generator.get_state(), []
        for _ in range(2):
            module.learn(a_round(batch))
            seen.append(draws.actions)
        module.generator.set_state(state)
        torch.rand(100)  # other draws do not matter
        module.learn(a_round(batch))
        assert not torch.equal(seen[0], seen[1]) and torch.equal(seen[0], draws.actions)


class TestSchedules:
    def test_temperature(self):
        module = FOP(SPEC)
        steps = (0, 20_000, 89_999, 90_000, 10**6)
        assert [module.temperature(n) for n in steps] == pytest.approx([0.5, 0.4, 0.05, 0.05, 0.05], abs=1e-4)

    def test_acting_adds_uniform_choices_to_the_policy_that_has_them_already(self):
        module = FOP(SPEC, epsilon=Schedule(0.6, 0.1, 100))
        assert [module.exploration(n) for n in (0, 50, 1_000)] == pytest.approx([0.84, 0.5775, 0.19])
        available = torch.rand(20, 4) < 0.6
        available[:, 3] = True
        policy = log_policy(torch.randn(20, 4), available)
        learned = with_exploration(policy, available, module.epsilon(50))
        twice = with_exploration(learned, available, module.epsilon(50))
        torch.testing.assert_close(twice, with_exploration(policy, available, module.exploration(50)))

    def test_what_is_played(self):
        """The first agent's action over many first steps; here the softmax prefers the first."""
        module = FOP(SPEC, policy=POLICY, epsilon=Schedule(0.5, 0.05, 50_000))
        head = module.policy.agent.head
        with torch.no_grad():
            head.weight.zero_()
            head.bias.copy_(torch.tensor([50.0, 0.0, 0.0, 0.0]))
        n, shape = 20_000, (20_000, SPEC.n_agents)
        actions, probability, _ = module.policy.act(
            torch.randn(*shape, SPEC.obs_size).numpy(),
            np.full(shape, -1),
            np.ones((*shape, 4), np.bool_),
            module.policy.initial_state(n),
            module.exploration(0),
            torch.rand(*shape, 2).numpy(),
        )
        assert (actions == 0).mean() == pytest.approx(0.25 + 0.75 / 4, abs=0.01)
        assert np.unique(probability[actions != 0]).tolist() == pytest.approx([0.75 / 4])


class TestSettings:
    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("td_lambda", 1.1),
            ("temperature", Schedule(0.5, 0.0, 1)),
            ("target_update_episodes", 0),
            ("critic_hidden_size", 0),
            ("gradient_clip", 0.0),
        ],
    )
    def test_impossible_values(self, setting, value):
        changes: dict[str, Any] = {setting: value}
        with pytest.raises(SettingError, match=setting):
            FOP(SPEC, **changes)

    def test_a_mixer_that_reads_observations(self):
        with pytest.raises(SettingError, match="mixer=QattenMixer: must do without observations"):
            FOP(SPEC, mixer=QattenMixer)

    def test_number_of_parameters(self):
        """With the sizes of Predator-Prey; an optimizer has a critic and its mixer."""
        module = FOP(make_spec(n_agents=8, n_actions=6, obs_size=75, state_size=300))
        counts = [
            sum(p.numel() for group in optimizer.param_groups for p in group["params"])
            for optimizer in module.configure_optimizers()
        ]
        assert counts == [31_110, 9_926 + 31_669, 9_926 + 31_669]
        assert sum(p.numel() for p in module.first.network.parameters()) == 9_926

    def test_target_networks_start_as_copies(self):
        module = FOP(SPEC)
        for copy, original in module.targets.pairs:
            assert not any(p.requires_grad for p in copy.parameters())
            for ours, theirs in zip(copy.parameters(), original.parameters(), strict=True):
                assert torch.equal(ours, theirs)
        assert not torch.equal(module.first.network.linear[0].weight, module.second.network.linear[0].weight)

    def test_configuration(self):
        config = remix.compose("algorithm=fop", "logger=none")
        sizes = ("batch_size", "episodes_per_round", "updates_per_round", "capacity")
        assert [config.replay[name] for name in sizes] == [32, 1, 1, 5_000]
        assert config.trainer.gradient_clip_val is None
        for name in ("optimizer", "critic_optimizer"):
            assert dict(config.algorithm[name]) == {
                "_target_": "torch.optim.RMSprop", "_partial_": True, "lr": 5e-4, "alpha": 0.99, "eps": 1e-5
            }  # fmt: skip


class TestOtherDevices:
    """Run on the CPU: PyTorch's layers on dense rows."""

    @pytest.fixture
    def batch(self):
        return batched(make_episodes(BITS), BITS)

    def test_losses_and_gradients_are_those_of_the_compiled_passes(self, batch, monkeypatch):
        module = build(BITS)
        state = module.generator.get_state()
        module.learn(a_round(batch))
        module.generator.set_state(state)
        leave_the_cpu(monkeypatch)
        module.learn(a_round(batch))
        torch.testing.assert_close(module.losses[3:], module.losses[:3], rtol=1e-5, atol=1e-6)
        for ours, theirs in zip(module.gradients[3:], module.gradients[:3], strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)

    def test_an_update_never_waits_for_the_device(self, batch, monkeypatch):
        leave_the_cpu(monkeypatch)
        module = build(BITS)

        def minimise(loss: Tensor, number: int) -> Tensor:
            loss.backward()
            return loss.detach()

        monkeypatch.setattr(module, "minimise", minimise)
        with Waits() as waits:
            module.learn(a_round(batch))
        assert not waits.seen

    def test_autocast_leaves_targets_and_losses_in_single_precision(self, batch, monkeypatch):
        leave_the_cpu(monkeypatch)
        module = build(BITS)
        state = module.generator.get_state()
        module.learn(a_round(batch))
        module.generator.set_state(state)
        with torch.autocast("cpu", torch.bfloat16):
            module.learn(a_round(batch))
        assert all(loss.dtype == torch.float32 for loss in module.losses)
        torch.testing.assert_close(module.losses[3], module.losses[0], rtol=0.05, atol=0.05)


SMALL_PREDATOR_PREY = partial(PredatorPrey, n_agents=2, n_stags=1, world_shape=(4, 4), episode_limit=9)


@pytest.mark.filterwarnings(
    "ignore:.*isinstance.treespec", "ignore:.*does not have many workers", "ignore:.*checkpoint directory"
)
class TestTraining:
    """Through Lightning."""

    @staticmethod
    def run(
        directory: Path, max_epochs: int = -1, checkpoint: Path | None = None, **options: Any
    ) -> tuple[FOP, Recorder]:
        pl.seed_everything(3, verbose=False)
        data = ReplayDataModule(
            SMALL_PREDATOR_PREY,
            capacity=20,
            batch_size=8,
            episodes_per_round=2,
            updates_per_round=2,
            steps_per_epoch=100,
            max_env_steps=400,
            validation_episodes=2,
        )
        module = FOP(
            data.spec,
            policy=POLICY,
            critic_hidden_size=16,
            epsilon=Schedule(1.0, 0.05, 300),
            temperature=Schedule(0.5, 0.05, 450),
            target_update_episodes=7,
        )
        recorder = Recorder()
        trainer = pl.Trainer(
            accelerator="cpu",
            max_epochs=max_epochs,
            default_root_dir=directory,
            logger=recorder,
            callbacks=[LastCheckpoint(directory)],
            plugins=[AtomicCheckpointIO()],
            num_sanity_val_steps=0,
            enable_progress_bar=False,
            enable_model_summary=False,
            log_every_n_steps=1,
            **options,
        )
        trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
        return module, recorder

    def test_resumed_run_equals_uninterrupted_run(self, tmp_path):
        straight, whole = self.run(tmp_path / "straight")
        _, before = self.run(tmp_path / "resumed", max_epochs=2)
        second, after = self.run(tmp_path / "resumed", checkpoint=tmp_path / "resumed/last.ckpt")
        for name, value in straight.state_dict().items():
            assert torch.equal(value, second.state_dict()[name]), name
        assert torch.equal(straight.generator.get_state(), second.generator.get_state())
        assert before.rows and before.rows + after.rows == whole.rows

    def test_what_is_logged(self, tmp_path):
        module, recorder = self.run(tmp_path, max_epochs=1)
        for name in ("policy_loss", "critic_loss", "td_error_abs", "q_tot", "target", "entropy",
                     "gradient_norm", "temperature"):  # fmt: skip
            values = [value for _, value in recorder.history(f"train/{name}")]
            assert len(values) == module.updates and np.isfinite(values).all(), name
        rounds = {n for n, _ in recorder.history("train/temperature")}
        epsilon = dict(recorder.history("train/epsilon"))
        assert recorder.history("train/temperature")[-1][1] == pytest.approx(0.5 - max(rounds) / 1_000)
        assert max(epsilon.values()) <= 1.0 and epsilon[max(rounds)] < epsilon[min(rounds)]

    def test_bfloat16(self, tmp_path):
        module, recorder = self.run(tmp_path, max_epochs=1, precision="bf16-mixed")
        assert module.updates > 0
        assert np.isfinite([value for _, value in recorder.history("train/critic_loss")]).all()

    @pytest.mark.slow
    def test_hot_policies_find_the_optimum_of_the_matrix_game(self):
        """The claim of the authors holds where entropy weighs much beside payoffs: for 10 of 10 seeds.

        With the default temperatures, 0.5 to 0.05, 1 of 10 ended at 8.
        """
        returns = []
        for seed in range(2):
            pl.seed_everything(seed, verbose=False)
            data = ReplayDataModule(
                partial(MatrixGame, [[8, -12, -12], [-12, 0, 0], [-12, 0, 0]]),
                batch_size=64,
                capacity=1_024,
                episodes_per_round=32,
                updates_per_round=2,
                steps_per_epoch=3_200,
                max_env_steps=3_200,
                validation_episodes=1,
                seed=seed,
            )
            module = FOP(
                data.spec,
                policy=partial(StochasticPolicy, last_action=False, hidden_size=16),
                optimizer=partial(torch.optim.Adam, lr=0.02),
                critic_optimizer=partial(torch.optim.Adam, lr=0.05),
                critic_hidden_size=32,
                temperature=Schedule(10.0, 2.0, 2_400),
                epsilon=Schedule(0.9, 0.9, 1),
                target_update_episodes=640,
            )
            recorder = fit(module, data, gradient_clip_val=None)
            returns.append(recorder.history("test/return")[-1][1])
        assert returns == [8.0, 8.0]
