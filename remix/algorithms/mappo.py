"""PPO of cooperating agents (Yu et al., 2022): MAPPO, and IPPO with another critic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from remix.algorithms.actor_critic import ActorCriticModule
from remix.algorithms.base import PolicyFactory
from remix.algorithms.optimizers import OptimizerFactory, steady_adam
from remix.algorithms.own_generator import OwnGenerator
from remix.envs.spec import EnvSpec
from remix.learning.episodes import Batch, agent_rows
from remix.learning.minibatches import select, shares
from remix.learning.policy import StochasticPolicy
from remix.learning.returns import td_lambda as td_lambda_returns
from remix.learning.rounds import Round
from remix.learning.schedules import Schedule
from remix.networks.features import Rows
from remix.networks.normaliser import RunningNormaliser
from remix.networks.softmax import entropy, gather, log_policy
from remix.networks.value_critic import ValueCritic, build_value_critic
from remix.settings import checks
from remix.settings.errors import part

POLICY, CRITIC = 0, 1
"""Numbers of the optimizers."""

_HUBER = 10.0  # errors beyond this, in units of the returns' spread, count linearly
_SMALL = 1e-5


@dataclass(frozen=True)
class Judged:
    """Episodes and what was found out about them before they are learned from.

    K transitions, M time points, see :class:`Batch`. All but the batch has no gradient.

    :param rows: ``[M * N, I]``, input of the critic.
    :param avail_actions: bool ``[K, N, A]``.
    :param alive: bool ``[K, N]``, agents that had a choice.
    :param old_log: ``[K, N]``, logarithm of the probability with which each action was chosen.
    :param advantage: ``[K, N]``, standardised.
    :param returns: ``[K, N]``, normalised.
    :param old_value: ``[K, N]``, normalised as the returns.
    """

    batch: Batch
    rows: Rows
    avail_actions: Tensor
    alive: Tensor
    old_log: Tensor
    advantage: Tensor
    returns: Tensor
    old_value: Tensor

    def select(self, episodes: Tensor) -> Judged:
        """Some of the episodes, see :func:`select`."""
        batch, points, transitions = select(self.batch, episodes)
        others = ("avail_actions", "alive", "old_log", "advantage", "returns", "old_value")
        return Judged(
            batch=batch,
            rows=self.rows[agent_rows(points, batch.spec.n_agents)],
            **{name: getattr(self, name)[transitions] for name in others},
        )


class MAPPO(OwnGenerator, ActorCriticModule):
    """Clipped policy steps on the episodes just played, each agent with a value of its own.

    A round is learned from once: returns and advantages (GAE) are made with the critic as it is at the
    beginning, and the policy as it was played stays in the denominator of the ratios. What differs from the
    authors' code: the statistics of the returns move once a round instead of in every step, so that both
    ends of the clipped values are in the same units; an agent counts as dead, and not in the policy's loss,
    while it has a single action; and an episode that is cut by its limit bootstraps. As there, dead agents
    do count in the critic's loss.

    :param critic: builds the critic from the spec and the width of the agents' input.
    :param td_lambda: lambda of the returns and of the advantages.
    :param epochs: how often a round is gone through.
    :param minibatches: parts of whole episodes that make a step each.
    :param clip: by how much ratios of probabilities, and normalised values, may move from what they were.
    :param entropy_factor: of the policies' entropy.
    :param output_gain: what the last layer of the fresh policy is scaled with; small: all actions alike.
    :param value_decay: what a round leaves of the running statistics of returns, of which the critic learns
        the normalised ones.
    :param individual_rewards: whether each agent learns from its own reward rather than the team's.

    The other parameters are those of :class:`ActorCriticModule`; epsilon is the share of uniform choices.
    """

    learns_from_replay, learns_from_latest, needs_behaviour = False, True, True

    def __init__(
        self,
        spec: EnvSpec,
        critic: Callable[[EnvSpec, int], ValueCritic] = ValueCritic,
        policy: PolicyFactory = StochasticPolicy,
        optimizer: OptimizerFactory = steady_adam,
        critic_optimizer: OptimizerFactory = steady_adam,
        gradient_clip: float = 10.0,
        gamma: float = 0.99,
        td_lambda: float = 0.95,
        epsilon: Schedule = Schedule(0.0, 0.0, 100_000),
        epochs: int = 10,
        minibatches: int = 1,
        clip: float = 0.2,
        entropy_factor: float = 0.01,
        output_gain: float = 0.01,
        value_decay: float = 0.99999,
        individual_rewards: bool = False,
    ) -> None:
        super().__init__(
            spec, policy, optimizer, critic_optimizer, gradient_clip, gamma, epsilon, individual_rewards
        )
        self.td_lambda = checks.number("td_lambda", td_lambda, 0.0, 1.0)
        self.epochs = checks.whole("epochs", epochs, minimum=1)
        self.minibatches = checks.whole("minibatches", minibatches, minimum=1)
        self.clip = checks.number("clip", clip, above=0.0)
        self.entropy_factor = checks.number("entropy_factor", entropy_factor, minimum=0.0)
        self.critic = build_value_critic(critic, spec, self.policy.inputs.size)
        self.critics = [[self.critic]]
        self.returns = RunningNormaliser(checks.number("value_decay", value_decay, 0.0, below=1.0))
        gain = checks.number("output_gain", output_gain, above=0.0)
        with torch.no_grad(), part("policy"):
            for head in self.policy.agent.heads:
                head.weight.mul_(gain)
                if head.bias is not None:
                    head.bias.zero_()

    def learn(self, data: Round) -> None:
        assert data.latest is not None
        steps = []
        for step in self._parts(self.judged(data.latest)):
            policy_loss, metrics = self.policy_loss(step)
            norm = self.minimise(policy_loss, POLICY)
            value_loss, more = self.value_loss(step)
            critic_norm = self.minimise(value_loss, CRITIC)
            steps.append({
                **metrics,
                **more,
                "train/gradient_norm": norm,
                "train/critic_gradient_norm": critic_norm,
            })  # fmt: skip
        means = {name: torch.stack([step[name] for step in steps]).mean() for name in steps[0]}
        self.training_means.update(means)

    @torch.no_grad()
    def judged(self, batch: Batch) -> Judged:
        """The episodes of a round with what stays as it is while they are learned from."""
        assert batch.behaviour is not None
        own = batch.inputs(self.policy.inputs.rows)
        rows = self.critic.rows(batch.state_rows(), batch.obs_rows(), own)
        values = self.returns.restore(self.critic(rows, batch.agent_sizes))
        returns = td_lambda_returns(
            batch.agent_rewards(self.individual_rewards),
            batch.terminated.unsqueeze(-1).expand(batch.actions.shape),
            values[batch.n_episodes :],
            batch.transition_sizes,
            self.gamma,
            self.td_lambda,
        )
        before = values[batch.here]
        avail_actions = batch.availability()[batch.here]
        alive = avail_actions.sum(-1) > 1
        self.returns.update(returns)
        return Judged(
            batch=batch,
            rows=rows,
            avail_actions=avail_actions,
            alive=alive,
            old_log=batch.behaviour.log(),
            advantage=standardised(returns - before, alive),
            returns=self.returns.normalise(returns),
            old_value=self.returns.normalise(before),
        )

    def policy_loss(self, step: Judged) -> tuple[Tensor, dict[str, Tensor]]:
        """The scalar loss of the policies on some episodes, and detached scalars worth logging."""
        outputs = self.policy.unroll(step.batch)[step.batch.here]
        policy = log_policy(outputs, step.avail_actions)
        ratio = (gather(policy, step.batch.actions) - step.old_log).exp()
        gain = torch.minimum(
            ratio * step.advantage, ratio.clamp(1.0 - self.clip, 1.0 + self.clip) * step.advantage
        )
        uncertainty = mean_where(entropy(policy), step.alive)
        policy_loss = -mean_where(gain, step.alive)
        clipped = ((ratio.detach() - 1.0).abs() > self.clip).float()
        return policy_loss - self.entropy_factor * uncertainty, {
            "train/policy_loss": policy_loss.detach(),
            "train/entropy": uncertainty.detach(),
            "train/clipped_share": mean_where(clipped, step.alive),
        }

    def value_loss(self, step: Judged) -> tuple[Tensor, dict[str, Tensor]]:
        """The scalar loss of the critic on some episodes, and detached scalars worth logging."""
        value = self.critic(step.rows, step.batch.agent_sizes)[step.batch.here]
        loss = clipped_value_loss(value, step.old_value, step.returns, self.clip)
        error = (value.detach() - step.returns).abs().mean()
        return loss, {"train/value_loss": loss.detach(), "train/value_error_abs": error}

    def _parts(self, judged: Judged) -> Iterator[Judged]:
        """What each step of a round learns from."""
        for _ in range(self.epochs):
            if self.minibatches == 1:
                yield judged
                continue
            for episodes in shares(judged.batch.n_episodes, self.minibatches, self.generator):
                yield judged.select(episodes)


def mean_where(numbers: Tensor, counts: Tensor) -> Tensor:
    """The mean of ``numbers [...]`` where bool ``counts [...]`` is true; 0 if that is nowhere."""
    return (numbers * counts).sum() / counts.sum().clamp(min=1)


def standardised(advantage: Tensor, counts: Tensor) -> Tensor:
    """Advantages less their mean, divided by their standard deviation, ``[K, N]``.

    :param counts: bool ``[K, N]``; mean and standard deviation are taken where it is true.
    """
    centred = advantage - mean_where(advantage, counts)
    return centred / (mean_where(centred.square(), counts).sqrt() + _SMALL)


def clipped_value_loss(value: Tensor, old_value: Tensor, returns: Tensor, clip: float) -> Tensor:
    """The mean, a scalar, over ``[K, N]`` of the larger of two Huber losses (Yu et al., 2022).

    One is that of the values; the other is that of the values kept within ``clip`` of the old ones.
    """
    near = old_value + (value - old_value).clamp(-clip, clip)
    losses = (F.huber_loss(v, returns, reduction="none", delta=_HUBER) for v in (value, near))
    return torch.maximum(*losses).mean()
