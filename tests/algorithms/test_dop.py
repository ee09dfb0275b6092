"""DOP: targets, steps and losses against slow computations, resumption, and the 3x3 game."""

from __future__ import annotations

from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

import remix
from remix.algorithms.dop import CRITIC, DOP, POLICY, _Part
from remix.callbacks.checkpointing import AtomicCheckpointIO, LastCheckpoint
from remix.checking.recording import Recorder
from remix.envs.games import MatrixGame
from remix.envs.predator_prey import PredatorPrey
from remix.learning.datamodule import ReplayDataModule
from remix.learning.episodes import Batch, Episode, collate, pack
from remix.learning.policy import StochasticPolicy
from remix.learning.rounds import Round
from remix.learning.schedules import Schedule
from remix.networks.critics import AgentCritic
from remix.networks.features import as_tensor
from remix.networks.mixers.linear import LinearMixer
from remix.networks.mixers.qmix import QMixer
from remix.settings.errors import SettingError
from tests.algorithms.devices import Waits, leave_the_cpu
from tests.algorithms.oracle import lambda_targets, outputs
from tests.samples import make_episode, make_spec
from tests.training import fit

SPEC = make_spec()
POLICY_NETWORK, CRITIC_NETWORK = (
    partial(StochasticPolicy, hidden_size=16),
    partial(AgentCritic, hidden_size=16),
)
LATEST, REPLAYED = (
    ([3, 6, 1, 6], [True, False, False, True]),
    ([2, 8, 5, 8, 1], [False, True, True, False, True]),
)
JOINT_ACTIONS = list(product(range(SPEC.n_actions), repeat=SPEC.n_agents))


def make_episodes(lengths, terminated, first_seed=0, spec=SPEC):
    return [
        make_episode(spec, n, first_seed + i, end)
        for i, (n, end) in enumerate(zip(lengths, terminated, strict=True))
    ]


def batched(episodes, spec=SPEC) -> Batch:
    return collate([pack(episode) for episode in episodes], spec)


def a_round(latest: Batch, replayed: Batch, exploration: float = 0.5) -> Round:
    return Round(replayed, latest, [], 0, 0, exploration, ends_epoch=False, ends_run=False)


class Offline(DOP):
    """Makes its steps without Lightning, and notes everything that it learns from."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.steps: list[tuple[int, float]] = []
        self.seen: list[tuple[Any, slice]] = []
        self.own_optimizers = self.configure_optimizers()

    def minimise(self, loss: Tensor, number: int) -> Tensor:
        self.steps.append((number, loss.item()))
        optimizer = self.own_optimizers[number]
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(
            [p for group in optimizer.param_groups for p in group["params"]], self.gradient_clip
        )
        optimizer.step()
        return norm

    def value_errors(self, transitions, at):
        self.seen.append((transitions, at))
        return super().value_errors(transitions, at)


ALWAYS = {epsilon: Schedule(epsilon, epsilon, 1) for epsilon in (0.0, 0.5)}


def policy_loss(module: DOP, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Of a batch that was played at the beginning."""
    return module.policy_loss(_Part(module, batch, module.exploration(0)))


def build(spec=SPEC, kind: type[DOP] = Offline, **changes: Any) -> Any:
    """A small module whose target networks differ from the online ones."""
    settings: dict[str, Any] = {"policy": POLICY_NETWORK, "critic": CRITIC_NETWORK} | changes
    module = kind(spec, **settings)
    for copy, _ in module.critic_targets.pairs:
        for parameter in copy.parameters():
            parameter.data += 0.2 * torch.randn_like(parameter)
    return module


def still(parameters):
    """An optimizer that leaves everything as it is."""
    return torch.optim.SGD(parameters, lr=0.0)


class Slow:
    """One episode, computed point by point with formulas of its own."""

    def __init__(self, module: DOP, critic: AgentCritic, mixer: LinearMixer, episode: Episode) -> None:
        self.module, self.episode, self.length = module, episode, episode.length
        self.actions = torch.from_numpy(episode.actions)
        points, state = range(episode.length + 1), torch.from_numpy(episode.state)
        obs, agents = torch.from_numpy(episode.obs), range(episode.actions.shape[1])
        self.values = torch.stack(
            [
                torch.stack([self._agent(critic, state[t], obs[t, i], i, len(agents)) for i in agents])
                for t in points
            ]
        )
        self.weights, self.bias = [], []
        for t in points:
            first = mixer.first_weight[0](state[t]).abs().view(len(agents), -1)
            k = first @ mixer.second_weight[0](state[t]).abs()
            self.weights.append(k / k.sum() if mixer.normalise else k)
            self.bias.append(0.0 if mixer.state_value is None else _plain(mixer.state_value, state[t])[0])
        available = torch.from_numpy(episode.avail_actions)
        odds = outputs(module.policy.agent, module.policy.inputs, episode).exp() * available
        epsilon = module.exploration(0)
        self.policy = (1 - epsilon) * odds / odds.sum(-1, keepdim=True)
        self.policy = self.policy + epsilon * available / available.sum(-1, keepdim=True)

    @staticmethod
    def _agent(critic: AgentCritic, state: Tensor, obs: Tensor, agent: int, n_agents: int) -> Tensor:
        one_hot = torch.zeros(n_agents)
        one_hot[agent] = 1.0
        result = _plain(critic.network, torch.cat((state, obs, one_hot)))
        return result[0] + result[1:]

    def joint(self, t: int, actions: Any) -> Tensor:
        """Q_tot of a joint action."""
        values = torch.stack([self.values[t, i, int(u)] for i, u in enumerate(actions)])
        return (self.weights[t] * values).sum() + self.bias[t]

    def expected(self, t: int) -> Tensor:
        """E_pi Q_tot over all joint actions."""
        return torch.stack([self.chance(t, u) * self.joint(t, u) for u in JOINT_ACTIONS]).sum()

    def chance(self, t: int, actions: Any) -> Tensor:
        """Of a joint action under the policies."""
        return torch.stack([self.policy[t, i, int(u)] for i, u in enumerate(actions)]).prod()

    def latest_targets(self) -> list[Tensor]:
        after = [self.joint(t, self.actions[t]) for t in range(1, self.length)] + [self.expected(self.length)]
        return lambda_targets(self.episode, torch.stack(after), self.module.gamma, self.module.td_lambda)

    def replayed_targets(self) -> list[Tensor]:
        gamma, taken, targets = self.module.gamma, [], []
        for t in range(self.length):
            taken.append(self.joint(t, self.actions[t]))
        for t in range(self.length):
            total, trace = taken[t], torch.tensor(1.0)
            for k in range(t, min(self.length, t + self.module.tree_depth)):
                if k > t:
                    trace = trace * gamma * self.module.tree_lambda * self.chance(k, self.actions[k])
                ends = self.episode.terminated and k == self.length - 1
                future = 0.0 if ends else gamma * self.expected(k + 1)
                total = total + trace * (float(self.episode.reward[k]) + future - taken[k])
            targets.append(total.detach())
        return targets

    def policy_terms(self) -> list[Tensor]:
        """``k_i A_i log pi_i(u_i)`` of all transitions and agents."""
        terms = []
        for t, actions in enumerate(self.actions):
            for i, u in enumerate(actions):
                mean = sum(self.policy[t, i, a] * self.values[t, i, a] for a in range(SPEC.n_actions))
                advantage = (self.weights[t][i] * (self.values[t, i, u] - mean)).detach()
                terms.append(advantage * self.policy[t, i, u].log())
        return terms


def _plain(layers: nn.Sequential, inputs: Tensor) -> Tensor:
    """A network's layers one by one."""
    for layer in layers:
        inputs = layer(inputs)
    return inputs


def in_order(latest: list[Episode], replayed: list[Episode]) -> list[tuple[int, Episode]]:
    """(time, episode) of all transitions by time, the latest episodes first, longer ones first."""
    parts = [sorted(part, key=lambda episode: -episode.length) for part in (latest, replayed)]
    longest = max(episode.length for part in parts for episode in part)
    return [(t, e) for t in range(longest) for part in parts for e in part if e.length > t]


@pytest.fixture
def episodes():
    return make_episodes(*LATEST), make_episodes(*REPLAYED, first_seed=20)


class TestCritic:
    @pytest.mark.parametrize(
        "settings",
        [
            {},
            {"mixer": partial(LinearMixer, normalise=False, bias=True)},
            {"td_lambda": 0.3, "tree_lambda": 0.5, "tree_depth": 2, "gamma": 0.9, "epsilon": ALWAYS[0.0]},
        ],
        ids=["default", "paper_mixer", "other_lambdas"],
    )
    def test_targets_are_those_of_each_episode_alone(self, episodes, settings):
        """An expectation over all joint actions included: it passes through the mixer."""
        latest, replayed = episodes
        module = build(**settings)
        slow = {id(e): Slow(module, module.target_critic, module.target_mixer, e) for e in latest + replayed}
        expected = {id(e): slow[id(e)].latest_targets() for e in latest}
        expected |= {id(e): slow[id(e)].replayed_targets() for e in replayed}
        module.learn(a_round(batched(latest), batched(replayed), module.exploration(0)))
        targets = module.seen[0][0].target
        wanted = torch.stack([expected[id(e)][t] for t, e in in_order(latest, replayed)])
        torch.testing.assert_close(targets, wanted, rtol=1e-4, atol=1e-5)
        assert not targets.requires_grad

    def test_one_step_for_every_time_index_with_the_transitions_there(self, episodes):
        latest, replayed = episodes
        module = build()
        module.learn(a_round(batched(latest), batched(replayed)))
        assert [number for number, _ in module.steps] == [CRITIC] * 8 + [POLICY]
        assert module.critic_updates == 8
        order, end = in_order(latest, replayed), 0
        for t, (transitions, at) in enumerate(module.seen):
            here = [episode for time, episode in order if time == t]
            assert at == slice(end, end + len(here))
            end = at.stop
            assert np.array_equal(transitions.actions[at].numpy(), [e.actions[t] for e in here])
            assert np.array_equal(transitions.state[at].numpy(), [e.state[t] for e in here])
            rows = as_tensor(transitions.rows[at.start * 3 : at.stop * 3], torch.float32)
            seen = rows.view(len(here), 3, -1)[..., SPEC.state_size : -SPEC.n_agents]
            assert np.array_equal(seen.numpy(), [e.obs[t] for e in here])
        assert end == len(order)

    def test_a_step_is_one_on_the_mean_squared_error(self, episodes):
        """Of the joint value computed slowly; here the first step's."""
        latest, replayed = episodes
        module = build(optimizer=still, critic_optimizer=still)
        module.learn(a_round(batched(latest), batched(replayed)))
        slow = [Slow(module, module.critic, module.mixer, e) for e in latest + replayed]
        joint = {id(s.episode): s.joint(0, s.actions[0]) for s in slow}
        order = [e for t, e in in_order(latest, replayed) if t == 0]
        target = module.seen[0][0].target[: len(order)]
        loss = (torch.stack([joint[id(e)] for e in order]) - target).square().mean()
        assert module.steps[0][1] == pytest.approx(loss.item(), rel=1e-4)
        networks = [*module.critic.parameters(), *module.mixer.parameters()]
        fast = module.value_errors(module.seen[0][0], slice(0, len(order)))[1].square().mean()
        for ours, theirs in zip(
            torch.autograd.grad(fast, networks), torch.autograd.grad(loss, networks), strict=True
        ):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)

    def test_a_game_of_one_step_is_a_regression_on_the_reward(self):
        latest, replayed = make_episodes([1] * 4, [True] * 4), make_episodes([1] * 6, [True] * 6, 10)
        module = build()
        slow = [Slow(module, module.critic, module.mixer, e) for e in latest + replayed]
        errors = [s.joint(0, s.actions[0]) - float(s.episode.reward[0]) for s in slow]
        module.learn(a_round(batched(latest), batched(replayed)))
        assert [number for number, _ in module.steps] == [CRITIC, POLICY]
        assert module.steps[0][1] == pytest.approx(torch.stack(errors).square().mean().item(), rel=1e-4)

    def test_its_steps_leave_policy_and_targets_alone(self, episodes):
        module = build(optimizer=still)
        before = {name: value.clone() for name, value in module.state_dict().items()}
        module.learn(a_round(batched(episodes[0]), batched(episodes[1])))
        changed = {
            name.split(".")[0] for name, value in module.state_dict().items() if not value.equal(before[name])
        }
        assert changed == {"critic", "mixer"}

    def test_targets_are_copies_after_so_many_of_its_steps(self, episodes):
        """Eight steps a round; looked at after each round."""
        module = build(critic_updates_per_copy=15)
        data, copied = a_round(batched(episodes[0]), batched(episodes[1])), []
        for _ in range(4):
            module.learn(data)
            copied.append(
                all(
                    torch.equal(one, two)
                    for copy, original in module.critic_targets.pairs
                    for one, two in zip(copy.parameters(), original.parameters(), strict=True)
                )
            )
        assert copied == [False, True, False, True]
        assert module.critic_updates == 32 and module.critic_targets.copied_at == 32


class TestPolicy:
    @pytest.mark.parametrize("mixer", [LinearMixer, partial(LinearMixer, normalise=False, bias=True)])
    @pytest.mark.parametrize("epsilon", [0.0, 0.5])
    def test_loss_and_gradient_are_those_of_the_transitions(self, episodes, mixer, epsilon):
        module = build(mixer=mixer, epsilon=ALWAYS[epsilon])
        loss, _ = policy_loss(module, batched(episodes[0]))
        slow = [Slow(module, module.critic, module.mixer, episode) for episode in episodes[0]]
        expected = -torch.stack([term for s in slow for term in s.policy_terms()]).mean()
        torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-6)
        trained = list(module.policy.parameters())
        for ours, theirs in zip(
            torch.autograd.grad(loss, trained, retain_graph=True),
            torch.autograd.grad(expected, trained),
            strict=True,
        ):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)
        others = [p for p in module.parameters() if p.requires_grad and not any(p is q for q in trained)]
        assert torch.autograd.grad(loss, others, allow_unused=True) == (None,) * len(others)

    def test_it_follows_the_critic_as_the_round_leaves_it(self, episodes):
        module = build(optimizer=still)
        module.learn(a_round(batched(episodes[0]), batched(episodes[1])))
        loss, _ = policy_loss(module, batched(episodes[0]))
        assert module.steps[-1] == (POLICY, pytest.approx(loss.item(), rel=1e-5))

    def test_advantages_have_mean_0_under_the_policy(self, episodes):
        """Weighted by the policy, all actions of an agent together give nothing, whatever the critic says."""
        module = build()
        slow = Slow(module, module.critic, module.mixer, episodes[0][0])
        mean = (slow.policy * slow.values).sum(-1, keepdim=True)
        assert (slow.policy * (slow.values - mean)).sum(-1).abs().max() < 1e-6
        before, _ = policy_loss(module, batched(episodes[0]))
        module.critic.network.linear[-1].bias.data[0] += 7.0  # of V
        after, _ = policy_loss(module, batched(episodes[0]))
        torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-5)

    def test_who_has_no_choice_learns_nothing(self):
        episodes = make_episodes(*LATEST)
        for episode in episodes:
            episode.avail_actions[:] = False
            episode.avail_actions[..., 0] = True
            episode.actions[:] = 0
        module = build()
        loss, metrics = policy_loss(module, batched(episodes))
        assert loss.item() == pytest.approx(0.0, abs=1e-6) and metrics["train/entropy"].item() == 0.0
        for gradient in torch.autograd.grad(loss, list(module.policy.parameters())):
            assert gradient.abs().max() < 1e-6

    def test_replayed_episodes_reach_it_through_the_critic_only(self, episodes):
        losses = []
        for critic_optimizer in (still, partial(torch.optim.SGD, lr=0.05)):
            module = build(optimizer=still, critic_optimizer=critic_optimizer)
            state = {name: value.clone() for name, value in module.state_dict().items()}
            for seed in (20, 40):
                module.load_state_dict(state)
                replayed = make_episodes(*REPLAYED, first_seed=seed)
                module.learn(a_round(batched(episodes[0]), batched(replayed)))
                losses.append(module.steps[-1][1])
        assert losses[0] == losses[1] and losses[2] != losses[3]


class TestSettings:
    def test_a_mixer_that_is_not_linear(self):
        with pytest.raises(SettingError, match="mixer=QMixer: must be LinearMixer"):
            DOP(SPEC, mixer=QMixer)

    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("td_lambda", 1.1),
            ("tree_lambda", -0.1),
            ("tree_depth", 0),
            ("critic_updates_per_copy", 0),
            ("gradient_clip", 0.0),
        ],
    )
    def test_impossible_values(self, setting, value):
        changes: dict[str, Any] = {setting: value}
        with pytest.raises(SettingError, match=setting):
            DOP(SPEC, **changes)

    @pytest.mark.parametrize(
        ("algorithm", "replay", "learning_rates", "stabiliser"),
        [("dop", (8, 64, 32), (5e-4, 5e-4), None), ("dop_official", (4, 32, 16), (5e-4, 1e-4), 1e-5)],
    )
    def test_configurations(self, algorithm, replay, learning_rates, stabiliser):
        config = remix.compose(f"algorithm={algorithm}", "logger=none")
        sizes = ("episodes_per_round", "batch_size", "latest_size")
        assert tuple(config.replay[name] for name in sizes) == replay
        for name, rate in zip(("optimizer", "critic_optimizer"), learning_rates, strict=True):
            assert config.algorithm[name].lr == rate
            assert config.algorithm[name].get("eps") == stabiliser
        assert config.trainer.gradient_clip_val is None

    def test_each_optimizer_has_its_networks(self):
        module = DOP(SPEC)
        policy, critic = (
            {id(p) for group in optimizer.param_groups for p in group["params"]}
            for optimizer in module.configure_optimizers()
        )
        assert policy == {id(p) for p in module.policy.parameters()}
        assert critic == {id(p) for network in (module.critic, module.mixer) for p in network.parameters()}

    def test_weights_of_the_agents_sum_to_1(self):
        weights = DOP(SPEC).mixer.weights(torch.randn(20, SPEC.state_size))
        assert (weights >= 0).all()
        torch.testing.assert_close(weights.sum(-1), torch.ones(20))


class TestOtherDevices:
    """Run on the CPU: PyTorch's layers on dense rows."""

    BITS = make_spec(obs_dtype="bool", state_dtype="bool", obs_size=11, state_size=20)

    @pytest.fixture
    def data(self):
        parts = make_episodes(*LATEST, spec=self.BITS), make_episodes(*REPLAYED, 20, self.BITS)
        latest, replayed = (batched(part, self.BITS) for part in parts)
        return a_round(latest, replayed)

    def test_a_round_is_that_of_the_compiled_passes(self, data, monkeypatch):
        gentle = partial(torch.optim.SGD, lr=0.01)  # which, unlike RMSprop, does not enlarge rounding errors
        module = build(self.BITS, optimizer=gentle, critic_optimizer=gentle)
        before = {name: value.clone() for name, value in module.state_dict().items()}
        module.learn(data)
        compiled = {name: value.clone() for name, value in module.state_dict().items()}
        losses, module.steps = module.steps, []
        module.load_state_dict(before)
        leave_the_cpu(monkeypatch)
        module.learn(data)
        assert [loss for _, loss in module.steps] == pytest.approx([loss for _, loss in losses], rel=1e-4)
        for name, value in module.state_dict().items():
            torch.testing.assert_close(value, compiled[name], rtol=1e-4, atol=1e-5)

    def test_a_round_never_waits_for_the_device(self, data, monkeypatch):
        leave_the_cpu(monkeypatch)
        module = build(self.BITS)

        def minimise(loss: Tensor, number: int) -> Tensor:
            loss.backward()
            return loss.detach()

        monkeypatch.setattr(module, "minimise", minimise)
        with Waits() as waits:
            module.learn(data)
        assert not waits.seen

    def test_autocast_leaves_targets_and_losses_in_single_precision(self, data, monkeypatch):
        leave_the_cpu(monkeypatch)
        module = build(self.BITS, optimizer=still, critic_optimizer=still)
        module.learn(data)
        exact = module.seen[-1][0].target
        with torch.autocast("cpu", torch.bfloat16):
            module.learn(data)
            joint_value, error = module.value_errors(*module.seen[-1])
            loss, _ = policy_loss(module, data.latest)
        target = module.seen[-1][0].target
        assert target.dtype == joint_value.dtype == error.dtype == loss.dtype == torch.float32
        torch.testing.assert_close(target, exact, rtol=0.05, atol=0.05)


SMALL_PREDATOR_PREY = partial(PredatorPrey, n_agents=2, n_stags=1, world_shape=(4, 4), episode_limit=9)


@pytest.mark.filterwarnings(
    "ignore:.*isinstance.treespec", "ignore:.*does not have many workers", "ignore:.*checkpoint directory"
)
class TestTraining:
    """Through Lightning."""

    @staticmethod
    def run(directory: Path, max_epochs: int = -1, checkpoint: Path | None = None) -> tuple[DOP, Recorder]:
        pl.seed_everything(3, verbose=False)
        data = ReplayDataModule(
            SMALL_PREDATOR_PREY,
            capacity=20,
            batch_size=8,
            latest_size=6,
            episodes_per_round=4,
            steps_per_epoch=100,
            max_env_steps=400,
            validation_episodes=2,
        )
        module = DOP(
            data.spec,
            policy=POLICY_NETWORK,
            critic=CRITIC_NETWORK,
            epsilon=Schedule(0.5, 0.05, 300),
            critic_updates_per_copy=40,
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
        )
        trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
        return module, recorder

    def test_resumed_run_equals_uninterrupted_run(self, tmp_path):
        straight, whole = self.run(tmp_path / "straight")
        first, before = self.run(tmp_path / "resumed", max_epochs=2)
        second, after = self.run(tmp_path / "resumed", checkpoint=tmp_path / "resumed/last.ckpt")
        assert 0 < first.critic_updates < second.critic_updates == straight.critic_updates
        assert 0 < first.critic_targets.copied_at < second.critic_targets.copied_at
        assert second.critic_targets.copied_at == straight.critic_targets.copied_at
        for name, value in straight.state_dict().items():
            assert torch.equal(value, second.state_dict()[name]), name
        assert before.rows + after.rows == whole.rows

    def test_what_is_logged(self, tmp_path):
        module, recorder = self.run(tmp_path)
        names = {
            "td_error_abs",
            "critic_loss",
            "policy_loss",
            "q_tot",
            "target",
            "entropy",
            "gradient_norm",
            "critic_gradient_norm",
        }
        for name in names:
            assert np.isfinite([value for _, value in recorder.history(f"train/{name}")]).all(), name
        rounds = len(recorder.history("train/td_error_abs"))
        assert recorder.history("train/updates")[-1][1] == module.updates == rounds
        assert module.critic_updates > rounds

    def test_matrix_game_ends_beside_the_optimum(self):
        """Each agent's improvement against what the other does leads away from (0, 0), which pays 8.

        Not always: where the first values are wrong enough, the policies may come near it by chance.
        """
        assert sorted(self.payoff(seed) for seed in range(3))[:2] == [0.0, 0.0]

    @staticmethod
    def payoff(seed: int) -> float:
        """Of the greedy policies in the end."""
        pl.seed_everything(seed, verbose=False)
        game = partial(MatrixGame, [[8, -12, -12], [-12, 0, 0], [-12, 0, 0]])
        data = ReplayDataModule(
            game,
            batch_size=64,
            latest_size=32,
            episodes_per_round=32,
            steps_per_epoch=1_600,
            max_env_steps=3_200,
            validation_episodes=2,
        )
        module = DOP(
            data.spec,
            policy=partial(StochasticPolicy, last_action=False, hidden_size=16),
            critic=CRITIC_NETWORK,
            optimizer=partial(torch.optim.RMSprop, lr=0.003),
            critic_optimizer=partial(torch.optim.RMSprop, lr=0.01),  # ahead of the policy
            epsilon=Schedule(1.0, 0.05, 3_200),
        )
        return fit(module, data, gradient_clip_val=None).history("test/return")[-1][1]
