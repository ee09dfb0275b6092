"""Decomposed off-policy policy gradients (Wang et al., 2021): DOP for discrete actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor

from remix.algorithms.actor_critic import ActorCriticModule
from remix.algorithms.base import PolicyFactory
from remix.algorithms.optimizers import OptimizerFactory, slow_rmsprop
from remix.algorithms.target_networks import TargetNetworks, target_copy
from remix.envs.spec import EnvSpec
from remix.learning.episodes import Batch, agent_rows
from remix.learning.policy import StochasticPolicy
from remix.learning.returns import td_lambda as td_lambda_targets
from remix.learning.returns import tree_backup
from remix.learning.rounds import Round
from remix.learning.schedules import Schedule
from remix.networks.critics import AgentCritic, build_critic
from remix.networks.features import Rows, stacked
from remix.networks.mixers.base import Mixer, build_mixer
from remix.networks.mixers.linear import LinearMixer
from remix.networks.softmax import entropy, expectation, gather, log_policy, with_exploration
from remix.settings import checks
from remix.settings.errors import SettingError

POLICY, CRITIC = 0, 1
"""Numbers of the optimizers."""


class DOP(ActorCriticModule):
    """Stochastic policies that follow advantages of a linearly decomposed critic.

    ``Q_tot = sum_i k_i(s) Q_i(s, o_i, u_i) (+ b(s))``. One round makes the targets once, from target
    networks: TD(lambda) of the taken actions for the latest episodes, tree backup for replayed ones. The
    critic then makes a step for every time index, on all transitions at this index, and the policies follow
    ``k_i A_i log pi_i(u_i)`` in the latest episodes, with ``A_i = Q_i(u_i) - E_pi Q_i``.

    All policies here contain the uniform choices, as the policies that act do. Uniform choices are among the
    available actions. (The authors spread them over all actions, drop those that are not available, and
    normalise.)

    :param mixer: builds the mixer, which must be linear in the agents' values.
    :param critic: builds the critic of single agents' actions.
    :param td_lambda: lambda of the targets of the latest episodes.
    :param tree_lambda: lambda of the tree-backup targets.
    :param tree_depth: transitions that each tree-backup target looks at.
    :param critic_updates_per_copy: gradient steps of the critic between copies into the target networks; this
        is looked at once a round, since targets are made only then.

    The other parameters are those of :class:`ActorCriticModule`; epsilon is the share of uniform choices.
    """

    learns_from_replay = learns_from_latest = True

    def __init__(
        self,
        spec: EnvSpec,
        mixer: Callable[[EnvSpec], Mixer] = LinearMixer,
        critic: Callable[[EnvSpec], AgentCritic] = AgentCritic,
        policy: PolicyFactory = StochasticPolicy,
        optimizer: OptimizerFactory = slow_rmsprop,
        critic_optimizer: OptimizerFactory = slow_rmsprop,
        gradient_clip: float = 20.0,
        gamma: float = 0.99,
        td_lambda: float = 0.8,
        tree_lambda: float = 0.93,
        tree_depth: int = 5,
        epsilon: Schedule = Schedule(0.5, 0.05, 500_000),
        critic_updates_per_copy: int = 600,
    ) -> None:
        super().__init__(spec, policy, optimizer, critic_optimizer, gradient_clip, gamma, epsilon)
        self.td_lambda = checks.number("td_lambda", td_lambda, 0.0, 1.0)
        self.tree_lambda = checks.number("tree_lambda", tree_lambda, 0.0, 1.0)
        self.tree_depth = checks.whole("tree_depth", tree_depth, minimum=1)
        self.critic = build_critic(critic, spec)
        self.mixer = _linear(build_mixer(mixer, spec))
        self.critics = [(self.critic, self.mixer)]
        self.target_critic, self.target_mixer = target_copy(self.critic), target_copy(self.mixer)
        pairs = [(self.target_critic, self.critic), (self.target_mixer, self.mixer)]
        self.critic_targets = TargetNetworks(
            pairs, checks.whole("critic_updates_per_copy", critic_updates_per_copy, minimum=1)
        )
        self.critic_updates = 0

    def learn(self, data: Round) -> None:
        assert data.latest is not None and data.batch is not None
        latest = _Part(self, data.latest, data.exploration)
        with torch.no_grad():
            replayed = _Part(self, data.batch, data.exploration)
        metrics = self._learn_values(_Transitions.of(self, latest, replayed))
        loss, more = self.policy_loss(latest)
        norm = self.minimise(loss, POLICY)
        self.training_means.update({**metrics, **more, "train/gradient_norm": norm})
        self.critic_targets.follow(self.critic_updates)

    def value_errors(self, transitions: _Transitions, at: slice) -> tuple[Tensor, Tensor]:
        """Q_tot of some transitions, and how far above the target it lies; both ``[n]``."""
        n = self.spec.n_agents
        values = self.critic(transitions.rows[at.start * n : at.stop * n])
        chosen = gather(values.view(-1, n, self.spec.n_actions), transitions.actions[at])
        joint_value = self.mixer(chosen, transitions.state[at]).float()
        return joint_value, joint_value - transitions.target[at]

    def _learn_values(self, transitions: _Transitions) -> dict[str, Tensor]:
        """Make a step of critic and mixer for every time index, and return what is worth logging."""
        losses, norms, values, errors, start = [], [], [], [], 0
        for size in transitions.sizes:
            joint_value, error = self.value_errors(transitions, slice(start, start + size))
            loss = error.square().mean()
            norms.append(self.minimise(loss, CRITIC))
            losses.append(loss.detach())
            values.append(joint_value.detach())
            errors.append(error.detach())
            start += size
        self.critic_updates += len(losses)
        return {
            "train/td_error_abs": torch.cat(errors).abs().mean(),
            "train/critic_loss": torch.stack(losses).mean(),
            "train/q_tot": torch.cat(values).mean(),
            "train/target": transitions.target.mean(),
            "train/critic_gradient_norm": torch.stack(norms).mean(),
        }

    def policy_loss(self, part: _Part) -> tuple[Tensor, dict[str, Tensor]]:
        """The scalar loss of the policies on the latest episodes, and detached scalars worth logging."""
        here, actions = part.batch.here, part.batch.actions
        policy = part.log_policy[here]
        with torch.no_grad():
            values = part.values(self.critic)[here]
            advantage = gather(values, actions) - expectation(policy, values)
            weight = self.mixer.weights(part.state[here]).float()
            uncertainty = entropy(part.log_softmax[here]).mean()
        loss = -(weight * advantage * gather(policy, actions)).mean()
        return loss, {"train/policy_loss": loss.detach(), "train/entropy": uncertainty}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint["critic_updates"] = self.critic_updates
        checkpoint["critic_updates_at_copy"] = self.critic_targets.copied_at

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        self.critic_updates = checkpoint["critic_updates"]
        self.critic_targets.copied_at = checkpoint["critic_updates_at_copy"]


class _Part:
    """One batch of episodes as networks read it, and the policies there.

    M time points, K transitions, see :class:`Batch`. ``rows [M * N, ...]`` are the critic's, ``log_softmax``
    and ``log_policy [M, N, A]`` the policies without and with uniform choices, of which
    there are as many as in the round.
    """

    def __init__(self, module: DOP, batch: Batch, exploration: float) -> None:
        self.batch, self.state = batch, batch.state_rows()
        self.rows = module.critic.rows(self.state, batch.obs_rows())
        avail_actions = batch.availability()
        self.log_softmax = log_policy(module.policy.unroll(batch), avail_actions)
        self.log_policy = with_exploration(self.log_softmax, avail_actions, exploration)

    def values(self, critic: AgentCritic) -> Tensor:
        """Values of all agents' actions ``[M, N, A]``."""
        return critic(self.rows).view(self.log_policy.shape)

    @torch.no_grad()
    def probability(self) -> Tensor:
        """Of the joint actions that were taken, ``[K]``."""
        return gather(self.log_policy[self.batch.here], self.batch.actions).sum(-1).exp()

    @torch.no_grad()
    def joint_values(self, critic: AgentCritic, mixer: LinearMixer) -> tuple[Tensor, Tensor]:
        """Q_tot of the joint actions taken ``[K]``, and its expectation at all time points ``[M]``."""
        values, here = self.values(critic), self.batch.here
        # The mixer is linear: an expectation passes through it, and a difference is one of its slopes.
        expected = expectation(self.log_policy, values)
        joint, slopes = mixer.value_and_slopes(expected, self.state)
        difference = gather(values[here], self.batch.actions) - expected[here]
        taken = joint[here] + (slopes[here] * difference).sum(-1)
        return taken.float(), joint.float()


@dataclass(frozen=True)
class _Transitions:
    """The transitions of both parts of a round by time index, K in all.

    :param rows: ``[K * N, ...]`` of the critic.
    :param state: ``[K, S]``.
    :param actions: ``[K, N]``.
    :param target: ``[K]``.
    :param sizes: how many there are at each time index.
    """

    rows: Rows
    state: Rows
    actions: Tensor
    target: Tensor
    sizes: list[int]

    @classmethod
    def of(cls, module: DOP, latest: _Part, replayed: _Part) -> _Transitions:
        """With the targets, which take no gradient."""
        first, second = latest.batch, replayed.batch
        times = torch.cat([_times(batch) for batch in (first, second)])
        device = first.reward.device
        order = times.argsort(stable=True).to(device, non_blocking=True)
        points = torch.cat((first.here, second.here + len(latest.log_policy)))[order]
        sizes = first.transition_sizes, second.transition_sizes
        targets = _latest_targets(module, latest), _replayed_targets(module, replayed)
        return cls(
            rows=stacked(latest.rows, replayed.rows)[agent_rows(points, module.spec.n_agents)],
            state=stacked(latest.state, replayed.state)[points],
            actions=torch.cat((first.actions, second.actions))[order],
            target=torch.cat(targets)[order],
            sizes=[sum(both) for both in zip_longest(*sizes, fillvalue=0)],
        )


def _times(batch: Batch) -> Tensor:
    """Time index of every transition, int64 ``[K]`` on the CPU."""
    return torch.repeat_interleave(batch.batch_sizes[1:])


def _latest_targets(module: DOP, part: _Part) -> Tensor:
    """TD(lambda) targets ``[K]`` for the latest episodes, from the values of the taken actions.

    After the last transition no action was taken; there the expectation under the policies stands in.
    """
    batch = part.batch
    taken, expected = part.joint_values(module.target_critic, module.target_mixer)
    value = expected.scatter(0, batch.here, taken)
    return td_lambda_targets(
        batch.reward,
        batch.terminated,
        value[batch.n_episodes :],
        batch.transition_sizes,
        module.gamma,
        module.td_lambda,
    )


def _replayed_targets(module: DOP, part: _Part) -> Tensor:
    """Tree-backup targets ``[K]`` for the replayed episodes."""
    batch = part.batch
    taken, expected = part.joint_values(module.target_critic, module.target_mixer)
    return tree_backup(
        batch.reward,
        batch.terminated,
        taken,
        expected[batch.n_episodes :],
        part.probability(),
        batch.transition_sizes,
        module.gamma,
        module.tree_lambda,
        module.tree_depth,
    )


def _linear(mixer: Mixer) -> LinearMixer:
    if not isinstance(mixer, LinearMixer):
        name = type(mixer).__name__
        raise SettingError("mixer", name, "must be LinearMixer: expectations have to pass through it")
    return mixer
