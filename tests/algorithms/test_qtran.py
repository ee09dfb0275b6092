"""QTRAN-base."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from remix.algorithms.qtran import QTRAN
from remix.envs.games import MatrixGame
from remix.learning.episodes import Batch, Episode, collate, pack
from remix.learning.policy import Policy
from remix.networks.agent import RecurrentAgent
from remix.networks.joint import JointValue
from remix.settings.errors import SettingError
from tests.algorithms.devices import Waits, leave_the_cpu
from tests.algorithms.oracle import chosen, greedy
from tests.algorithms.test_games import PAYOFF, every_episode, greedy_return, learn
from tests.samples import make_batch, make_episode, make_spec

SPEC = make_spec()
BITS = make_spec(obs_dtype="bool", state_dtype="bool", obs_size=11, state_size=20)
LENGTHS, TERMINATED = [3, 6, 1, 6, 2], [True, False, False, True, False]


def build(spec=SPEC, **changes):
    """A small module whose target networks differ from the online ones."""
    settings: dict[str, Any] = {"policy": partial(Policy, hidden_size=16), "embed_dim": 16} | changes
    module = QTRAN(spec, **settings)
    for copy, _ in module.targets.pairs:
        for parameter in copy.parameters():
            parameter.data += 0.2 * torch.randn_like(parameter)
    return module


def gradients(module: QTRAN, loss: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, [p for p in module.parameters() if p.requires_grad]))


class Slow:
    """The three losses of single transitions, from networks that live through the episode step by step."""

    def __init__(self, module: QTRAN, episode: Episode) -> None:
        self.module, self.episode = module, episode
        self.state, self.actions = torch.from_numpy(episode.state).float(), torch.from_numpy(episode.actions)
        self.utilities, self.hidden = self._live(module.policy.agent)
        self.best = greedy(self.utilities, episode)
        self.target_hidden = self._live(module.target_agent)[1]

    def _live(self, agent: RecurrentAgent) -> tuple[Tensor, Tensor]:
        """Outputs ``[L+1, N, A]`` and hidden states ``[L+1, N, H]``, one agent after the other."""
        episode, n_agents = self.episode, self.actions.shape[1]
        outputs, states = [], []
        for i in range(n_agents):
            hidden, last = torch.zeros(1, agent.hidden_size), torch.full((1, n_agents), -1)
            for t in range(episode.length + 1):
                rows = self.module.policy.inputs(torch.from_numpy(episode.obs[t : t + 1]), last)
                output, hidden = agent.step(rows[i : i + 1], hidden)
                outputs.append(output[0])
                states.append(hidden[0])
                last = self.actions[t : t + 1]
        first, second = (torch.stack(parts).unflatten(0, (n_agents, -1)) for parts in (outputs, states))
        return first.transpose(0, 1), second.transpose(0, 1)

    def joint(self, network: JointValue, hidden: Tensor, actions: Tensor, state: Tensor) -> Tensor:
        """Q_jt of one joint action ``[N]``, by PyTorch's own layers."""
        total: Tensor | float = 0.0
        for i, action in enumerate(actions):
            choice = torch.eye(network.n_actions)[action]
            total = total + layers(network.encoder, torch.cat((hidden[i], choice)))
        assert isinstance(total, Tensor)
        return layers(network.value, torch.cat((state, total)))[0]

    def losses(self, t: int) -> tuple[Tensor, Tensor, Tensor]:
        """L_td, L_opt and L_nopt of transition t."""
        module, episode = self.module, self.episode
        target = float(episode.reward[t])
        if not (episode.terminated and t == episode.length - 1):
            future = self.joint(
                module.target_joint, self.target_hidden[t + 1], self.best[t + 1], self.state[t + 1]
            )
            target += module.gamma * float(future)
        taken = self.joint(module.joint, self.hidden[t], self.actions[t], self.state[t])
        best = self.joint(module.joint, self.hidden[t], self.best[t], self.state[t])
        value = layers(module.state_value.value, self.state[t])[0]
        opt = chosen(self.utilities[t], self.best[t]).sum() + value - best.detach()
        nopt = chosen(self.utilities[t], self.actions[t]).sum() + value - taken.detach()
        return (taken - target) ** 2, opt**2, nopt**2 if nopt < 0 else 0 * nopt


def layers(network: nn.Sequential, row: Tensor) -> Tensor:
    """What PyTorch's own layers make of a row."""
    for layer in network:
        row = layer(row)
    return row


def slow_loss(module: QTRAN, episodes: Sequence[Episode]) -> tuple[Tensor, Tensor, Tensor]:
    """Means of the three losses over all transitions of all episodes."""
    slow = [Slow(module, episode) for episode in episodes]
    rows = [one.losses(t) for one in slow for t in range(one.episode.length)]
    td, opt, nopt = (torch.stack(column).mean() for column in zip(*rows, strict=True))
    return td, opt, nopt


@pytest.fixture(scope="module")
def episodes():
    return [
        make_episode(SPEC, n, seed, end)
        for seed, (n, end) in enumerate(zip(LENGTHS, TERMINATED, strict=True))
    ]


@pytest.fixture(scope="module")
def batch(episodes):
    return collate([pack(episode) for episode in episodes], SPEC)


class TestLoss:
    """Of a batch of episodes of different lengths and ends."""

    @pytest.mark.parametrize("factors", [(1.0, 0.1), (0.0, 0.0), (0.3, 2.0)], ids=str)
    def test_loss_and_gradient_are_those_of_its_transitions(self, episodes, batch, factors):
        """That the gradients agree shows besides that the joint value teaches the agents' recurrent layers
        through their hidden states, and that neither targets nor the joint values in the other losses learn.
        """
        module = build(opt_loss_factor=factors[0], nopt_loss_factor=factors[1])
        # Enough of the taken joint actions on either side of 0.
        module.state_value.value.linear[-1].bias.data -= 0.2
        loss, metrics = module.loss(batch, env_steps=0)
        td, opt, nopt = slow_loss(module, episodes)
        expected = td + factors[0] * opt + factors[1] * nopt
        torch.testing.assert_close(loss, expected)
        torch.testing.assert_close(metrics["train/opt_loss"], opt.detach())
        torch.testing.assert_close(metrics["train/nopt_loss"], nopt.detach())
        for ours, theirs in zip(gradients(module, loss), gradients(module, expected), strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)

    def test_the_samples_tell_the_cases_apart(self, episodes):
        """Otherwise the test above would pass whatever the sign of a gap, and for any greedy action."""
        module = build()
        module.state_value.value.linear[-1].bias.data -= 0.2
        slow = [Slow(module, episode) for episode in episodes]
        punished = [bool(one.losses(t)[2] > 0) for one in slow for t in range(one.episode.length)]
        assert 0.2 < np.mean(punished) < 0.8
        assert any((one.utilities.argmax(-1) != one.best).any() for one in slow)

    def test_metrics_are_detached_scalars(self, batch):
        _, metrics = build().loss(batch, env_steps=0)
        assert {
            "train/td_error_abs",
            "train/opt_loss",
            "train/nopt_loss",
            "train/q_joint",
            "train/target",
        } == {*metrics}
        assert all(value.shape == () and not value.requires_grad for value in metrics.values())

    def test_temporal_differences_teach_the_recurrent_layers(self, batch):
        module = build(opt_loss_factor=0.0, nopt_loss_factor=0.0)
        module.loss(batch, env_steps=0)[0].backward()
        agent = module.policy.agent
        for parameter in (*agent.encoder.parameters(), *agent.recurrence.parameters()):
            assert parameter.grad is not None and parameter.grad.abs().max() > 0
        assert agent.head.weight.grad is not None and not agent.head.weight.grad.any()


class TestTarget:
    """Of one transition, less its reward."""

    @staticmethod
    def future(module: QTRAN, terminated: bool) -> float:
        batch = make_batch(SPEC, [1], [terminated])
        _, metrics = module.loss(batch, env_steps=0)
        return metrics["train/target"].item() - batch.reward.item()

    def test_a_true_end_is_not_bootstrapped(self):
        assert self.future(build(), terminated=True) == pytest.approx(0.0, abs=1e-6)

    def test_a_cut_is_bootstrapped_from_the_target_networks_at_the_online_greedy_action(self):
        module = build()
        slow = Slow(module, make_episode(SPEC, 1))
        value = slow.joint(module.target_joint, slow.target_hidden[1], slow.best[1], slow.state[1])
        assert self.future(module, terminated=False) == pytest.approx(module.gamma * value.item(), abs=1e-5)

    def test_only_the_online_agents_choose(self):
        """Their utilities matter through the argmax alone, the target agents' not at all."""
        module = build()
        before, head = self.future(module, terminated=False), module.policy.agent.head
        module.target_agent.head.weight.data.neg_()
        head.weight.data *= 3.0
        head.bias.data *= 3.0
        assert self.future(module, terminated=False) == pytest.approx(before, abs=1e-5)
        head.weight.data *= -1.0
        head.bias.data *= -1.0
        assert self.future(module, terminated=False) != pytest.approx(before, abs=1e-5)


def additive(utilities: list[float], joint: list[float], value: float) -> QTRAN:
    """Utilities, Q_jt(u) = value + sum_i joint[u_i] and V = value, whatever is observed."""
    module = build()
    head, (first, second) = module.policy.agent.head, module.joint.encoder.linear
    one_hot = torch.arange(SPEC.n_actions) + module.policy.agent.hidden_size
    read, middle, last = module.joint.value.linear
    *_, state_value = module.state_value.value.linear
    with torch.no_grad():
        for layer in (head, first, second, read, middle, last, state_value):
            layer.weight.zero_()
            layer.bias.zero_()
        head.bias.copy_(torch.tensor(utilities))
        # Choices are never negative: they pass the encoder as they are, and the network above as one sum.
        first.weight[one_hot, one_hot] = second.weight[one_hot, one_hot] = 1.0
        read.weight[0, one_hot + SPEC.state_size] = torch.tensor(joint)
        middle.weight[0, 0] = last.weight[0, 0] = 1.0
        last.bias.fill_(value)
        state_value.bias.fill_(value)
    return module


class TestConsistency:
    """What the utilities are asked for. Action 0 is the greedy one of every agent."""

    @pytest.fixture
    def batch(self):
        batch = make_batch(SPEC, LENGTHS)
        batch.avail_actions[:] = 0b11110000
        return batch

    @staticmethod
    def losses(module: QTRAN, batch: Batch) -> tuple[float, float]:
        _, metrics = module.loss(batch, env_steps=0)
        return metrics["train/opt_loss"].item(), metrics["train/nopt_loss"].item()

    @pytest.mark.parametrize("joint", [[3.0, 2.0, 1.0, 0.0], [3.0, 0.5, 1.0, 0.0]], ids=["equal", "below"])
    def test_a_consistent_decomposition_is_left_alone(self, batch, joint):
        """Equal at the greedy actions, nowhere below."""
        module = additive([3.0, 2.0, 1.0, 0.0], joint, value=-5.0)
        assert self.losses(module, batch) == pytest.approx((0.0, 0.0), abs=1e-9)

    def test_utilities_below_the_joint_value_are_raised(self, batch):
        """By 0.5 for every agent that takes action 1."""
        module = additive([3.0, 2.0, 1.0, 0.0], [3.0, 2.5, 1.0, 0.0], value=-5.0)
        gaps = 0.5 * (batch.actions == 1).sum(-1)
        assert 0 < (gaps > 0).sum() < len(gaps)
        assert self.losses(module, batch) == pytest.approx((0.0, gaps.square().mean().item()), abs=1e-5)

    @pytest.mark.parametrize("gap", [2.0, -2.0])
    def test_a_gap_at_the_greedy_actions_counts_on_both_sides(self, batch, gap):
        module = additive([3.0, 2.0, 1.0, 0.0], [3.0, 2.0, 1.0, 0.0], value=-5.0)
        module.state_value.value.linear[-1].bias.data += gap
        assert self.losses(module, batch) == pytest.approx((4.0, 0.0 if gap > 0 else 4.0), abs=1e-5)

    def test_only_available_actions_are_greedy(self, batch):
        """Without action 0 the next best one counts, whose utilities are 1 too low in sum."""
        batch.avail_actions[:] = 0b01110000
        batch.actions[:] = 3
        module = additive([3.0, 2.0, 1.0, 0.0], [9.0, 2.0 + 1 / 3, 1.0, 0.0], value=-5.0)
        assert self.losses(module, batch) == pytest.approx((1.0, 0.0), abs=1e-5)


class TestElsewhere:
    """What runs on other devices than the CPU, run on the CPU: PyTorch's layers on dense rows."""

    @pytest.fixture
    def batch(self):
        return make_batch(BITS, [9, 4, 7, 1, 9, 9], terminated=[True, False] * 3)

    def test_loss_and_gradients_are_those_of_the_compiled_passes(self, batch, monkeypatch):
        module = build(BITS)
        loss, metrics = module.loss(batch, env_steps=0)
        compiled = gradients(module, loss)
        leave_the_cpu(monkeypatch)
        other_loss, other_metrics = module.loss(batch, env_steps=0)
        torch.testing.assert_close(other_loss, loss, rtol=1e-5, atol=1e-6)
        assert other_metrics.keys() == metrics.keys()
        for ours, theirs in zip(compiled, gradients(module, other_loss), strict=True):
            torch.testing.assert_close(theirs, ours, rtol=1e-3, atol=1e-5)

    def test_an_update_never_waits_for_the_device(self, batch, monkeypatch):
        leave_the_cpu(monkeypatch)
        module = build(BITS)
        optimizer = module.configure_optimizers()
        with Waits() as waits:
            loss, metrics = module.loss(batch, env_steps=0)
            module.training_means.update({"loss": loss.detach(), **metrics})
            loss.backward()
            module.on_before_optimizer_step(optimizer)
        assert not waits.seen

    @pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "layers"])
    def test_autocast_leaves_targets_and_losses_in_single_precision(self, batch, monkeypatch, compiled):
        if not compiled:
            leave_the_cpu(monkeypatch)
        module = build(BITS)
        exact, _ = module.loss(batch, env_steps=0)
        with torch.autocast("cpu", torch.bfloat16):
            loss, metrics = module.loss(batch, env_steps=0)
        assert {loss.dtype, *(value.dtype for value in metrics.values())} == {torch.float32}
        torch.testing.assert_close(loss, exact, rtol=0.05, atol=0.01)


def test_target_networks_start_as_copies_and_are_not_trained():
    module = QTRAN(SPEC)
    for copy, original in module.targets.pairs:
        assert all(
            torch.equal(one, two) for one, two in zip(copy.parameters(), original.parameters(), strict=True)
        )
    trained = {id(p) for group in module.configure_optimizers().param_groups for p in group["params"]}
    networks: list[nn.Module] = [module.policy, module.joint, module.state_value]
    assert trained == {id(p) for network in networks for p in network.parameters()}


@pytest.mark.parametrize(
    ("setting", "value"), [("opt_loss_factor", -1.0), ("nopt_loss_factor", -0.1), ("embed_dim", 0)]
)
def test_impossible_settings(setting, value):
    with pytest.raises(SettingError, match=f"{setting}={value}"):
        build(**{setting: value})


class TestMatrixGame:
    """8 for (0, 0), -12 if only one agent chooses action 0, else 0; every joint action equally often."""

    game = MatrixGame(PAYOFF)
    batch = every_episode(game)

    def module(self, **changes):
        """With a wide Q_jt: while none of its hidden units tells joint actions apart, its fit is additive."""
        return QTRAN(
            self.game.spec,
            policy=partial(Policy, last_action=False, hidden_size=16),
            optimizer=partial(torch.optim.Adam, lr=0.005, fused=True),
            embed_dim=128,
            **changes,
        )

    @pytest.mark.slow
    def test_it_finds_the_optimum(self):
        """With equal loss factors, because the default needs three times the updates."""
        returns = []
        for seed in range(4):
            torch.manual_seed(seed)
            module = self.module(nopt_loss_factor=1.0)
            learn(module, self.batch, updates=300)
            returns.append(greedy_return(module, self.game))
        assert returns.count(8.0) >= 3, returns

    @torch.no_grad()
    def values(self, module):
        """Q_jt and sum_i Q_i + V of every joint action."""
        inputs = module.policy.inputs(self.batch.observations(), self.batch.last_actions())
        utilities, hidden = module.policy.agent.with_hidden(inputs, self.batch.batch_sizes * 2)
        here, actions, state = self.batch.here, self.batch.actions, self.batch.states()[self.batch.here]
        joint = module.joint(hidden.view(-1, 2, 16)[here], actions, state)
        taken = utilities.view(-1, 2, 3)[here].gather(-1, actions.unsqueeze(-1)).squeeze(-1)
        return joint.tolist(), (taken.sum(-1) + module.state_value(state)).tolist()

    def test_values(self):
        """Q_jt is the payoff; utilities and V meet it at the optimum and are nowhere below."""
        module = self.module()
        learn(module, self.batch, updates=1_000)
        assert greedy_return(module, self.game) == 8.0
        joint, total = self.values(module)
        assert joint == pytest.approx(np.ravel(PAYOFF).tolist(), abs=0.1)
        assert total[0] == pytest.approx(8.0, abs=0.2)
        assert all(t > j - 0.2 for t, j in zip(total, joint, strict=True))
