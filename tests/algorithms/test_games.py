"""Small games of known values: who finds the optimum, and which values are learned on the way."""

from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from remix.algorithms.independent import IndependentQLearning
from remix.algorithms.single_loss import SingleLossModule
from remix.algorithms.value_factorization import ValueFactorization
from remix.envs.games import MatrixGame, TableGame, TwoStepGame
from remix.envs.spec import Observation
from remix.learning.datamodule import ReplayDataModule
from remix.learning.episodes import Batch, Episode, collate, pack
from remix.learning.policy import Policy
from remix.learning.schedules import Schedule
from remix.learning.workers.rollout import rollout
from remix.networks.central import CentralQ
from remix.networks.mixers.linear import LinearMixer
from remix.networks.mixers.qatten import QattenMixer
from remix.networks.mixers.qmix import QMixer
from remix.networks.mixers.qplex import QPLEXMixer
from remix.networks.mixers.vdn import VDNMixer
from remix.weighting.centrally_weighted import CentrallyWeighted
from remix.weighting.optimistic import Optimistic
from remix.weighting.regret_minimizing import RegretMinimizing
from tests.training import fit

PAYOFF = [[8, -12, -12], [-12, 0, 0], [-12, 0, 0]]

# Small networks and a high learning rate: seconds instead of minutes.
POLICY = partial(Policy, last_action=False, hidden_size=16)
MIXER = partial(QMixer, hypernet_dim=16)
CENTRAL = partial(CentralQ, hidden_size=16, embed_dim=32)
WEIGHTINGS = {
    "ow_qmix": Optimistic(0.1),
    "cw_qmix": CentrallyWeighted(0.1),
    "remix": RegretMinimizing(0.1, warmup_steps=0),
}


def every_episode(game: TableGame) -> Batch:
    """Each sequence of joint actions once, as unlimited uniform play would have it."""
    joint = list(product(range(game.spec.n_actions), repeat=2))
    plans = np.array(list(product(joint, repeat=game.spec.episode_limit)))
    points, rewards = [_copied(game.reset(np.zeros(len(plans), np.int64)))], []
    for t in range(game.spec.episode_limit):
        step = game.step(plans[:, t])
        points.append(_copied(step.observation))
        rewards.append(step.reward.copy())
    episodes = [
        Episode(
            obs=np.stack([point.obs[i] for point in points]),
            state=np.stack([point.state[i] for point in points]),
            avail_actions=np.stack([point.avail_actions[i] for point in points]),
            actions=plan,
            reward=np.array([reward[i] for reward in rewards]),
            behaviour=np.full(plan.shape, 1 / game.spec.n_actions, np.float32),
            terminated=True,
            metrics={},
        )
        for i, plan in enumerate(plans)
    ]
    return collate([pack(episode) for episode in episodes], game.spec)


def _copied(observation: Observation) -> Observation:
    """What the next step does not overwrite."""
    obs, state, avail_actions = observation
    return Observation(obs.copy(), state.copy(), avail_actions.copy())


def learn(module: SingleLossModule, batch: Batch, updates: int, copy_every: int = 20) -> None:
    """Full-batch updates with a falling learning rate and regular target copies, without Lightning."""
    optimizer = module.configure_optimizers()
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=updates)
    for update in range(updates):
        loss, _ = module.loss(batch, env_steps=0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if update % copy_every == 0:
            for copy, original in module.targets.pairs:
                copy.load_state_dict(original.state_dict())


def factorization(game, learning_rate=0.03, **changes):
    settings: dict[str, Any] = {"policy": POLICY, "mixer": MIXER, "td_lambda": 0.0} | changes
    return ValueFactorization(
        game.spec, optimizer=partial(torch.optim.Adam, lr=learning_rate, fused=True), **settings
    )


def greedy_return(module, game):
    return rollout(game, module.policy, np.zeros(1, np.int64), exploration=0.0)[0].score


@torch.no_grad()
def utilities(module, batch):
    """Of the taken actions, ``[K, N]``."""
    inputs = module.policy.inputs(batch.observations(), batch.last_actions())
    values = module.policy.agent(inputs, batch.batch_sizes * 2).view(-1, 2, module.spec.n_actions)
    return values[batch.here].gather(-1, batch.actions.unsqueeze(-1)).squeeze(-1)


@torch.no_grad()
def joint_values(module, batch):
    """Q_tot of every transition."""
    return module.mixer(utilities(module, batch), batch.states()[batch.here])


class TestMatrixGame:
    """One decision; 8 for (0, 0), -12 if only one agent chooses action 0, else 0."""

    game = MatrixGame(PAYOFF)
    batch = every_episode(game)

    @pytest.mark.parametrize("weighting", WEIGHTINGS.values(), ids=WEIGHTINGS.keys())
    def test_weighted_projections_find_the_optimum(self, weighting):
        returns = []
        for seed in range(4):
            torch.manual_seed(seed)
            module = factorization(self.game, 0.05, weighting=weighting, central=CENTRAL)
            learn(module, self.batch, updates=100)
            returns.append(greedy_return(module, self.game))
        assert returns.count(8.0) >= 3, returns

    def test_values_of_ow_qmix(self):
        """The best projection with weight 0.1 for over-estimated joint actions."""
        module = factorization(self.game, 0.02, weighting=Optimistic(0.1), central=CENTRAL)
        learn(module, self.batch, updates=300)
        assert joint_values(module, self.batch).tolist() == pytest.approx([8.0] + [-1.091] * 8, abs=0.05)

    def test_vdn_misses_the_optimum_with_the_values_of_the_additive_fit(self):
        module = factorization(self.game, mixer=VDNMixer)
        learn(module, self.batch, updates=150)
        table = [-6.222, -4.889, -4.889, -4.889, -3.556, -3.556, -4.889, -3.556, -3.556]
        assert joint_values(module, self.batch).tolist() == pytest.approx(table, abs=0.1)
        assert greedy_return(module, self.game) == 0.0

    def test_iql_learns_the_mean_over_what_the_other_does(self):
        module = IndependentQLearning(self.game.spec, POLICY, partial(torch.optim.Adam, lr=0.03))
        learn(module, self.batch, updates=150)
        first, second = utilities(module, self.batch).view(3, 3, 2).unbind(-1)
        assert first[:, 0].tolist() == pytest.approx([-5.333, -4.0, -4.0], abs=0.1)
        assert second[0].tolist() == pytest.approx([-5.333, -4.0, -4.0], abs=0.1)
        assert greedy_return(module, self.game) == 0.0

    @pytest.mark.filterwarnings("ignore:.*training_step. returned .None.", "ignore:.*isinstance.treespec")
    def test_through_lightning(self):
        """Played, stored, sampled and evaluated as any other run, under full exploration."""
        module = factorization(
            self.game,
            weighting=RegretMinimizing(0.1, warmup_steps=128),
            central=CENTRAL,
            epsilon=Schedule(1.0, 1.0, 1),
        )
        data = ReplayDataModule(
            partial(MatrixGame, PAYOFF),
            batch_size=128,
            capacity=1024,
            episodes_per_round=32,
            updates_per_round=4,
            steps_per_epoch=640,
            max_env_steps=1280,
            validation_episodes=2,
        )
        recorder = fit(module, data)
        assert recorder.history("test/return")[-1] == (1280, 8.0)
        assert recorder.history("train/return")[-1][1] == pytest.approx(-40 / 9, abs=3.0)

    @pytest.mark.parametrize("mixer", [VDNMixer, QPLEXMixer, QattenMixer, LinearMixer])
    @pytest.mark.parametrize("weighting", WEIGHTINGS.keys())
    def test_weights_find_the_optimum_with_any_mixer(self, mixer, weighting):
        weights = WEIGHTINGS[weighting]
        if weighting == "remix" and mixer is QattenMixer:
            # Its slopes add up over the heads, so that the factor of the mixing gradient is negative for most
            # transitions: in its literal form it found the optimum in 5 of 8 seeds only.
            weights = RegretMinimizing(0.1, warmup_steps=0, negative_gradient="without_offset")
        torch.manual_seed(0)
        module = factorization(self.game, mixer=mixer, weighting=weights, central=CENTRAL)
        learn(module, self.batch, updates=150)
        assert greedy_return(module, self.game) == 8.0

    def test_qatten_misses_the_optimum(self):
        """With one state its attention is fixed, and it represents what VDN does."""
        module = factorization(self.game, mixer=partial(QattenMixer, hidden_size=16))
        learn(module, self.batch, updates=150)
        assert greedy_return(module, self.game) == 0.0

    @pytest.mark.slow
    def test_qplex_finds_the_optimum(self):
        """It can represent the game, but takes long: 800 to 1,900 updates where this was tried, with RMSprop.

        With Adam, or with fewer heads of fewer layers, it stayed beside the optimum about as often as not.
        """
        torch.manual_seed(1)
        module = ValueFactorization(
            self.game.spec,
            mixer=partial(QPLEXMixer, n_heads=10, n_layers=3, hidden_size=16),
            policy=POLICY,
            optimizer=partial(torch.optim.RMSprop, lr=1e-3, alpha=0.99, eps=1e-5),
            td_lambda=0.0,
        )
        optimizer = module.configure_optimizers()
        for update in range(2_000):
            loss, _ = module.loss(self.batch, env_steps=0)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 10.0)
            optimizer.step()
            if update % 50 == 49 and loss.item() < 1.0:
                break
        assert greedy_return(module, self.game) == 8.0


class TestRepeatedMatrixGame:
    """The same decision twice: the second stage's optimum, discounted, lies on top of the first's values."""

    def test_values_of_ow_qmix(self):
        game = MatrixGame(PAYOFF, stages=2)
        batch = every_episode(game)
        module = factorization(game, 0.02, weighting=Optimistic(0.1), central=CENTRAL)
        learn(module, batch, updates=300)
        assert greedy_return(module, game) == 16.0
        first, second = joint_values(module, batch).view(2, 81)
        assert second[0].item() == pytest.approx(8.0, abs=0.1)
        assert first[0].item() == pytest.approx(8.0 + 0.99 * 8.0, abs=0.1)
        assert first[9].item() == pytest.approx(-1.091 + 0.99 * 8.0, abs=0.1)


class TestTwoStepGame:
    """Agent 0 chooses between a table of 7 everywhere and one with 0, 1, 1, 8."""

    game = TwoStepGame()
    batch = every_episode(game)

    def learned(self, mixer):
        module = factorization(self.game, 0.02, mixer=mixer)
        learn(module, self.batch, updates=1_000)
        first, second = joint_values(module, self.batch).view(2, 16)
        return (
            greedy_return(module, self.game),
            first[::4].tolist(),
            second[:4].tolist(),
            second[8:12].tolist(),
        )

    def test_qmix_represents_it_exactly(self):
        total, choice, table_a, table_b = self.learned(MIXER)
        assert total == 8.0
        assert choice == pytest.approx([6.93, 6.93, 7.92, 7.92], abs=0.05)
        assert table_a == pytest.approx([7, 7, 7, 7], abs=0.05)
        assert table_b == pytest.approx([0, 1, 1, 8], abs=0.05)

    def test_vdn_believes_in_the_safe_choice(self):
        total, choice, _, table_b = self.learned(VDNMixer)
        assert total == 7.0
        assert choice == pytest.approx([6.93, 6.93, 6.435, 6.435], abs=0.1)
        assert table_b == pytest.approx([-1.5, 2.5, 2.5, 6.5], abs=0.1)
