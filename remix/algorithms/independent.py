"""Independent Q-learning: every agent learns its own action value, from the team reward or its own."""

from __future__ import annotations

import torch
from torch import Tensor

from remix.algorithms.base import PolicyFactory
from remix.algorithms.optimizers import OptimizerFactory, slow_adam
from remix.algorithms.single_loss import SingleLossModule
from remix.algorithms.target_networks import TargetNetworks, target_copy
from remix.envs.spec import EnvSpec
from remix.learning.episodes import Batch
from remix.learning.policy import Policy, greedy_actions
from remix.learning.schedules import Schedule
from remix.networks.softmax import gather
from remix.settings import checks


class IndependentQLearning(SingleLossModule):
    """IQL with shared weights, double Q-learning and one-step targets.

    :param target_update_episodes: collected episodes between copies into the target network.
    :param individual_rewards: whether each agent learns from its own reward rather than the team's.

    The other parameters are those of :class:`SingleLossModule`.
    """

    def __init__(
        self,
        spec: EnvSpec,
        policy: PolicyFactory = Policy,
        optimizer: OptimizerFactory = slow_adam,
        gamma: float = 0.99,
        epsilon: Schedule = Schedule(1.0, 0.05, 100_000),
        target_update_episodes: int = 200,
        individual_rewards: bool = False,
    ) -> None:
        super().__init__(spec, policy, optimizer, gamma, epsilon, individual_rewards)
        self.target_agent = target_copy(self.policy.agent)
        pairs = [(self.target_agent, self.policy.agent)]
        self.targets = TargetNetworks(
            pairs, checks.whole("target_update_episodes", target_update_episodes, minimum=1)
        )

    def loss(self, batch: Batch, env_steps: int) -> tuple[Tensor, dict[str, Tensor]]:
        utilities = self.policy.unroll(batch)
        chosen = gather(utilities[batch.here], batch.actions)
        with torch.no_grad():
            after = slice(batch.n_episodes, None)
            greedy = greedy_actions(utilities, batch.availability())[after]
            next_value = gather(self.policy.unroll(batch, self.target_agent)[after], greedy)
            discount = self.gamma * (~batch.terminated).to(next_value.dtype)
            target = batch.agent_rewards(self.individual_rewards) + discount.unsqueeze(-1) * next_value
        error = chosen - target
        return 0.5 * error.square().mean(), {
            "train/td_error_abs": error.detach().abs().mean(),
            "train/q_taken": chosen.detach().mean(),
            "train/target": target.mean(),
        }
