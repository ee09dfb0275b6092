"""Independent Q-learning: every agent learns its own action value from the team reward."""

from __future__ import annotations

import torch
from torch import Tensor

from envs.spec import EnvSpec
from remix.algorithms.base import MultiAgentModule, OptimizerFactory, PolicyFactory, slow_adam, target_copy
from remix.episodes import Batch
from remix.networks.softmax import gather
from remix.policy import Policy, greedy_actions


class IndependentQLearning(MultiAgentModule):
    """IQL with shared weights, double Q-learning and one-step targets.

    The parameters are those of :class:`MultiAgentModule`.
    """

    def __init__(
        self,
        spec: EnvSpec,
        policy: PolicyFactory = Policy,
        optimizer: OptimizerFactory = slow_adam,
        gamma: float = 0.99,
        epsilon_start: float = 1.0,
        epsilon_end: float = 0.05,
        epsilon_anneal_steps: int = 100_000,
        target_update_episodes: int = 200,
    ) -> None:
        super().__init__(
            spec,
            policy,
            optimizer,
            gamma,
            epsilon_start,
            epsilon_end,
            epsilon_anneal_steps,
            target_update_episodes,
        )
        self.target_agent = target_copy(self.policy.agent)
        self.targets = [(self.target_agent, self.policy.agent)]

    def loss(self, batch: Batch, env_steps: int) -> tuple[Tensor, dict[str, Tensor]]:
        inputs = self.policy.inputs.rows(batch.obs_rows(), batch.last_actions())
        batch_sizes = batch.batch_sizes * self.spec.n_agents
        shape = (-1, self.spec.n_agents, self.spec.n_actions)
        utilities = self.policy.agent(inputs, batch_sizes).view(shape).float()
        chosen = gather(utilities[batch.here], batch.actions)
        with torch.no_grad():
            after = slice(batch.n_episodes, None)
            greedy = greedy_actions(utilities, batch.availability())[after]
            next_utilities = self.target_agent(inputs, batch_sizes).view(shape)[after].float()
            next_value = gather(next_utilities, greedy)
            discount = self.gamma * (~batch.terminated).to(next_value.dtype)
            target = batch.reward.unsqueeze(-1) + discount.unsqueeze(-1) * next_value
        error = chosen - target
        return 0.5 * error.square().mean(), {
            "train/td_error_abs": error.detach().abs().mean(),
            "train/q_taken": chosen.detach().mean(),
            "train/target": target.mean(),
        }
