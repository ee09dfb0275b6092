"""QTRAN-base (Son et al., 2019): an unrestricted joint value, and utilities transformed to fit it."""

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
from remix.networks.agent import RecurrentAgent
from remix.networks.features import Rows
from remix.networks.joint import JointValue, StateValue
from remix.networks.softmax import gather
from remix.settings import checks
from remix.settings.errors import part


class QTRAN(SingleLossModule):
    """QTRAN-base with double Q-learning and one-step targets.

    With u the joint action taken and g the agents' greedy actions, the loss is the mean over transitions of::

        (Q_jt(s, u) - [reward + gamma Q_jt(s', g')])^2                          g', Q_jt': target copies
        + opt_loss_factor * (sum_i Q_i(g_i) + V(s) - [Q_jt(s, g)])^2
        + nopt_loss_factor * min(0, sum_i Q_i(u_i) + V(s) - [Q_jt(s, u)])^2

    where brackets have no gradient. When the last two lines are 0 for every u, no joint action has a higher
    Q_jt than the greedy one.

    :param embed_dim: width of the hidden layers of Q_jt and V.
    :param opt_loss_factor: of the squared gap between utilities and Q_jt at the greedy actions.
    :param nopt_loss_factor: of the squared gap at the taken actions, where utilities are below Q_jt.

    The other parameters are those of :class:`IndependentQLearning`.
    """

    def __init__(
        self,
        spec: EnvSpec,
        policy: PolicyFactory = Policy,
        optimizer: OptimizerFactory = slow_adam,
        gamma: float = 0.99,
        epsilon: Schedule = Schedule(1.0, 0.05, 100_000),
        target_update_episodes: int = 200,
        embed_dim: int = 64,
        opt_loss_factor: float = 1.0,
        nopt_loss_factor: float = 0.1,
    ) -> None:
        super().__init__(spec, policy, optimizer, gamma, epsilon)
        self.opt_loss_factor = checks.number("opt_loss_factor", opt_loss_factor, minimum=0.0)
        self.nopt_loss_factor = checks.number("nopt_loss_factor", nopt_loss_factor, minimum=0.0)
        agent = self.policy.agent
        with part("policy"):
            agent.must_give_hidden()
        self.joint = JointValue(spec, agent.hidden_size, embed_dim)
        self.state_value = StateValue(spec, embed_dim)
        self.target_agent, self.target_joint = target_copy(agent), target_copy(self.joint)
        pairs = [(self.target_agent, agent), (self.target_joint, self.joint)]
        self.targets = TargetNetworks(
            pairs, checks.whole("target_update_episodes", target_update_episodes, minimum=1)
        )

    def loss(self, batch: Batch, env_steps: int) -> tuple[Tensor, dict[str, Tensor]]:
        utilities, hidden = self._histories(self.policy.agent, batch)
        greedy = greedy_actions(utilities.detach(), batch.availability())
        state, here = batch.state_rows(), batch.here
        target = self._target(batch, greedy, state)

        state, hidden = state[here], hidden[here]
        joint_value = self.joint(hidden, batch.actions, state).float()
        with torch.no_grad():
            greedy_joint_value = self.joint(hidden, greedy[here], state).float()
        error = joint_value - target
        value, utilities = self.state_value(state).float(), utilities[here]
        opt_gap = gather(utilities, greedy[here]).sum(-1) + value - greedy_joint_value
        nopt_gap = gather(utilities, batch.actions).sum(-1) + value - joint_value.detach()
        opt_loss, nopt_loss = opt_gap.square().mean(), nopt_gap.clamp(max=0.0).square().mean()
        loss = error.square().mean() + self.opt_loss_factor * opt_loss + self.nopt_loss_factor * nopt_loss
        return loss, {
            "train/td_error_abs": error.detach().abs().mean(),
            "train/opt_loss": opt_loss.detach(),
            "train/nopt_loss": nopt_loss.detach(),
            "train/q_joint": joint_value.detach().mean(),
            "train/target": target.mean(),
        }

    def _histories(self, agent: RecurrentAgent, batch: Batch) -> tuple[Tensor, Tensor]:
        """Utilities ``[M, N, A]`` and hidden states ``[M, N, H]`` at all time points."""
        utilities, hidden = agent.with_hidden(batch.inputs(self.policy.inputs.rows), batch.agent_sizes)
        by_agent = (-1, self.spec.n_agents)
        return utilities.unflatten(0, by_agent).float(), hidden.unflatten(0, by_agent)

    @torch.no_grad()
    def _target(self, batch: Batch, greedy: Tensor, state: Rows) -> Tensor:
        """One-step targets ``[K]`` from the target copies at the greedy actions ``[M, N]``."""
        after = slice(batch.n_episodes, None)
        _, hidden = self._histories(self.target_agent, batch)
        next_value: Tensor = self.target_joint(hidden[after], greedy[after], state[after]).float()
        return batch.reward + self.gamma * (~batch.terminated).to(next_value.dtype) * next_value
